"""The lock that writers of all processes take before a transaction.

SQLite's own waiting starves: who waits sleeps and asks again, and who just committed takes the lock back first. The
kernel serves ``flock`` waiters in turn, and releases the lock of whoever dies.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headway.errors import StoreUnavailable
from headway.ports.forking import forkable
from headway.stores.sqlite.forking import watch

TIMEOUT_S = 30.0
"""A writer holds the lock for milliseconds; who waits this long waits for a stopped process."""

TRUSTED_S = 0.1
"""How long the file need not be looked for again."""


class WriterLock:
    """One lock per store object; its threads take turns before they come here."""

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._fd = -1
        self._turn: _Turn | None = None
        self._use(_open(path))
        watch(self)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock.

        Raises:
            StoreUnavailable: Another process kept it for too long.
        """
        try:
            self._take()
            while not self._is_in_place():
                self._use(_open(self._path))
                self._take()
            yield
        finally:
            if self._fd >= 0:  # in a child that was forked in here, the lock is the parent's
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _take(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._wait()

    def _use(self, fd: int) -> None:
        """Go on with another descriptor. A child that is forked in here must not close one that is somebody else's."""
        self._trusted_until = 0.0
        self._file = os.fstat(fd)
        old, self._fd = self._fd, fd
        if old >= 0:
            os.close(old)

    def _is_in_place(self) -> bool:
        # A file that was moved or removed locks nobody out who comes after that. It costs them their fair turn, nothing
        # else, since SQLite has a lock of its own; so it is not looked for each time.
        now = time.monotonic()
        if now < self._trusted_until:
            return True
        try:
            there = os.path.samestat(self._file, self._path.stat())
        except FileNotFoundError:
            return False
        self._trusted_until = now + TRUSTED_S if there else 0.0
        return there

    def _wait(self) -> None:
        # flock has no time-out, so a thread waits in the kernel's fair queue, on a descriptor of its own. One that was
        # given up on waits on, and the next call goes on with it: a stopped process must not gather threads here.
        if self._turn is None or not self._turn.resume():
            self._turn = _Turn(_open(self._path))
        with forkable():
            in_time = self._turn.wait(self._timeout_s)
        if not in_time:
            raise StoreUnavailable(
                f"another process has kept {self._path} locked for {self._timeout_s:.0f} s: "
                "one of those that write to the store may be stopped (look at the lock with `lslocks`)"
            )
        turn, self._turn = self._turn, None
        self._use(turn.fd)

    def close(self) -> None:
        """Close the file."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def abandon(self) -> None:
        """After a fork, in the child: a descriptor kept open here would keep the lock of a parent that dies."""
        if self._turn is not None and not self._turn.released:
            os.close(self._turn.fd)
        self._turn = None
        self.close()


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


class _Turn:
    """A wait that can be given up; when the lock comes to one that was, it is released again."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.released = False
        self._taken = threading.Event()
        self._wanted = True
        self._decision = threading.Lock()
        threading.Thread(target=self._take, name="headway-lock", daemon=True).start()

    def _take(self) -> None:
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        with self._decision:
            if self._wanted:
                self._taken.set()
                return
            self.released = True
            # Closing alone would not do it if a child had inherited the descriptor.
            fcntl.flock(self.fd, fcntl.LOCK_UN)
            os.close(self.fd)

    def wait(self, timeout_s: float) -> bool:
        """Whether the lock came in time."""
        if self._taken.wait(timeout_s):
            return True
        with self._decision:
            self._wanted = self._taken.is_set()
            return self._wanted

    def resume(self) -> bool:
        """Want it again; false if it came in the meantime and is gone."""
        with self._decision:
            self._wanted = not self.released
            return self._wanted
