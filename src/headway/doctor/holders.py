"""Which processes hold locks on a file, from ``/proc/locks``. Linux only; elsewhere nobody is found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

LOCKS = Path("/proc/locks")
STOPPED = frozenset("Tt")
"""The states of a process that was stopped, by a signal or by a debugger (see proc_pid_stat(5))."""


class Lock(NamedTuple):
    """A lock that is held: ``flock`` on a whole file, ``posix`` on bytes from ``first`` on."""

    kind: Literal["flock", "posix"]
    write: bool
    pid: int
    file: tuple[int, int, int]
    first: int


class Holder(NamedTuple):
    """A process.

    Attributes:
        pid: Its number; 0 or less if it cannot be seen from here.
        command: What it runs.
        stopped: Whether it is stopped.
    """

    pid: int
    command: str
    stopped: bool

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})" if self.pid > 0 else "a process that cannot be seen from here"


def locks_on(path: Path) -> list[Lock]:
    """The locks that processes hold on a file now."""
    try:
        found, text = path.stat(), LOCKS.read_text(encoding="ascii")
    except OSError:
        return []
    inode = [lock for lock in map(_parse, text.splitlines()) if lock is not None and lock.file[2] == found.st_ino]
    device = (os.major(found.st_dev), os.minor(found.st_dev))
    same = [lock for lock in inode if lock.file[:2] == device]
    # Those without a device of their own (btrfs, overlays) may tell another one there than to who asks for the file.
    return same or ([] if device[0] else inode)


def _parse(line: str) -> Lock | None:
    words = line.split()
    if len(words) != 8 or words[1] not in ("FLOCK", "POSIX"):
        return None
    major, minor, inode = words[5].split(":")
    return Lock(
        kind="flock" if words[1] == "FLOCK" else "posix",
        write=words[3] == "WRITE",
        pid=int(words[4]),
        file=(int(major, 16), int(minor, 16), int(inode)),
        first=int(words[6]),
    )


def holder(lock: Lock, path: Path) -> Holder:
    """Who holds a lock on a file: of an ``flock`` perhaps a child of the process that took it."""
    if lock.kind == "flock" and not Path(f"/proc/{lock.pid}").exists():
        return next((process(pid) for pid in _flock_owners(path)), Holder(0, "", stopped=False))
    return process(lock.pid)


def process(pid: int) -> Holder:
    """What is known of a process."""
    folder = Path(f"/proc/{pid}")
    try:
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        state = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return Holder(0, "", stopped=False)
    return Holder(pid, command[:80] or "without a name", state in STOPPED)


def _flock_owners(path: Path) -> Iterator[int]:
    """The processes that have the locked opening of a file, as far as they may be looked at."""
    wanted = path.stat()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(_has_lock(folder, fd, wanted) for fd in (folder / "fd").iterdir()):
                yield int(folder.name)


def _has_lock(folder: Path, fd: Path, wanted: os.stat_result) -> bool:
    with suppress(OSError):
        # Who has only opened the file, as every writer has, has no line of a lock there (see proc_pid_fdinfo(5)).
        return os.path.samestat(fd.stat(), wanted) and "FLOCK" in (folder / "fdinfo" / fd.name).read_text()
    return False
