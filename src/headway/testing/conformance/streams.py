"""What takes a stream to find out, on each transport that a server has, and across them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import TypeVar

import httpx
import msgspec

from headway.client.api import Api
from headway.client.ladder import TRANSPORTS, ConnectionLost, TransportName
from headway.client.session import Session, Wish
from headway.client.transports import polling, sse, websocket
from headway.protocol.events import Event, JsonObject
from headway.protocol.frames import AnyFrame, EndFrame, EventsFrame, SnapshotFrame, WaitingFrame
from headway.testing.conformance.reporter import Reporter
from headway.testing.conformance.requests import Broken

T = TypeVar("T")
Work = Awaitable[None]

PATIENCE_S = 20.0
"""For frames that should come at once."""


class Server(msgspec.Struct, frozen=True):
    """The server that is looked at."""

    http: httpx.AsyncClient
    url: str
    token: str | None

    def reporter(self) -> Reporter:
        """Reports to a run of its own."""
        return Reporter(self.http)

    def frames(self, transport: TransportName, wish: Wish) -> AsyncGenerator[AnyFrame, None]:
        """What one connection brings, as it comes."""
        session = Session(wish)
        if transport == "websocket":
            url = str(self.http.base_url.join("watch"))
            return websocket.frames(url, self.http.headers, session.message())
        if transport == "sse":
            return sse.frames(self.http, session)
        return _polled(self.http, session)


async def _polled(http: httpx.AsyncClient, session: Session) -> AsyncGenerator[AnyFrame, None]:
    async with aclosing(polling.frames(Api(http), session)) as frames:
        async for frame in frames:
            session.accept(frame)  # polling asks on from where the session is
            yield frame


Checks = tuple[tuple[str, str, Callable[[Server], Work]], ...]
"""Each with the rule that it shows, and its name."""


def wanted(condition: object, what: str) -> None:
    """Raise Broken unless the condition holds."""
    if not condition:
        raise Broken(what)


async def soon(work: Awaitable[T], what: str, *, later_s: float = 0.0) -> T:
    """The result, if it comes in time, which may be so many seconds more than usual. Raises Broken."""
    patience_s = PATIENCE_S + later_s
    try:
        return await asyncio.wait_for(work, patience_s)
    except TimeoutError:
        raise Broken(f"{what} did not come within {patience_s:.0f} s") from None
    except StopAsyncIteration:
        raise Broken(f"the stream ended before {what} came") from None


class Seen:
    """Follows a connection, and keeps what a watcher must see: events once and in order, cursors, gaps, the end."""

    def __init__(self, frames: AsyncGenerator[AnyFrame, None], seq: int | None) -> None:
        self._frames = frames
        self._seq = seq
        self.events: list[Event] = []
        self.conflated: dict[str, int] = {}
        self.snapshots: list[SnapshotFrame] = []
        self.waited = False
        self.ended: EndFrame | None = None
        self.cursor: str | None = None

    @property
    def seqs(self) -> list[int]:
        """The numbers of the events that came."""
        return [event.seq for event in self.events]

    @property
    def settled(self) -> int:
        """The last event that is settled."""
        return self._seq or 0

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Read on until a condition holds. Raises Broken."""
        while not condition():
            try:
                self._take(await soon(anext(self._frames), what))
            except ConnectionLost as lost:
                raise Broken(f"the connection ended before {what} came: {lost}") from None

    def _take(self, frame: AnyFrame) -> None:
        wanted(self.ended is None, f"after the end came {type(frame).__name__}")
        match frame:
            case EventsFrame():
                self._take_events(frame)
            case SnapshotFrame():
                self.snapshots.append(frame)
                self._seq = int(frame.cursor.split(".")[1])
                self.cursor = frame.cursor
            case WaitingFrame():
                self.waited = True
            case EndFrame():
                self.ended, self.cursor = frame, frame.cursor
            case _:
                pass

    def _take_events(self, frame: EventsFrame) -> None:
        expected = None if self._seq is None else self._seq + 1
        wanted(expected in (None, frame.from_), f"a frame settles from {frame.from_}, not from {expected}")
        events = [msgspec.json.decode(body, type=Event) for body in frame.events]
        numbers = [event.seq for event in events]
        wanted(numbers == sorted(set(numbers)), f"events out of order, or twice: {numbers}")
        wanted(all(frame.from_ <= seq <= frame.to for seq in numbers), f"events outside of their frame: {numbers}")
        self.events += events
        for type_, count in frame.conflated.items():
            self.conflated[type_] = self.conflated.get(type_, 0) + count
        self._seq, self.cursor = frame.to, frame.cursor


