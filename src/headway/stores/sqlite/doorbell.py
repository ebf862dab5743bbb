"""Doorbells: how a writer wakes the followers in other processes, in about a millisecond.

Each follower has a FIFO in the folder beside the store; after a commit the writer puts one byte into each. A bell only
says "look": a lost one costs the follower its poll interval, nothing else. FIFOs and not sockets, since a socket's
address has 108 bytes at most and the path of a store may have more.
"""

from __future__ import annotations

import errno
import os
import select
import uuid
from contextlib import suppress
from pathlib import Path

_NOT_READY = ".new"


class Bell:
    """A follower's end; heard by ``wait``."""

    def __init__(self, folder: Path) -> None:
        self._path: Path | None = folder / f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._inner, self._outer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        self._fd = self._hang(folder)

    def _hang(self, folder: Path) -> int | None:
        # The FIFO gets its name when it has a reader, or a writer would take it for one that was left behind. Where
        # none can be made (a read-only place, a system without FIFOs) the poll alone serves.
        assert self._path is not None
        unready = self._path.with_suffix(_NOT_READY)
        try:
            folder.mkdir(exist_ok=True)
            os.mkfifo(unready)
            fd = os.open(unready, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            unready.rename(self._path)
        except (OSError, AttributeError):
            self._path = None
            return None
        return fd

    def wait(self, timeout_s: float) -> bool:
        """Wait for a ring or a ``wake``; false if neither came in time."""
        ends = [self._inner] if self._fd is None else [self._inner, self._fd]
        ready, _, _ = select.select(ends, [], [], max(0.0, timeout_s))
        for fd in ready:
            with suppress(BlockingIOError):
                os.read(fd, 65536)
        return bool(ready)

    def wake(self) -> None:
        """End a wait in another thread of this process."""
        with suppress(OSError):
            os.write(self._outer, b"!")

    def close(self) -> None:
        """Take the bell down."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        for fd in (self._inner, self._outer, self._fd):
            if fd is not None:
                os.close(fd)
        self._fd = None


def ring_all(folder: Path) -> None:
    """Ring every bell in the folder, and remove those whose follower is gone. Never raises, never waits."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 -- once per commit; making Path objects costs more than listing
    except OSError:
        return
    for name in names:
        if not name.endswith(_NOT_READY):
            _ring(folder / name)


def _ring(path: Path) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nobody has it open for reading: its follower was killed
            with suppress(OSError):
                path.unlink()
        return
    with suppress(BlockingIOError, BrokenPipeError):  # full: it has been rung already
        os.write(fd, b"!")
    os.close(fd)
