"""Deadlines of many, all of the same length, with one timer for all of them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol


class Overdue(Protocol):
    """Somebody with a deadline."""

    def overdue(self) -> None:
        """The time is over; whether anything still had to come is for it to know."""


class Deadlines:
    """Calls everybody once, a fixed time after they were added. For one event loop.

    Args:
        seconds: The time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: deque[tuple[float, Overdue]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, waiting: Overdue) -> None:
        """Call this one when its time is over."""
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + self._seconds, waiting))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waiting and self._waiting[0][0] <= now:
            self._waiting.popleft()[1].overdue()
        self._timer = loop.call_at(self._waiting[0][0], self._look) if self._waiting else None