async def everything_once(transport: TransportName, server: Server) -> None:
    """History and what is appended meanwhile, and the end, exactly once."""
    run = await server.reporter().begin()
    await run.notes(30)
    async with aclosing(server.frames(transport, Wish(run_id=run.run_id, after="0", mode="all"))) as frames:
        seen = Seen(frames, 0)
        await seen.until(lambda: seen.settled >= 10, "the first events")
        await run.notes(30)
        last = await run.complete()
        await seen.until(lambda: seen.ended is not None, "the end")
    wanted(seen.seqs == list(range(1, last + 1)), f"of events 1 to {last} came {seen.seqs}")
    assert seen.ended is not None
    wanted(seen.ended.status == "completed", f"the end says {seen.ended.status!r}")


async def from_any_cursor(transport: TransportName, server: Server) -> None:
    """After a cursor comes what follows it, and nothing else."""
    run = await server.reporter().begin()
    await run.notes(8)
    last = await run.complete()
    for seq in range(1, last):
        after = await run.cursor_at(seq)
        async with aclosing(server.frames(transport, Wish(run_id=run.run_id, after=after, mode="all"))) as frames:
            seen = Seen(frames, seq)
            await seen.until(lambda: seen.ended is not None, "the end")  # noqa: B023 -- called before it changes
        wanted(seen.seqs == list(range(seq + 1, last + 1)), f"after {seq} came {seen.seqs}")
        wanted(not seen.snapshots, f"after {seq} came a snapshot, though nothing was missing")


async def across_transports(server: Server) -> None:
    """A cursor of one transport is one of all: a watcher may change as often as it likes."""
    run = await server.reporter().begin()
    after = "0"
    seqs: list[int] = []
    for round_ in range(6):
        await run.notes(5)
        transport = TRANSPORTS[round_ % len(TRANSPORTS)]
        async with aclosing(server.frames(transport, Wish(run_id=run.run_id, after=after, mode="all"))) as frames:
            seen = Seen(frames, seqs[-1] if seqs else 0)
            await seen.until(lambda: seen.settled >= run.seq, f"what was appended, by {transport}")  # noqa: B023
        assert seen.cursor is not None
        after, seqs = seen.cursor, seqs + seen.seqs
    wanted(seqs == list(range(1, run.seq + 1)), f"of events 1 to {run.seq} came {seqs}")


async def snapshot_first(transport: TransportName, server: Server) -> None:
    """Without a cursor a snapshot comes first, and then what follows it."""
    run = await server.reporter().begin()
    await run.notes(5)
    async with aclosing(server.frames(transport, Wish(run_id=run.run_id, mode="all"))) as frames:
        seen = Seen(frames, None)
        await seen.until(lambda: bool(seen.snapshots), "a snapshot")
        at = seen.settled
        wanted(not seen.events, "events came before the snapshot")
        state: JsonObject = msgspec.json.decode(seen.snapshots[0].state)
        wanted(state["seq"] == at <= run.seq, f"the snapshot's state is at {state['seq']}, its cursor at {at}")
        wanted(seen.snapshots[0].gap is None, "the snapshot tells of a gap, though nothing was asked for")
        last = await run.complete()
        await seen.until(lambda: seen.ended is not None, "the end")
    wanted(seen.seqs == list(range(at + 1, last + 1)), f"after a snapshot at {at} came {seen.seqs}")


