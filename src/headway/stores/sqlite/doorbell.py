"""Doorbells: how a writer wakes followers and jobs in other processes, in about a millisecond.

Each follower has a FIFO in the folder beside the store; after a commit the writer puts one byte into each. Each job has
one too, in a folder within that, which is rung only for what the job must hear, so that ordinary commits pay nothing
for the jobs. A bell only says "look": a lost one costs its owner the poll interval, nothing else. FIFOs and not
sockets, since a socket's address has 108 bytes at most and the path of a store may have more.
"""

from __future__ import annotations

import errno
import os
import select
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

_NOT_READY = ".new"

_LEFT_BEHIND_S = 60.0
"""A bell takes microseconds to hang up; one that is half hung for so long belongs to a process that was killed."""

JOBS = "jobs"
"""The folder, among the bells, of those that are rung for one run only."""


class Bell:
    """The end of who wants to hear; heard by ``wait``.

    Args:
        folder: Where it hangs.
        name: What its own name begins with.
    """

    def __init__(self, folder: Path, name: str = "") -> None:
        self._folder = folder
        self._name = name
        self._path: Path | None = None
        self._fifo = -1
        self._inner, self._outer = os.pipe()
        os.set_blocking(self._inner, False)
        os.set_blocking(self._outer, False)
        self._fds = [self._inner, self._outer]
        self._open = threading.Lock()
        self._hearing = select.poll()  # select() itself fails in a process with more than 1,024 open files
        self._hearing.register(self._inner, select.POLLIN)
        self._hang()

    def _hang(self) -> None:
        # The FIFO gets its name when it has a reader, or a writer would take it for one that was left behind. Where
        # none can be made (a read-only place, a system without FIFOs) the poll alone serves.
        path = self._folder / f"{self._name}{os.getpid()}-{uuid.uuid4().hex[:12]}"
        unready = path.with_name(path.name + _NOT_READY)
        try:
            if self._folder.name == JOBS:
                self._folder.parent.mkdir(exist_ok=True)
            self._folder.mkdir(exist_ok=True)
            os.mkfifo(unready)
            fd = os.open(unready, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            unready.rename(path)
        except (OSError, AttributeError):
            return
        self._path, self._fifo = path, fd
        self._fds.append(fd)
        self._hearing.register(fd, select.POLLIN)

    @property
    def hangs(self) -> bool:
        """Whether it can be rung at all."""
        return self._path is not None

    def rehang(self) -> None:
        """Hang the bell again if somebody has taken it down, with its folder for instance. Not from two threads."""
        if not self._fds or (self._path is not None and os.path.exists(self._path)):  # noqa: PTH110 -- never raises
            return
        if self._fifo >= 0:
            self._hearing.unregister(self._fifo)
            self._fds.remove(self._fifo)
            os.close(self._fifo)
            self._fifo, self._path = -1, None
        self._hang()

    def wait(self, timeout_s: float) -> bool:
        """Wait for a ring or a ``wake``; false if neither came in time."""
        ready = self._hearing.poll(max(0.0, timeout_s) * 1000)
        for fd, _event in ready:
            with suppress(BlockingIOError):
                os.read(fd, 65536)
        return bool(ready)

    def wake(self) -> None:
        """End a wait in another thread of this process; nothing when the bell was taken down."""
        with self._open, suppress(BlockingIOError):
            if self._fds:
                os.write(self._outer, b"!")

    def close(self) -> None:
        """Take the bell down; a second time does nothing."""
        if self._path is not None:
            with suppress(OSError):  # its folder may be gone, or out of reach
                self._path.unlink()
        self.abandon()

    def abandon(self) -> None:
        """After a fork, in the child: let go of the parent's bell, but leave it where it hangs."""
        self._path = None
        with self._open:
            while self._fds:
                os.close(self._fds.pop())


def job_bells(folder: Path) -> Path:
    """Where the bells of jobs are, among those of a store."""
    return folder / JOBS


def hang_for(folder: Path, run_id: str) -> Bell:
    """A bell that is rung for one run only, and no bells beside it of jobs that are dead."""
    jobs = job_bells(folder)
    for name in _names(jobs):
        with suppress(OSError):
            _take_down_if_dead(jobs / name)
    return Bell(jobs, _of_run(run_id))


def _of_run(run_id: str) -> str:
    return f"{run_id}~"  # no name of a run has one


def ring_for(folder: Path, run_id: str) -> None:
    """Ring the bells of one run. Never raises, never waits."""
    jobs = job_bells(folder)
    for name in _names(jobs):
        if name.startswith(_of_run(run_id)):
            with suppress(OSError):
                _ring(jobs / name)


def ring_all(folder: Path) -> None:
    """Ring every bell of a follower, and remove those whose follower is gone. Never raises, never waits."""
    for name in _names(folder):
        if name != JOBS and not name.endswith(_NOT_READY):
            with suppress(OSError):
                _ring(folder / name)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 -- once per commit; making Path objects costs more than listing
    except OSError:
        return []


def _take_down_if_dead(path: Path) -> None:
    if path.name.endswith(_NOT_READY):
        if time.time() - path.stat().st_mtime > _LEFT_BEHIND_S:
            path.unlink(missing_ok=True)
    elif (fd := _opened(path)) is not None:
        os.close(fd)


def _ring(path: Path) -> None:
    fd = _opened(path)
    if fd is None:
        return
    try:
        with suppress(BlockingIOError, BrokenPipeError):  # full: it has been rung already
            os.write(fd, b"!")
    finally:
        os.close(fd)


def _opened(path: Path) -> int | None:
    """A bell's outer end; None if nobody has the inner one, in which case it is removed."""
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:  # whoever hung it up was killed
            path.unlink(missing_ok=True)
        return None
