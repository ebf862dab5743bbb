"""Calls that block, from an event loop: so many at once, so many waiting, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

from headway.errors import Overloaded, StoreUnavailable
from headway.hub.threads import Threads

T = TypeVar("T")


class Pool:
    """A bounded number of threads. For one event loop.

    Args:
        threads: How many calls run at once.
        waiting: How many more may wait.
        name: What the threads are called.
    """

    def __init__(self, threads: int, waiting: int, name: str) -> None:
        self._threads = Threads(threads, name)
        self._limit = threads + waiting
        self._calls: set[_Call] = set()
        self._closed = False

    async def run(self, call: Callable[[], T]) -> T:
        """The call's result. When who waits for it is cancelled it still runs to its end, if it has begun.

        Raises:
            Overloaded: Too many calls wait already.
            StoreUnavailable: The pool was closed; it may be done yet.
        """
        if self._closed:
            raise _ending("another one may be there in a moment")
        if len(self._calls) >= self._limit:
            raise Overloaded("too many requests wait for the store: come back in a moment")
        asked = _Call(call, self._calls.discard)
        self._calls.add(asked)
        self._threads.submit(asked)
        return cast(T, await asked.result)

    async def close(self) -> None:
        """Let what runs end, if it does so in time; what waits does not begin any more."""
        self._closed = True
        self._threads.stop()
        for call in self._calls:
            if not call.begun:
                call.fail(_ending("another one may be there in a moment"))
        await self._threads.join()
        for call in self._calls:
            call.fail(_ending("what it was asked to do may be done yet, so ask another one whether it was"))


def _ending(advice: str) -> StoreUnavailable:
    return StoreUnavailable(f"the server is ending: {advice}")


class _Call:
    """Something for a thread to call, and its result, which is there for the loop in which it was made."""

    def __init__(self, call: Callable[[], object], done: Callable[[_Call], object]) -> None:
        self._call = call
        self._done = done
        self._loop = asyncio.get_running_loop()
        self.result: asyncio.Future[Any] = self._loop.create_future()
        self.begun = False

    def __call__(self) -> None:
        self.begun = True
        result = error = None
        try:
            if not self.result.cancelled():
                result = self._call()
        except Exception as raised:
            error = raised
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._take, result, error)

    def _take(self, result: object, error: Exception | None) -> None:
        self._done(self)
        if error is not None:
            self.fail(error)
        elif not self.result.done():
            self.result.set_result(result)

    def fail(self, error: Exception) -> None:
        """Tell who waits for the result, if somebody still does."""
        if not self.result.done():
            self.result.set_exception(error)
