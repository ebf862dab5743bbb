"""Threads for what blocks: the store and the disk. So many at once, so many waiting, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from headway.errors import Overloaded

T = TypeVar("T")


class Pool:
    """A bounded number of threads. For one event loop.

    Args:
        threads: How many calls run at once.
        waiting: How many more may wait.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="headway-server")
        self._limit = threads + waiting
        self._busy = 0

    async def run(self, call: Callable[[], T]) -> T:
        """The call's result. When who waits for it is cancelled it still runs to its end.

        Raises:
            Overloaded: Too many calls wait already.
        """
        if self._busy >= self._limit:
            raise Overloaded("too many requests wait for the store: come back in a moment")
        future = asyncio.get_running_loop().run_in_executor(self._executor, call)
        self._busy += 1
        future.add_done_callback(self._done)
        return await future

    def _done(self, _future: object) -> None:
        self._busy -= 1

    def close(self) -> None:
        """Let what runs end; what waits does not begin any more."""
        self._executor.shutdown(wait=False, cancel_futures=True)
