"""Who asks for a read is answered, also by a hub that ends meanwhile, or has ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from headway.errors import StoreUnavailable
from headway.hub.loop import LoopSurroundings
from headway.ports import EventStore, Page
from headway.protocol.cursor import Cursor
from headway.stores.memory import MemoryEventStore
from headway.testing import FakeClock
from headway.testing.samples import new_run
from tests.unit.hub.readers import LONG_S, started

ANOTHER = Cursor("another", 1, 1)


class Held:
    """A job that ends when it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.go.wait(LONG_S)
        return "done"


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.go.set()


async def begun(held: Held) -> None:
    while not held.begun.is_set():
        await asyncio.sleep(0.001)


async def turns() -> None:
    """Let everything that the loop was given be called."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_at_its_end_each_who_asks_is_answered_once(held: Held) -> None:
    async def test() -> None:
        surroundings = LoopSurroundings(FakeClock(), 1)
        answers: dict[str, list[object]] = {"under way": [], "waiting": [], "too late": []}
        surroundings.read(held, answers["under way"].append)
        surroundings.read(lambda: "done", answers["waiting"].append)
        await begun(held)
        closing = asyncio.create_task(surroundings.close())
        await turns()
        surroundings.read(lambda: "done", answers["too late"].append)
        assert not answers["too late"], "not from within the call"
        held.go.set()
        await closing
        await turns()
        assert [list(map(type, told)) for told in answers.values()] == [[StoreUnavailable]] * 3

    asyncio.run(test(), debug=True)


def test_a_poll_that_waits_for_news_is_answered_when_the_hub_ends(store: EventStore) -> None:
    store.create(new_run())
    cursor = store.header("run").cursor

    async def test() -> None:
        async with started(store) as hub:
            poll = asyncio.create_task(hub.events("run", cursor, wait_s=LONG_S))
            while "run" not in hub._switchboard.feeds or not hub._switchboard.feeds["run"]._hearers:
                await asyncio.sleep(0.001)
        await refused(poll)

    asyncio.run(test(), debug=True)


def test_a_poll_for_which_the_store_is_read_is_answered_when_the_hub_ends(held: Held) -> None:
    class Slow(MemoryEventStore):
        """What follows a cursor of another log is read when the test lets it."""

        def read(self, run_id: str, after: Cursor | None = None, **options: Any) -> Page:
            if after == ANOTHER:
                held()
            return super().read(run_id, after, **options)

    async def test() -> None:
        store = Slow()
        store.create(new_run())
        async with started(store) as hub:
            poll = asyncio.create_task(hub.events("run", ANOTHER, wait_s=LONG_S))
            await begun(held)
            closing = asyncio.create_task(hub.close())
            await refused(poll)
            held.go.set()
            await closing

    asyncio.run(test(), debug=True)


async def refused(poll: asyncio.Task[object]) -> None:
    with pytest.raises(StoreUnavailable, match="ending"):
        async with asyncio.timeout(LONG_S):
            await poll
