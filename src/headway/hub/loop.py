"""The hub's surroundings in earnest: an asyncio loop, and a few threads that read from the store."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from headway.errors import HeadwayError, StoreError, StoreUnavailable
from headway.hub.surroundings import Timer
from headway.hub.threads import Threads
from headway.ports import Clock

T = TypeVar("T")

_log = logging.getLogger("headway.hub")


class _Read:
    """A job, and who waits for its result."""

    __slots__ = ("done", "job")

    def __init__(self, job: Callable[[], object], done: Callable[[object], object]) -> None:
        self.job = job
        self.done = done


class LoopSurroundings:
    """See ``Surroundings``. Made and used in the loop.

    Only as many jobs as there are threads are under way, and none begins before the result of one of these was taken:
    however many watchers read on from the store, that many results are in memory.

    Whoever asks is answered, once, also at the end and behind it: somebody may be waiting for nothing else.
    """

    def __init__(self, clock: Clock, threads: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._threads = Threads(threads, "headway-hub-read")
        self._waiting: deque[_Read] = deque()
        self._under_way: set[_Read] = set()
        self._free = threads
        self._closed = False

    def now(self) -> float:
        """See ``Surroundings.now``."""
        return self._loop.time()

    def wall(self) -> float:
        """See ``Surroundings.wall``."""
        return self._clock.wall()

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """See ``Surroundings.call_at``."""
        return self._loop.call_at(when, callback)

    def read(self, job: Callable[[], T], done: Callable[[T | HeadwayError], object]) -> None:
        """See ``Surroundings.read``."""
        read = _Read(job, done)  # type: ignore[arg-type]
        if self._closed:
            self._refuse(read)
        else:
            self._waiting.append(read)
            self._begin()

    def _begin(self) -> None:
        while self._free and self._waiting:
            self._free -= 1
            read = self._waiting.popleft()
            self._under_way.add(read)
            self._threads.submit(partial(self._run, read))

    def _run(self, read: _Read) -> None:
        result: object
        try:
            result = read.job()
        except HeadwayError as error:
            result = error
        except Exception as error:
            _log.exception("reading from the store failed in an unforeseen way")
            result = StoreError(f"reading failed: {type(error).__name__}")
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._take, read, result)

    def _take(self, read: _Read, result: object) -> None:
        if read not in self._under_way:  # it was refused: the end came first
            return
        self._under_way.remove(read)
        self._free += 1
        try:
            read.done(result)
        finally:
            self._begin()

    def _refuse(self, read: _Read) -> None:
        self._loop.call_soon(read.done, StoreUnavailable("the server is ending: another one may be there in a moment"))

    async def close(self) -> None:
        """Answer StoreUnavailable to all who wait and to who asks from now on, and wait for the jobs that are under
        way, if they end in time."""
        self._closed = True
        for read in (*self._under_way, *self._waiting):
            self._refuse(read)
        self._under_way.clear()
        self._waiting.clear()
        self._threads.stop()
        await self._threads.join()
