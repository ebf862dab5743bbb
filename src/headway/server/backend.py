"""What stands behind a server's answers: the store, the artifacts, and threads to ask them in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import msgspec

from headway.hub.opening import Opened, open_run
from headway.ports import ArtifactStore, EventStore
from headway.progress.state import State, View
from headway.protocol import times
from headway.protocol.cursor import Cursor
from headway.server.log_text import Texts
from headway.server.place import Opening
from headway.server.pool import Pool
from headway.server.settings import Settings
from headway.server.views import Views
from headway.targets import Place

T = TypeVar("T")

FILE_THREADS = 8
"""For artifacts, exports and imports: a slow disk must not keep appends waiting."""


class RunAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A run as one answer has it."""

    state: State
    view: View
    cursor: str


class _Running(NamedTuple):
    place: Place
    pool: Pool
    files: Pool
    views: Views


class Backend:
    """One server's store and what belongs to it. For one event loop, which is where it is started.

    Args:
        open_place: Opens the store and the place for artifacts.
        settings: The server's bounds.

    Attributes:
        texts: Where the parts of the runs' logs are.
    """

    def __init__(self, open_place: Opening, settings: Settings) -> None:
        self._open_place = open_place
        self.settings = settings
        self.texts = Texts()
        self._running: _Running | None = None
        self._starting = asyncio.Lock()

    @property
    def artifacts(self) -> ArtifactStore:
        """Where the artifacts' content is; once the backend was started."""
        return self._started().place.artifacts

    def _started(self) -> _Running:
        assert self._running is not None, "a request came before the start"
        return self._running

    async def start(self) -> None:
        """Open the store, if that was not done yet.

        Raises:
            StoreError: It cannot be opened (now).
        """
        if self._running is None:
            async with self._starting:
                if self._running is None:
                    self._running = await self._start()

    async def _start(self) -> _Running:
        pool = Pool(self.settings.store_threads, self.settings.waiting_requests)
        try:
            place = await pool.run(self._open_place)
        except BaseException:
            pool.close()
            raise
        return _Running(place, pool, Pool(FILE_THREADS, self.settings.waiting_requests), Views(place.store))

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

    async def run(self, run_id: str) -> RunAnswer:
        """A run as it is now. Raises NotFound."""
        return await self.ask(lambda store: self.answered(open_run(store, run_id)))

    async def changed(self, run_id: str, cursor: Cursor, wait_s: float) -> bool:
        """Whether the log has something past the cursor, as soon as it has, or false in time. Raises NotFound."""
        until = time.monotonic() + wait_s
        while (await self.ask(lambda store: store.header(run_id).cursor)) == cursor:
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(0.05)
        return True

    def answered(self, opened: Opened) -> RunAnswer:
        """A run with its view; in any thread."""
        view = self._started().views.view(opened.state, time.time())
        return RunAnswer(state=opened.state, view=view, cursor=str(opened.cursor))

    def now(self) -> str:
        """The time, for events that the server writes for others."""
        return times.to_text(time.time())

    async def close(self) -> None:
        """Let go of the threads. The store stays open: it is whoever's it was, or the whole process's."""
        running, self._running = self._running, None
        if running is not None:
            running.pool.close()
            running.files.close()
