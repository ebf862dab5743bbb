"""Memory for the system, when many watchers have left: the C library keeps what lies between pieces still in use."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable

LOOK_S = 10.0
"""Between two looks at how many there are."""

LEFT = 200
"""So many fewer than there were, and it is worth some milliseconds of the allocator's lock."""


def give_back() -> None:
    """Have the C library return the pages that nothing is in; only glibc can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class Trimming:
    """Looks at a number of connections now and then, for the loop that it is started in.

    Args:
        count: How many there are.
        trim: Gives memory back; it is called in a thread.
    """

    def __init__(self, count: Callable[[], int], trim: Callable[[], object] = give_back) -> None:
        self._count = count
        self._trim = trim
        self._most = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look."""
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._again)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _again(self) -> None:
        self.look()
        self.start()

    def look(self) -> None:
        """Give memory back if many have left since the last time that it was given back."""
        count = self._count()
        self._most = max(self._most, count)
        if self._most - count >= LEFT:
            self._most = count
            asyncio.get_running_loop().run_in_executor(None, self._trim)
