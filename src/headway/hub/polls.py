"""Polls: who asks for a run, or for what follows a cursor, and may be kept waiting until there is something.

They are answered from the same memory as the watchers, and who asks the same gets the same bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from headway.errors import HeadwayError, NotFound, StoreUnavailable
from headway.hub.feed import Feed
from headway.hub.mirror import Mirror, Phase
from headway.hub.sink import MayWatch
from headway.hub.stretch import wanted
from headway.hub.switchboard import Switchboard
from headway.ports import EventStore, Page, Record
from headway.ports.store import READ_LIMIT
from headway.protocol.cursor import Cursor

PAGE_BYTES = 1024 * 1024
"""So much of a log in one answer; who wants more asks again."""

PATIENCE_S = 5.0
"""How long who asks waits for a store that is out of reach."""

ANSWERS_KEPT = 16
"""Newest answers that are kept for others who ask the same."""


class RunNow(NamedTuple):
    """A run as it is now, in the JSON that is sent.

    Attributes:
        kind: What sort of run it is.
        cursor: Behind the newest event.
        state: The JSON of its ``State``.
        view: The JSON of its ``View``.
    """

    kind: str
    cursor: str
    state: bytes
    view: bytes

    @property
    def etag(self) -> str:
        """The entity tag of the state: as long as it is the same, so is the state."""
        return f'"{self.cursor}"'

    @property
    def body(self) -> bytes:
        """The answer to ``GET /runs/{id}``."""
        return b'{"state":%b,"view":%b,"cursor":"%b"}' % (self.state, self.view, self.cursor.encode())


class EventsNow(NamedTuple):
    """A part of a log, in the JSON that is sent.

    Attributes:
        body: The answer to ``GET /runs/{id}/events``.
        cursor: Behind what was looked at.
        found: How many events there are in it.
        ended: There will never be more.
    """

    body: bytes
    cursor: str
    found: int
    ended: bool


class Question(NamedTuple):
    """What of a log is asked for; ``after`` is None for everything from the beginning."""

    after: Cursor | None
    limit: int = READ_LIMIT
    types: frozenset[str] | None = None


class Polls:
    """Answers polls. For one event loop.

    Args:
        store: For what is not in memory.
        switchboard: Has what is.
    """

    def __init__(self, store: EventStore, switchboard: Switchboard) -> None:
        self._store = store
        self._switchboard = switchboard
        self._answers: dict[tuple[str, Question, Cursor], EventsNow] = {}

    async def run(self, run_id: str, *, known: str | None, wait_s: float, may_watch: MayWatch | None) -> RunNow:
        """See ``Hub.run``."""
        async with self._opened(run_id, may_watch, fresh=not wait_s) as feed:
            deadline = self._switchboard.surroundings.now() + wait_s
            while True:
                mirror = feed.mirror
                now = RunNow(mirror.fold.short_state().kind, str(mirror.head), mirror.state(), mirror.view())
                if now.etag != known or mirror.ended or not await self._news(feed, deadline):
                    return now
                self._check_open(feed, may_watch)

    async def events(self, run_id: str, question: Question, *, wait_s: float, may_watch: MayWatch | None) -> EventsNow:
        """See ``Hub.events``."""
        try:
            return await self._events(run_id, question, wait_s, may_watch)
        except NotFound:
            if may_watch is not None or question.after is None or not question.after.epoch:
                raise
            return await self._from_store(run_id, question)  # which remembers what was deleted, and says so

    async def _events(self, run_id: str, question: Question, wait_s: float, may_watch: MayWatch | None) -> EventsNow:
        async with self._opened(run_id, may_watch, fresh=not wait_s) as feed:
            deadline = self._switchboard.surroundings.now() + wait_s
            while True:
                head = feed.mirror.head
                answer = await self._find(feed, question)
                if answer.found or answer.ended:
                    return answer
                # What came while the store was asked was not heard, so it is looked for again, not waited for.
                if feed.mirror.head == head and not await self._news(feed, deadline):
                    return answer
                self._check_open(feed, may_watch)

    # Waiting

    @asynccontextmanager
    async def _opened(self, run_id: str, may_watch: MayWatch | None, *, fresh: bool) -> AsyncIterator[Feed]:
        """The feed of a run that is there; it stays while it is used.

        ``fresh``: as new as the store, for who does not want to wait, but may just have written something.
        """
        feed = self._switchboard.feed(run_id)
        feed.hold()
        try:
            if fresh or feed.mirror.phase is not Phase.OPEN:
                await self._look(feed)
            self._check_open(feed, may_watch)
            yield feed
        finally:
            feed.release()

    async def _look(self, feed: Feed) -> None:
        """Wait until the store was asked, after now."""
        deadline = self._switchboard.surroundings.now() + PATIENCE_S
        number = feed.mirror.mend()
        while feed.mirror.looked < number and feed.mirror.phase is not Phase.GONE:
            if not await self._news(feed, deadline):
                raise StoreUnavailable("the store does not answer")

    def _check_open(self, feed: Feed, may_watch: MayWatch | None) -> None:
        if feed.error is not None:
            raise feed.error
        open_ = feed.mirror.phase is Phase.OPEN
        if not open_ or (may_watch and not may_watch(feed.run_id, feed.mirror.fold.short_state().kind)):
            raise NotFound(f"there is no run {feed.run_id!r} in this store")

    async def _news(self, feed: Feed, deadline: float) -> bool:
        """Wait until the feed has moved on; false if the time came first."""
        surroundings = self._switchboard.surroundings
        if surroundings.now() >= deadline:
            return False
        heard = asyncio.get_running_loop().create_future()
        wake = _resolver(heard)
        timer = surroundings.call_at(deadline, wake)
        feed.hear(wake)
        try:
            await heard
        finally:
            feed.unhear(wake)
            timer.cancel()
        return surroundings.now() < deadline

    # Finding

    async def _find(self, feed: Feed, question: Question) -> EventsNow:
        mirror = feed.mirror
        key = (feed.run_id, question, mirror.head)
        found = self._answers.get(key)
        if found is None:
            found = _from_memory(mirror, question) or await self._from_store(feed.run_id, question)
            self._answers[key] = found
            if len(self._answers) > ANSWERS_KEPT:
                del self._answers[next(iter(self._answers))]
        return found

    async def _from_store(self, run_id: str, question: Question) -> EventsNow:
        store = self._store
        page = await self._ask(
            lambda: store.read(run_id, question.after, limit=min(question.limit, READ_LIMIT), types=question.types)
        )
        return _answer(page.records, page.cursor, ended=page.ended)

    async def _ask(self, job: Callable[[], Page]) -> Page:
        asked = asyncio.get_running_loop().create_future()

        def take(result: Page | HeadwayError) -> None:
            if asked.done():
                return
            if isinstance(result, HeadwayError):
                asked.set_exception(result)
            else:
                asked.set_result(result)

        self._switchboard.surroundings.read(job, take)
        page: Page = await asked
        return page


def _resolver(future: asyncio.Future[None]) -> Callable[[], None]:
    def resolve() -> None:
        if not future.done():
            future.set_result(None)

    return resolve


def _from_memory(mirror: Mirror, question: Question) -> EventsNow | None:
    """What memory can answer; the store knows the rest, and what to say of a cursor that is none of this log's."""
    recent, after = mirror.recent, question.after or Cursor(mirror.head.epoch, 0, 0)
    if after.seq < recent.kept_after or after.seq > recent.head.seq or recent.cursor_at(after.seq) != after:
        return None
    records = wanted(recent.since(after.seq, recent.head.seq), question.types)
    chosen = records[: question.limit]
    if len(chosen) < len(records):
        return _answer(chosen, Cursor(after.epoch, chosen[-1].seq, chosen[-1].nonce), ended=False)
    return _answer(chosen, recent.head, ended=mirror.ended)


def _answer(records: Sequence[Record], cursor: Cursor, *, ended: bool) -> EventsNow:
    size = 0
    for count, record in enumerate(records):
        size += len(record.body)
        if count and size > PAGE_BYTES:
            last = records[count - 1]
            records, cursor, ended = records[:count], Cursor(cursor.epoch, last.seq, last.nonce), False
            break
    events = b",".join([record.body for record in records])
    said = b"true" if ended else b"false"
    body = b'{"events":[%b],"cursor":"%b","ended":%b}' % (events, str(cursor).encode(), said)
    return EventsNow(body, str(cursor), len(records), ended)
