"""A file system that says it is on another machine, served by this process, for who may mount one.

An empty folder is all that it has. The messages are those of the kernel's header ``linux/fuse.h``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LOOKUP, FORGET, GETATTR, STATFS, INIT, DESTROY, INTERRUPT, ACCESS, BATCH_FORGET = 1, 2, 3, 17, 26, 38, 36, 34, 42
NO_ANSWER = {FORGET, DESTROY, INTERRUPT, BATCH_FORGET}
IN_HEADER = struct.Struct("=IIQQIIII")
OUT_HEADER = struct.Struct("=IiQ")
FOLDER = struct.pack("=QII" + "6Q10I", 60, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40777, 2, 0, 0, 0, 4096, 0)
SPACE = struct.pack("=5Q4I24x", 10**7, 10**7, 10**7, 10**6, 10**6, 4096, 255, 4096, 0)
ANSWERS = {
    INIT: struct.pack("=IIIIHHIIHHI28x", 7, 31, 65536, 0, 12, 9, 65536, 1, 1, 0, 0),
    GETATTR: FOLDER,
    STATFS: SPACE,
    ACCESS: b"",
}
DETACH = 2


@contextmanager
def far_disk(folder: Path, type_: str) -> Iterator[Path]:
    """An empty disk of a type such as ``fuse.sshfs``."""
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        pytest.skip(f"needs /dev/fuse: {error}")
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
    if libc.mount(b"somebody@elsewhere:/", bytes(folder), type_.encode(), 0, options.encode()):
        os.close(device)
        pytest.skip(f"needs the right to mount: {os.strerror(ctypes.get_errno())}")
    server = threading.Thread(target=_serve, args=[device], daemon=True)
    server.start()
    try:
        yield folder
    finally:
        libc.umount2(bytes(folder), DETACH)
        server.join(10)
        os.close(device)


def _serve(device: int) -> None:
    while True:
        try:
            message = os.read(device, 1 << 17)
        except OSError as error:
            if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
                continue
            return  # it was unmounted
        _, opcode, unique, *_ = IN_HEADER.unpack_from(message)
        if opcode not in NO_ANSWER:
            missing = errno.ENOENT if opcode == LOOKUP else errno.ENOSYS
            body = ANSWERS.get(opcode)
            header = OUT_HEADER.pack(OUT_HEADER.size + len(body or b""), 0 if body is not None else -missing, unique)
            os.write(device, header + (body or b""))
