"""The hub: everything between a store and its watchers, for whoever has an event loop and transports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from headway.errors import StoreUnavailable
from headway.hub.answering import give_answer
from headway.hub.cancelling import Cancelling, request_cancel
from headway.hub.connection import Connection
from headway.hub.following import Following
from headway.hub.framing import Framing
from headway.hub.loop import LoopSurroundings
from headway.hub.polls import EventsNow, Polls, Question, RunNow
from headway.hub.pool import Pool
from headway.hub.settings import HubSettings
from headway.hub.sink import MayWatch, Peer, Sink
from headway.hub.switchboard import Switchboard
from headway.hub.upkeep import Upkeep
from headway.hub.watching import Watching, watching
from headway.ports import ArtifactStore, Clock, EventStore, Notice, SystemClock
from headway.ports.store import READ_LIMIT
from headway.progress.remaining import Estimator
from headway.protocol.cursor import Cursor
from headway.protocol.events import Json
from headway.protocol.frames import Level

T = TypeVar("T")

WRITER_THREADS = 4
"""For cancels, answers and notices. The store lets one write at a time: more would only wait there."""


class Hub:
    """Follows a store and serves its watchers. Made, started and used in one event loop.

    Args:
        store: What is followed. It is not closed by the hub.
        settings: The bounds.
        artifacts: Where the store's artifacts are, to remove those that no run names any more; None to leave them.
        clock: The time, for display and for upkeep.
        estimator: Of remaining time; None for a new one, as the settings say.

    Raises:
        InvalidInput: The settings name no estimator.
    """

    def __init__(
        self,
        store: EventStore,
        *,
        settings: HubSettings | None = None,
        artifacts: ArtifactStore | None = None,
        clock: Clock | None = None,
        estimator: Estimator | None = None,
    ) -> None:
        self.settings = settings or HubSettings()
        self._store = store
        self._clock = clock or SystemClock()
        self._surroundings = LoopSurroundings(self._clock, self.settings.reader_threads)
        self._writing = Pool(WRITER_THREADS, self.settings.waiting_writes, "headway-hub-write")
        self._switchboard = Switchboard(store, self._surroundings, self.settings, estimator)
        self._polls = Polls(store, self._switchboard)
        self._following = Following(store, self._switchboard.deliver, self._switchboard.mend)
        self._upkeep = Upkeep(store, artifacts, self.settings, self._clock)

    async def start(self) -> None:
        """Follow the store from now on.

        Raises:
            StoreError: It cannot be followed.
        """
        await self._following.start()
        self._upkeep.start()

    def check(self) -> None:
        """Raise StoreUnavailable as long as news do not reach the watchers, or nobody looks after the store."""
        if not self._following.is_following:
            raise StoreUnavailable("the store cannot be followed now: watchers will have their news when it can again")
        if not self._upkeep.is_going_on:
            raise StoreUnavailable("nobody looks for silent and old runs any more: start the server anew")

    async def close(self) -> None:
        """Close all connections, each with the advice when to come back, and wait for the threads, but not for ever."""
        self._switchboard.close()
        await asyncio.gather(
            self._following.stop(), self._upkeep.stop(), self._surroundings.close(), self._writing.close()
        )

    # Watchers

    def connect(
        self, sink: Sink, framing: Framing, peer: Peer | None = None, *, may_watch: MayWatch | None = None
    ) -> Connection:
        """A new connection over a transport. Nothing is written before something is watched or sent.

        Args:
            sink: The transport.
            framing: How it has its frames: one of those in ``headway.hub.framing``.
            peer: Who is behind it.
            may_watch: Which runs it may watch, by id and kind; what it may not is ``not-found`` for it. None: all.
        """
        return self._switchboard.connect(sink, framing, peer, may_watch)

    async def notice(self, text: str, level: Level = "info") -> int:
        """Speak to every connection of every hub on this store, through the store; how many there are here.

        Raises:
            Overloaded: Too many calls wait to be written already.
            StoreError: As the store says; then nobody hears it.
        """
        await self._do(lambda: self._store.announce(Notice(text=text, level=level)))
        return len(self._switchboard.connections)

    def watching(self) -> Iterator[Watching]:
        """Who watches what, as it is now."""
        return watching(self._switchboard)

    # Polls

    async def run(
        self, run_id: str, *, known: str | None = None, wait_s: float = 0.0, may_watch: MayWatch | None = None
    ) -> RunNow:
        """A run as it is now.

        Args:
            run_id: The run.
            known: The ``etag`` that the client has; while the state is still that one, wait for another.
            wait_s: The longest to wait; the answer then has the same ``etag``. A run that has ended is not waited for.
            may_watch: As for ``connect``.

        Raises:
            NotFound: There is no such run, or it may not be watched.
            StoreError: As the store says.
        """
        return await self._polls.run(run_id, known=known, wait_s=wait_s, may_watch=may_watch)

    async def events(
        self,
        run_id: str,
        after: Cursor | None,
        *,
        limit: int = READ_LIMIT,
        types: Collection[str] | None = None,
        wait_s: float = 0.0,
        may_watch: MayWatch | None = None,
    ) -> EventsNow:
        """What follows a cursor (None: everything from the beginning), at most ``limit`` events and about 1 MiB.

        With ``wait_s`` it waits as long for an event, unless the run has ended.

        Raises:
            NotFound: There is no such run, or it may not be watched.
            Gap: It cannot be given whole.
            StoreError: As the store says.
        """
        question = Question(after, limit, None if types is None else frozenset(types))
        return await self._polls.events(run_id, question, wait_s=wait_s, may_watch=may_watch)

    # What watchers say

    async def cancel(self, run_id: str, *, reason: str | None = None, by: str | None = None) -> Cancelling:
        """Ask for a run's cancellation; durable when it returns. Asking again changes nothing.

        Raises:
            NotFound: There is no such run.
            RunEnded: It has ended.
            Overloaded: Too many calls wait to be written already.
            Fenced, StoreError: As the store says.
        """
        return await self._do(lambda: request_cancel(self._store, run_id, reason=reason, by=by, now=self._clock.wall))

    async def answer(self, run_id: str, input_id: str, value: Json, *, by: str | None = None) -> None:
        """Answer a run's question; durable when it returns. The same answer again changes nothing.

        Raises:
            NotFound: There is no such run, or it has not asked this.
            RunEnded: It has ended.
            Answered: Somebody has given another answer.
            InvalidInput: It is not one of the choices.
            Overloaded: Too many calls wait to be written already.
            StoreError: As the store says.
        """
        await self._do(lambda: give_answer(self._store, run_id, input_id, value, by=by, now=self._clock.wall))

    async def _do(self, call: Callable[[], T]) -> T:
        # Not among the reads: an append waits for the disk, and nothing that is shown should wait for that.
        return await self._writing.run(call)
