"""Watchers who come and go while processes pour events into a file: real followers, real threads, no gap, no double."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from contextlib import AsyncExitStack, closing
from pathlib import Path

import msgspec
import pytest

from headway.hub.framing import JSON
from headway.hub.hub import Hub
from headway.hub.settings import HubSettings
from headway.protocol.events import JsonObject
from headway.protocol.frames import Watch, WatchedRun
from headway.stores.sqlite import SqliteEventStore
from headway.testing import FakeClock
from headway.testing.samples import batch, completed, new_run
from tests.property.test_hub import Client, check, check_snapshots
from tests.unit.hub.audience import Audience

SEEDS = range(200 if os.environ.get("HEADWAY_SOAK") else 3)
RUNS = ("a", "b")
PROCESSES = 2
VISITORS = 12

POURING = """
import random, sys, time
from headway.ports import Batch
from headway.protocol import events as ev
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT

path, reporter, seed = sys.argv[1], sys.argv[2], sys.argv[3]
chance = random.Random(f"{reporter} {seed}")
store = SqliteEventStore(path)
numbers = {"a": 1, "b": 1}

def draft():
    stage = chance.choice(["one", "two", "two/three"])
    data = chance.choice([
        ev.StageProgress(progress=chance.random()),
        ev.Finding(id=chance.choice("pqrst"), severity=chance.choice(["low", "critical"])),
        ev.Log(lines=("line",) * chance.randint(1, 40)),
        ev.Note(text="few"),
        ev.Artifact(name="x" * chance.choice([1, 500])),
        ev.Error(message="oh"),
        ev.StageStarted(),
        ev.StageCompleted(),
    ])
    return ev.draft(data, at=AT, stage=stage)

for _ in range(150):
    run_id = chance.choice("ab")
    drafts = tuple(draft() for _ in range(chance.choice([1, 1, 2, 5, 30])))
    batch = Batch(run_id=run_id, reporter=reporter, first=numbers[run_id], events=drafts)
    numbers[run_id] = store.append(batch).next
    time.sleep(chance.choice([0.0, 0.0, 0.002, 0.01]))
"""


class Visitor:
    """Somebody who comes, stays a moment, goes, and comes back with the last cursor, until the run has ended.

    Attributes:
        client: What it wants, and all that it was sent.
    """

    def __init__(self, hubs: list[Hub], chance: random.Random) -> None:
        mode = chance.choice(["all", "paced"])
        after = chance.choice([None, "0"])
        self.client = Client(chance.choice(RUNS), mode, chance.choice([1, 5, 10]), None, cursor=after)
        self._hubs = hubs
        self._chance = chance

    async def visit(self) -> None:
        await asyncio.sleep(self._chance.random() * 0.5)
        while not self.client.ended:
            await self._stay()

    async def _stay(self) -> None:
        client, chance = self.client, self._chance
        audience = Audience(FakeClock(), chance.choice([None, None, 0, 3_000, 100_000]))
        audience.frames = client.frames  # one list over all connections
        if client.cursor is not None:
            audience.settled[client.run_id] = 0 if client.cursor == "0" else int(client.cursor.split(".")[1])
        connection = audience.connection = chance.choice(self._hubs).connect(audience, JSON)
        wanted = WatchedRun(run_id=client.run_id, after=client.cursor)
        connection.watch(Watch(runs=(wanted,), mode=client.mode, rate=client.rate))  # type: ignore[arg-type]
        for _ in range(chance.choice([1, 3, 30])):
            await asyncio.sleep(chance.choice([0.0, 0.001, 0.02]))
            audience.drain()
            if chance.random() < 0.05 and not client.ended:
                connection.snapshot(client.run_id)
        connection.close()
        client.cursor = audience.cursors.get(client.run_id, client.cursor)


def log_of(store: SqliteEventStore, run_id: str) -> list[JsonObject]:
    log: list[JsonObject] = []
    page = store.read(run_id)
    while page.records:
        log += [msgspec.json.decode(record.body) for record in page.records]
        page = store.read(run_id, page.cursor)
    return log


def pour(path: Path, seed: int) -> None:
    """Let processes append, and end the runs when they are done."""
    commands = [[sys.executable, "-c", POURING, str(path), f"reporter-{n}", str(seed)] for n in range(PROCESSES)]
    processes = [subprocess.Popen(command) for command in commands]
    try:
        codes = [process.wait() for process in processes]
    finally:
        for process in processes:
            process.kill()
    with closing(SqliteEventStore(path)) as store:
        for run_id in RUNS:
            store.append(batch(run_id, 1, [completed()], "end"))
    assert codes == [0] * PROCESSES


async def meet(path: Path, seed: int) -> list[Client]:
    """Two servers on one file, with visitors."""
    chance = random.Random(seed)
    memory = chance.choice([2, 20, 4_096])
    settings = HubSettings(
        sweep_s=0.0,
        linger_s=chance.choice([0.01, 5.0]),
        recent_events=memory,
        recent_bytes=memory * 1_000,
        recent_total_bytes=memory * 1_000,
        full_events=chance.choice([5, 40, 4_096]),
    )
    async with AsyncExitStack() as stack:
        hubs = []
        for _ in range(2):
            hubs.append(Hub(stack.enter_context(closing(SqliteEventStore(path))), settings=settings))
            await hubs[-1].start()
            stack.push_async_callback(hubs[-1].close)
        visitors = [Visitor(hubs, random.Random(f"{seed} {n}")) for n in range(VISITORS)]
        await asyncio.gather(asyncio.to_thread(pour, path, seed), *(visitor.visit() for visitor in visitors))
    return [visitor.client for visitor in visitors]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
def test_who_comes_while_events_pour_in_misses_nothing_and_gets_nothing_twice(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "log.db"
    with closing(SqliteEventStore(path)) as store:
        for run_id in RUNS:
            store.create(new_run(run_id))
        clients = asyncio.run(meet(path, seed))
        logs = {run_id: log_of(store, run_id) for run_id in RUNS}
    for client in clients:
        check(client, logs[client.run_id])
        check_snapshots(client, logs[client.run_id])
