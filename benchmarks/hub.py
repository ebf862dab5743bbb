"""What the hub costs: fan-out, replay, opening a long run, and the memory of those who only wait.

``python -m benchmarks.hub [EVENTS]``. There is no transport: a sink takes bytes and forgets them, or sends them over a
pair of sockets to a process that reads and forgets them. Times are of the processor where the machine's other work
would disturb them.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import socket
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path

from headway.hub.framing import WEBSOCKET
from headway.hub.hub import Hub
from headway.hub.opening import open_run
from headway.hub.settings import HubSettings
from headway.ports import Batch, NewRun
from headway.protocol import events as ev
from headway.protocol.events import Draft
from headway.protocol.frames import CloseCode, Mode, Watch
from headway.stores.sqlite import SqliteEventStore

EVENTS = 1_000_000
WATCHERS = 1_000
FRAMES = 300
IDLE = 10_000
AT = "2026-11-20T19:41:03.120Z"


class Counter:
    """A sink that only counts."""

    __slots__ = ("bytes", "frames")

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0

    def write(self, data: bytes) -> None:
        self.frames += 1
        self.bytes += len(data)

    def beat(self) -> None: ...

    def close(self, code: CloseCode, reason: str) -> None: ...


class Wire(Counter):
    """A sink that sends."""

    __slots__ = ("_send",)

    def __init__(self, end: socket.socket) -> None:
        super().__init__()
        self._send = end.send

    def write(self, data: bytes) -> None:
        self._send(data)
        self.frames += 1


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteEventStore(Path(folder) / "hub.db")
        print(f"fan-out: {WATCHERS:,} watchers of one run, mode all, one event a frame, {FRAMES} frames")
        asyncio.run(with_hub(store, fan_out))
        print(f"memory of {IDLE:,} level watchers")
        asyncio.run(with_hub(store, idle))
        began = time.monotonic()
        fill(store, "long", count)
        print(f"a run of {count:,} events (written in {time.monotonic() - began:.0f} s)")
        asyncio.run(with_hub(store, replay))
        asyncio.run(with_hub(store, come_back))
        store.close()


async def with_hub(store: SqliteEventStore, measure: Callable[[Hub, SqliteEventStore], Awaitable[None]]) -> None:
    hub = Hub(store, settings=HubSettings(sweep_s=0))
    await hub.start()
    await measure(hub, store)
    await hub.close()


def fill(store: SqliteEventStore, run_id: str, count: int) -> None:
    """A run of many events, of which a hundredth are findings."""
    store.create(NewRun(run_id=run_id, kind="benchmark", at=AT))
    done = 1
    while done < count:
        size = min(1_000, count - done)
        drafts = tuple(
            ev.draft(ev.Finding(id=f"f{done + n}"), at=AT)
            if n % 100 == 0
            else ev.draft(
                ev.StageProgress(current=done + n, total=count, message=f"Chunk {done + n}"), at=AT, stage="s"
            )
            for n in range(size)
        )
        store.append(Batch(run_id=run_id, reporter="job", first=done, events=drafts))
        done += size
    open_run(store, run_id)  # leaves a snapshot, as the job's own reporter does


def report(number: int, count: int) -> Draft:
    if number % 100 == 0:
        return ev.draft(ev.Finding(id=f"f{number}"), at=AT)
    return ev.draft(ev.StageProgress(current=number, total=count, message=f"Chunk {number}"), at=AT, stage="s")


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 -- the hub tells its sinks, which must not cost anything here
        await asyncio.sleep(0.001)


async def fan_out(hub: Hub, store: SqliteEventStore) -> None:
    pairs = [socket.socketpair() for _ in range(WATCHERS)]
    reader = os.fork()
    if reader == 0:
        for near, _ in pairs:
            near.close()
        drain([far for _, far in pairs])
    for _, far in pairs:
        far.close()
    for name, sinks in (
        ("counting sinks", [Counter() for _ in range(WATCHERS)]),
        ("sockets", [Wire(near) for near, _ in pairs]),
    ):
        run_id = name.split()[0]
        store.create(NewRun(run_id=run_id, kind="benchmark", at=AT))
        frame = await spread(hub, store, run_id, sinks)
        print(f"  {name:15} {frame:9,.0f} deliveries a second of processor time")
    plain = plain_loop([near for near, _ in pairs])
    print(f"  {'a loop of send':15} {plain:9,.0f} of frames of the same length")
    for near, _ in pairs:
        near.close()
    await asyncio.to_thread(os.waitpid, reader, 0)


async def spread(hub: Hub, store: SqliteEventStore, run_id: str, sinks: list[Counter] | list[Wire]) -> float:
    connections = [hub.connect(sink, WEBSOCKET) for sink in sinks]
    for connection in connections:
        connection.watch(Watch(run_id=run_id, mode="all"))
    await until(lambda: all(sink.frames for sink in sinks))
    spent = 0.0
    for number in range(FRAMES):
        draft = ev.draft(ev.StageProgress(current=number, total=FRAMES), at=AT, stage="s")
        store.append(Batch(run_id=run_id, reporter="job", first=number + 1, events=(draft,)))
        before = sinks[-1].frames
        began = time.thread_time()
        await until(lambda before=before: sinks[-1].frames > before)  # type: ignore[misc]
        spent += time.thread_time() - began
    for connection in connections:
        connection.close()
    return FRAMES * len(sinks) / spent


def plain_loop(ends: list[socket.socket]) -> float:
    sends = [end.send for end in ends]
    body = b"x" * 400
    began = time.thread_time()
    for _ in range(FRAMES):
        for send in sends:
            send(body)
    return FRAMES * len(ends) / (time.thread_time() - began)


def drain(ends: list[socket.socket]) -> None:
    """In a process of its own: read everything, until the other ends are closed."""
    import selectors

    selector = selectors.DefaultSelector()
    for end in ends:
        selector.register(end, selectors.EVENT_READ)
    while selector.get_map():
        for key, _ in selector.select(1.0):
            if isinstance(key.fileobj, socket.socket) and not key.fileobj.recv(1 << 20):
                selector.unregister(key.fileobj)
    os._exit(0)


async def idle(hub: Hub, store: SqliteEventStore) -> None:
    store.create(NewRun(run_id="quiet", kind="benchmark", at=AT))
    sink = Counter()
    hub.connect(sink, WEBSOCKET).watch(Watch(run_id="quiet"))
    await until(lambda: sink.frames > 0)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = []
    for _ in range(IDLE):
        connection = hub.connect(sink, WEBSOCKET)
        connection.watch(Watch(run_id="quiet"))
        kept.append(connection)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    print(f"  {used / IDLE:,.0f} bytes each")
    for connection in kept:
        connection.close()


async def replay(hub: Hub, store: SqliteEventStore) -> None:
    head = store.header("long").cursor.seq
    began = time.monotonic()
    first = Counter()
    hub.connect(first, WEBSOCKET).watch(Watch(run_id="long"))
    await until(lambda: first.frames > 0)
    print(f"  first frame (a snapshot) after {(time.monotonic() - began) * 1000:.1f} ms")
    modes: tuple[Mode, ...] = ("all", "paced")
    for mode in modes:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sink = Counter()
        began, spent = time.monotonic(), time.process_time()
        connection = hub.connect(sink, WEBSOCKET)
        connection.watch(Watch(run_id="long", after="0", mode=mode))
        await until(lambda connection=connection: connection.watchers["long"].level)  # type: ignore[misc]
        took, spent = time.monotonic() - began, time.process_time() - spent
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
        print(
            f"  replay, mode {mode:5}: {head / took:9,.0f} events/s ({head / spent:9,.0f} of processor time), "
            f"{sink.frames:,} frames, {sink.bytes / 1e6:,.0f} MB, memory grew by {grown:.0f} MB"
        )


async def come_back(hub: Hub, store: SqliteEventStore) -> None:
    head = store.header("long").cursor.seq
    cursors = [str(store.cursor_at("long", head - behind)) for behind in (0, 1, 17, 300, 2_000)]
    sinks = [Counter() for _ in range(IDLE)]
    began, spent = time.monotonic(), time.process_time()
    connections = []
    for number, sink in enumerate(sinks):
        connection = hub.connect(sink, WEBSOCKET)
        after = cursors[number % len(cursors)]
        connection.watch(Watch(run_id="long", after=after, mode="all" if number % 2 else "paced"))
        connections.append(connection)
    await until(lambda: all(connection.watchers["long"].level for connection in connections))
    print(
        f"{IDLE:,} watchers come back at once: all level after {time.monotonic() - began:.2f} s "
        f"({time.process_time() - spent:.2f} s of processor time)"
    )


if __name__ == "__main__":
    main()
