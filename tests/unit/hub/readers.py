"""A hub with its threads, in an event loop of its own, and readers that can be waited for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec

from headway.hub.framing import JSON
from headway.hub.hub import Hub
from headway.hub.settings import HubSettings
from headway.hub.sink import Peer
from headway.ports import EventStore
from headway.protocol.events import JsonObject
from headway.protocol.frames import CloseCode, Watch
from headway.testing.samples import notes
from tests.unit.hub.reports import append

LONG_S = 30.0


class Reader:
    """A sink that can be waited for."""

    def __init__(self) -> None:
        self.frames: list[JsonObject] = []
        self.changed = asyncio.Event()
        self.closed: tuple[CloseCode, str] | None = None

    def write(self, data: bytes) -> None:
        self.frames.append(msgspec.json.decode(data))
        self.changed.set()

    def beat(self) -> None: ...

    def close(self, code: CloseCode, reason: str) -> None:
        self.closed = (code, reason)

    async def until(self, there: Callable[[], object]) -> None:
        async with asyncio.timeout(LONG_S):
            while not there():
                self.changed.clear()
                await self.changed.wait()

    async def until_seen(self, count: int) -> None:
        await self.until(lambda: len(self.seqs()) == count)

    async def until_type(self, type_: str) -> None:
        await self.until(lambda: type_ in self.types())

    async def until_end(self) -> None:
        await self.until_type("end")

    def types(self) -> list[str]:
        return [frame["type"] for frame in self.frames]

    def seqs(self) -> list[int]:
        return [event["seq"] for frame in self.frames if frame["type"] == "events" for event in frame["events"]]


@asynccontextmanager
async def started(store: EventStore, **settings: object) -> AsyncIterator[Hub]:
    hub = Hub(store, settings=HubSettings(**{"sweep_s": 0, **settings}))  # type: ignore[arg-type]
    await hub.start()
    try:
        yield hub
    finally:
        await hub.close()


def run(store: EventStore, test: Callable[[Hub], Awaitable[None]], **settings: object) -> None:
    async def main() -> None:
        async with started(store, **settings) as hub:
            await test(hub)

    asyncio.run(main(), debug=True)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("headway-hub")] == []


def watch(hub: Hub, after: str | None = "0", mode: str = "all") -> Reader:
    reader = Reader()
    connection = hub.connect(reader, JSON, Peer(address="192.0.2.1"))
    connection.watch(Watch(run_id="run", after=after, mode=mode))  # type: ignore[arg-type]
    return reader


def write(store: EventStore, count: int = 1) -> None:
    append(store, "run", list(notes(*range(count))))
