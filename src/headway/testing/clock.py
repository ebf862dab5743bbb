"""A clock that stands still until a test moves it."""

from __future__ import annotations

import threading


class FakeClock:
    """See ``Clock``. It may be shared by threads.

    Args:
        wall_s: What ``wall`` says at first, in seconds since 1970.

    Example:
        >>> clock = FakeClock()
        >>> clock.advance(2.5)
        >>> clock.elapsed()
        1002.5
    """

    def __init__(self, wall_s: float = 1_800_000_000.0) -> None:
        self._lock = threading.Lock()
        self._wall = wall_s
        self._elapsed = 1_000.0
        self._boots = 1

    def wall(self) -> float:
        """Seconds since 1970."""
        with self._lock:
            return self._wall

    def elapsed(self) -> float:
        """Seconds since the machine was started."""
        with self._lock:
            return self._elapsed

    def boot(self) -> str:
        """The name of this start of the machine."""
        with self._lock:
            return f"boot-{self._boots}"

    def advance(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        with self._lock:
            self._wall += seconds
            self._elapsed += seconds

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, as somebody who corrects it; ``elapsed`` goes on undisturbed."""
        with self._lock:
            self._wall += seconds

    def reboot(self, off_s: float = 60.0) -> None:
        """Switch the machine off for a while and on again: ``elapsed`` begins anew under another name."""
        with self._lock:
            self._wall += off_s
            self._elapsed = 1.0
            self._boots += 1
