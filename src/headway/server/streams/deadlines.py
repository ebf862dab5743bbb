"""Deadlines of many, all of the same length, with one timer for all of them."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

logger = logging.getLogger("headway")


class Overdue(Protocol):
    """Somebody with a deadline."""

    def overdue(self) -> None:
        """The time is over."""


class Deadlines:
    """Calls everybody once, a fixed time after they were last added. For one event loop.

    Args:
        seconds: The time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[Overdue, float] = {}  # the first is due first, since all wait for as long
        self._timer: asyncio.TimerHandle | None = None

    def add(self, waiting: Overdue) -> None:
        """Call this one when its time is over; who waits already begins anew."""
        loop = asyncio.get_running_loop()
        self._waiting.pop(waiting, None)
        self._waiting[waiting] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look)

    def drop(self, waiting: Overdue) -> None:
        """Do not call it; nothing if it does not wait."""
        self._waiting.pop(waiting, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        due = []
        self._timer = None
        for waiting, until in self._waiting.items():
            if until > now:
                self._timer = loop.call_at(until, self._look)
                break
            due.append(waiting)
        for waiting in due:
            self.drop(waiting)
            try:
                waiting.overdue()
            except Exception:  # the others are due all the same
                logger.exception("what was overdue could not be ended")
