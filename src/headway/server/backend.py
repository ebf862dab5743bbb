"""What stands behind a server's answers: the store and the artifacts, threads to ask them in, and the hub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

from headway.errors import StoreUnavailable
from headway.hub.hub import Hub
from headway.hub.pool import Pool
from headway.ports import ArtifactStore, EventStore
from headway.progress.remaining import Estimator
from headway.server.holding import Holding
from headway.server.log_text import Texts
from headway.server.place import Opening
from headway.server.settings import Settings
from headway.targets import Place

T = TypeVar("T")

FILE_THREADS = 8
"""For artifacts, exports and imports: a slow disk must not keep appends waiting."""


class _Running(NamedTuple):
    place: Place
    pool: Pool
    files: Pool
    hub: Hub


class Backend:
    """One server's store and what belongs to it. For one event loop, which is where it is started.

    Args:
        open_place: Opens the store and the place for artifacts.
        settings: The server's bounds.
        estimator: Of remaining time.

    Attributes:
        settings: As given.
        texts: Where the parts of the runs' logs are.
        holding: The requests that wait.
        shown_soon: Runs whose newest state lists will have in a moment.
        ending: Nothing begins any more.
    """

    def __init__(self, open_place: Opening, settings: Settings, estimator: Estimator) -> None:
        self._open_place = open_place
        self._estimator = estimator
        self.settings = settings
        self.texts = Texts()
        self.holding = Holding()
        self.shown_soon: set[str] = set()
        self._running: _Running | None = None
        self._starting = asyncio.Lock()
        self.ending = False
        self._last: AsyncGenerator[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def artifacts(self) -> ArtifactStore:
        """Where the artifacts' content is."""
        return self._started().place.artifacts

    @property
    def hub(self) -> Hub:
        """What watchers are served by."""
        return self._started().hub

    def _started(self) -> _Running:
        if self._running is None:
            raise StoreUnavailable("the server is ending: another one may be there in a moment")
        return self._running

    async def start(self) -> None:
        """Begin, if that was not done yet: open the store, and follow it. After ``close`` nothing begins any more.

        Raises:
            StoreError: The store cannot be opened (now).
        """
        if self._running is None and not self.ending:
            async with self._starting:
                if self._running is None and not self.ending:
                    self._running = await self._start()
                    self._last = self._until_the_loop_ends()
                    await anext(self._last)

    async def restart(self) -> None:
        """Begin, also after a ``close``. Raises StoreError."""
        self.ending, self._starting = False, asyncio.Lock()
        await self.start()

    async def _start(self) -> _Running:
        settings = self.settings
        pool = Pool(settings.store_threads, settings.waiting_requests, "headway-server")
        try:
            place = await pool.run(self._open_place)
            hub = Hub(place.store, settings=settings.hub, artifacts=place.artifacts, estimator=self._estimator)
            await hub.start()
        except BaseException:
            await pool.close()
            raise
        return _Running(place, pool, Pool(FILE_THREADS, settings.waiting_requests, "headway-server-files"), hub)

    async def _until_the_loop_ends(self) -> AsyncGenerator[None]:
        """Mounted, nobody tells the application when the server ends. But a loop that ends closes its generators."""
        try:
            yield
        finally:
            await self.close()

    async def ask(self, call: Callable[[EventStore], T]) -> T:
        """What the store answers to a short question. Raises Overloaded, and what the store raises."""
        running = self._started()
        return await running.pool.run(lambda: call(running.place.store))

    async def ask_much(self, call: Callable[[EventStore], T]) -> T:
        """The same for a question that reads much: in other threads, so that it keeps no append waiting."""
        running = self._started()
        return await running.files.run(lambda: call(running.place.store))

    async def work(self, call: Callable[[], T]) -> T:
        """Do something with files, in those other threads."""
        return await self._started().files.run(call)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside; it ends with the backend at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all streams, and let go of the threads, within seconds. The store stays open: it is whoever's it was."""
        self.ending = True
        running, self._running = self._running, None
        if running is None:
            return
        for task in tuple(self._tasks):
            task.cancel()
        self.shown_soon.clear()
        await asyncio.gather(running.hub.close(), running.pool.close(), running.files.close())