async def announced_gap(transport: TransportName, server: Server) -> None:
    """What cannot be delivered is announced: a snapshot with its gap."""
    run = await server.reporter().begin()
    await run.notes(3)
    foreign = f"another.{run.seq}.1f"
    async with aclosing(server.frames(transport, Wish(run_id=run.run_id, after=foreign, mode="all"))) as frames:
        seen = Seen(frames, None)
        await seen.until(lambda: bool(seen.snapshots), "a snapshot")
    gap = seen.snapshots[0].gap
    wanted(gap is not None and (gap.after, gap.reason) == (foreign, "diverged"), f"the gap is {gap}")


async def before_it_exists(transport: TransportName, server: Server) -> None:
    """A run may be watched before it exists; nothing is missed when it does."""
    run = server.reporter()
    async with aclosing(server.frames(transport, Wish(run_id=run.run_id, after="0", mode="all"))) as frames:
        seen = Seen(frames, 0)
        await seen.until(lambda: seen.waited, "the word that it is waited for")
        await run.begin()
        await run.notes(3)
        last = await run.complete()
        await seen.until(lambda: seen.ended is not None, "the end")
    wanted(seen.seqs == list(range(1, last + 1)), f"of events 1 to {last} came {seen.seqs}")


async def only_some_types(transport: TransportName, server: Server) -> None:
    """A filter leaves events out, and the cursor moves on over them."""
    run = await server.reporter().begin()
    await run.notes(4)
    await run.append("highlight", {"text": "three chapters found"})
    await run.notes(4)
    last = await run.complete()
    wish = Wish(run_id=run.run_id, after="0", mode="all", types=("highlight",))
    async with aclosing(server.frames(transport, wish)) as frames:
        seen = Seen(frames, 0)
        await seen.until(lambda: seen.ended is not None, "the end")
    wanted([event.type for event in seen.events] == ["highlight"], f"there came {[e.type for e in seen.events]}")
    wanted(seen.cursor == await run.cursor_at(last), f"the last cursor is {seen.cursor}, not that of event {last}")


async def paced(transport: TransportName, server: Server) -> None:
    """In paced mode nothing CRITICAL or HIGH is ever left out, and what is left out is counted."""
    run = await server.reporter().begin()
    async with aclosing(server.frames(transport, Wish(run_id=run.run_id, after="0"))) as frames:
        seen = Seen(frames, 0)
        await seen.until(lambda: seen.settled >= 1, "the first events")
        for n in range(40):
            await run.progress("work", 25)
            await run.append("finding", {"id": f"finding-{n}", "title": f"Finding {n}", "severity": "medium"})
        last = await run.complete()
        await seen.until(lambda: seen.ended is not None, "the end")
    high = [event.seq for event in run.appended if event.priority in ("high", "critical")]
    missing = sorted(set(high) - set(seen.seqs))
    wanted(not missing, f"of what is HIGH or CRITICAL, {missing} did not come")
    told = len(seen.events) + sum(seen.conflated.values())
    wanted(told == last, f"{len(seen.events)} events and {sum(seen.conflated.values())} left out are not {last}")


ON_EACH: tuple[tuple[str, str, Callable[[TransportName, Server], Work]], ...] = (
    ("streams", "everything-once", everything_once),
    ("streams", "from-any-cursor", from_any_cursor),
    ("streams", "snapshot-first", snapshot_first),
    ("streams", "before-it-exists", before_it_exists),
    ("gaps", "announced", announced_gap),
    ("modes", "only-some-types", only_some_types),
    ("modes", "paced", paced),
)

CHECKS: Checks = (
    *(
        (rule, f"{name}-{transport}", partial(check, transport))
        for rule, name, check in ON_EACH
        for transport in TRANSPORTS
    ),
    ("streams", "across-transports", across_transports),
)
