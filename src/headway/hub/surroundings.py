"""What the hub needs of the world around it: the time, timers, and somebody who reads from the store meanwhile.

Everything else in the hub is plain code that never waits, so a test can put its own surroundings around it and decide
what happens when.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from headway.errors import HeadwayError

T = TypeVar("T")


class Timer(Protocol):
    """Something that will be called."""

    def cancel(self) -> None:
        """Do not call it; nothing if it was called."""


class Surroundings(Protocol):
    """For one thread, in which all callbacks are called, too; none of them from within a call of these methods."""

    def now(self) -> float:
        """Seconds, on a clock that never jumps."""

    def wall(self) -> float:
        """Seconds since 1970, for display."""

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """Call it when ``now`` is this or later, the earliest first."""

    def read(self, job: Callable[[], T], done: Callable[[T | HeadwayError], object]) -> None:
        """Run something that blocks, elsewhere, and hand over what it returned, or the error that it raised.

        Jobs begin in the order in which they were given; they may end in any.
        """
