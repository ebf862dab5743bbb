"""The lock that writers of all processes take before a transaction.

SQLite's own waiting starves: who waits sleeps and asks again, and who just committed takes the lock back first. The
kernel serves ``flock`` waiters in turn, and releases the lock of whoever dies.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headway.errors import StoreUnavailable

TIMEOUT_S = 30.0
"""A writer holds the lock for milliseconds; who waits this long waits for a stopped process."""


class WriterLock:
    """One lock per store object; its threads take turns before they come here."""

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock.

        Raises:
            StoreUnavailable: Another process kept it for too long.
        """
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._wait()
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _wait(self) -> None:
        # flock has no time-out, so a thread waits in the kernel's fair queue; given up on, it takes the lock in the end
        # on a descriptor of its own, and the closing of that releases it.
        fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        turn = _Turn()
        threading.Thread(target=turn.take, args=(fd,), name="headway-lock", daemon=True).start()
        if not turn.taken.wait(self._timeout_s) and turn.give_up():
            raise StoreUnavailable(
                f"another process has kept {self._path} locked for {self._timeout_s:.0f} s: "
                "one of those that write to the store may be stopped (look at the lock with `lslocks`)"
            )
        os.close(self._fd)
        self._fd = fd

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class _Turn:
    """A wait that can be given up: whichever of the two sides is second closes the descriptor."""

    def __init__(self) -> None:
        self.taken = threading.Event()
        self._decision = threading.Lock()
        self._given_up = False

    def take(self, fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX)
        with self._decision:
            if self._given_up:
                os.close(fd)
            else:
                self.taken.set()

    def give_up(self) -> bool:
        """False when the lock came at the last moment."""
        with self._decision:
            self._given_up = not self.taken.is_set()
            return self._given_up
