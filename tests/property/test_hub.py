"""Whatever happens in whatever order, each watcher gets what it must: nothing twice, nothing left out, the end once."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import StoreUnavailable
from headway.hub.settings import HubSettings
from headway.ports import Batch
from headway.progress.fold import Fold
from headway.progress.state import State
from headway.protocol import events as ev
from headway.protocol.codec import decode_event
from headway.protocol.events import TYPES, Draft, JsonObject
from headway.protocol.frames import Watch, WatchedRun
from headway.stores.memory import MemoryEventStore
from headway.testing import FakeClock
from headway.testing.samples import AT, completed, new_run
from tests.unit.hub.stage import Audience, Stage

RUNS = ("a", "b")
FILTERS = (None, None, None, ("finding",), ("stage.progress", "log"), ("artifact", "run.completed"), ("nothing.here",))
LARGE = "x" * 60_000


@dataclass
class Client:
    """Somebody who watches one run over one connection after the other."""

    run_id: str
    mode: str
    rate: int
    types: tuple[str, ...] | None
    audience: Audience | None = None
    frames: list[JsonObject] = field(default_factory=list)
    cursor: str | None = None

    @property
    def ended(self) -> bool:
        return any(frame["type"] == "end" for frame in self.frames)


class Moody:
    """A store that is out of reach now and then, for those who read."""

    def __init__(self, store: MemoryEventStore, chance: random.Random) -> None:
        self.store, self.chance = store, chance
        self.trouble = 0.0

    def __getattr__(self, name: str) -> Any:
        if name in ("read", "snapshot", "cursor_at", "past_runs") and self.chance.random() < self.trouble:
            raise StoreUnavailable("not now")
        return getattr(self.store, name)


class World:
    """A hub, jobs that report, and clients that come and go, all by chance."""

    def __init__(self, seed: int, *, memory: int, full: int) -> None:
        self.chance = random.Random(seed)
        settings = HubSettings(
            recent_events=memory,
            recent_bytes=memory * 1_000,
            recent_total_bytes=memory * 1_000,
            full_events=full,
            linger_s=self.chance.choice([0.1, 5.0]),
            linger_runs=self.chance.choice([0, 1, 256]),
            stuck_s=1_000.0,
        )
        clock = FakeClock()
        self.store = MemoryEventStore(clock=clock)
        # Two servers on one store: each follows it at its own speed, and clients go from one to the other.
        self.servers = [Stage(Moody(self.store, self.chance), settings, clock) for _ in range(2)]
        self.clients: list[Client] = []
        self.reporter = 0
        self.created: set[str] = set()
        self.seen: list[tuple[str, str]] = []

    # What can happen

    def report(self) -> None:
        run_id = self.chance.choice(RUNS)
        if run_id not in self.created:
            self.store.create(new_run(run_id))
            self.created.add(run_id)
        many = self.chance.choice([1, 1, 2, 5, 30])
        self.append(run_id, [self.draft() for _ in range(many)])

    def flood(self) -> None:
        run_id = self.chance.choice(RUNS)
        if run_id in self.created and self.chance.random() < 0.2:
            for _ in range(2):
                self.append(run_id, [ev.draft(ev.Artifact(name=f"n{n}", media_type=LARGE), at=AT) for n in range(60)])

    def append(self, run_id: str, drafts: list[Draft]) -> None:
        self.reporter += 1
        self.store.append(Batch(run_id=run_id, reporter=f"r{self.reporter}", first=1, events=tuple(drafts)))

    def draft(self) -> Draft:
        chance = self.chance
        stage = chance.choice(["one", "two", "two/three"])
        text = LARGE if chance.random() < 0.02 else "few"
        data: ev.Data = chance.choice(
            [
                ev.StageProgress(progress=chance.random(), message=text),
                ev.StageProgress(current=chance.randint(1, 9), total=9),
                ev.Finding(id=chance.choice("pqrst"), severity=chance.choice(["low", "critical"]), detail=text),
                ev.Log(lines=("line",) * chance.randint(1, 40)),
                ev.Highlight(text=text),
                ev.Note(text=text),
                ev.Artifact(name="file"),
                ev.Error(message="oh"),
                ev.StageStarted(),
                ev.StageCompleted(),
            ]
        )
        return ev.draft(data, at=AT, stage=stage)

    def come(self) -> None:
        chance = self.chance
        client = Client(
            chance.choice(RUNS),
            chance.choice(["all", "paced"]),
            chance.choice([1, 5, 10]),
            chance.choice(FILTERS),
            cursor=chance.choice([None, "0", "seen"]),
        )
        known = [cursor for run_id, cursor in self.seen if run_id == client.run_id]
        if client.cursor == "seen":
            client.cursor = chance.choice(known) if known else None
        self.clients.append(client)
        self.connect(client)

    def connect(self, client: Client) -> None:
        audience = self.chance.choice(self.servers).connect(full_at=self.chance.choice([None, 0, 3_000, 100_000]))
        client.audience = audience
        audience.frames = client.frames  # one list over all connections
        if client.cursor is not None and client.cursor != "0":
            audience.settled[client.run_id] = int(client.cursor.split(".")[1])
        elif client.cursor == "0":
            audience.settled[client.run_id] = 0
        run = WatchedRun(run_id=client.run_id, after=client.cursor)
        audience.connection.watch(
            Watch(runs=(run,), mode=client.mode, rate=client.rate, types=client.types)  # type: ignore[arg-type]
        )

    def leave(self) -> None:
        for client in self.clients:
            if client.audience is not None and self.chance.random() < 0.3:
                self.disconnect(client)

    def disconnect(self, client: Client) -> None:
        assert client.audience is not None
        client.audience.connection.close()
        client.cursor = client.audience.cursors.get(client.run_id, client.cursor)
        if client.cursor not in (None, "0"):
            self.seen.append((client.run_id, str(client.cursor)))
        client.audience = None

    def come_back(self) -> None:
        for client in self.clients:
            if client.audience is None and not client.ended and self.chance.random() < 0.5:
                self.connect(client)

    def drain(self) -> None:
        for client in self.clients:
            if client.audience is not None and self.chance.random() < 0.7:
                client.audience.drain()

    def follow(self) -> None:
        self.chance.choice(self.servers).follow(self.chance.choice([1, 3, 500]))

    def run_job(self) -> None:
        jobs = self.chance.choice(self.servers).surroundings.jobs
        if jobs:
            self.chance.choice(jobs).run()

    def land_job(self) -> None:
        jobs = self.chance.choice(self.servers).surroundings.jobs
        if jobs:
            jobs.pop(self.chance.randrange(len(jobs))).arrive()

    def pass_time(self) -> None:
        self.servers[0].clock.advance(self.chance.choice([0.0, 0.01, 0.2, 1.1]))
        for server in self.servers:
            server.ring()

    def change_mood(self) -> None:
        for server in self.servers:
            server.store.trouble = self.chance.choice([0.0, 0.0, 0.3])  # type: ignore[attr-defined]

    def ask_snapshot(self) -> None:
        for client in self.clients:
            if client.audience is not None and not client.ended and self.chance.random() < 0.2:
                client.audience.connection.snapshot(client.run_id)

    def settle(self) -> None:
        self.chance.choice(self.servers).settle()

    def act(self) -> None:
        actions = [self.report] * 5 + [self.follow] * 5 + [self.land_job] * 5 + [self.run_job] * 2
        actions += [self.come, self.come, self.leave, self.come_back, self.come_back, self.drain, self.drain]
        actions += [self.pass_time] * 3 + [self.ask_snapshot, self.flood, self.settle, self.change_mood]
        self.chance.choice(actions)()

    def finish(self) -> None:
        """The runs end, everybody comes back and reads on."""
        for server in self.servers:
            server.store.trouble = 0.0  # type: ignore[attr-defined]
        for run_id in self.created:
            self.append(run_id, [completed()])
        for _ in range(200):
            for client in self.clients:
                if client.audience is None and not client.ended:
                    self.connect(client)
                if client.audience is not None:
                    client.audience.drain()
            for server in self.servers:
                server.wait(0.3)
            if all(client.ended or client.run_id not in self.created for client in self.clients):
                break


def check(client: Client, log: list[JsonObject]) -> None:
    frames = [frame for frame in client.frames if frame["type"] in ("snapshot", "events", "end")]
    assert [frame["type"] for frame in frames].count("end") == 1
    assert frames[-1]["type"] == "end"
    first = first_seq(client, frames)
    sent = [event for frame in frames if frame["type"] == "events" for event in frame["events"]]
    seqs = [event["seq"] for event in sent]
    assert seqs == sorted(set(seqs)), "out of order, or twice"
    assert all(event == log[event["seq"] - 1] for event in sent)
    assert covered(frames, first) == len(log)
    due = [event for event in log[first:] if client.types is None or event["type"] in client.types]
    if client.mode == "all":
        assert seqs == [event["seq"] for event in due]
    else:
        check_paced(client, frames, due, set(seqs))


def first_seq(client: Client, frames: list[JsonObject]) -> int:
    if frames[0]["type"] == "snapshot":
        return int(frames[0]["cursor"].split(".")[1])
    return int(frames[0]["from"]) - 1 if frames[0]["type"] == "events" else int(frames[0]["cursor"].split(".")[1])


def covered(frames: list[JsonObject], first: int) -> int:
    """Frames and snapshots follow each other without a hole; up to where they come."""
    at = first
    for frame in frames:
        if frame["type"] == "events":
            assert frame["from"] == at + 1
            at = frame["to"]
        else:
            assert int(frame["cursor"].split(".")[1]) == at, frame["type"]
    return at


def check_paced(client: Client, frames: list[JsonObject], due: list[JsonObject], seqs: set[int]) -> None:
    deep = any("*" in frame["conflated"] for frame in frames if frame["type"] == "events")
    for event in due:
        if event["priority"] in ("high", "critical") and event["seq"] not in seqs:
            assert event["type"] == "finding"
            assert is_replaced(event, [other for other in due if other["seq"] in seqs])
    for frame in frames:
        if frame["type"] == "events":
            check_counts(frame, due)
    if not deep:
        newest = {}
        for event in due:
            if event["type"] in ("stage.progress", "highlight", "note"):
                per_stage = TYPES[event["type"]].delivery == "newest-per-stage"
                newest[event["type"], event.get("stage") if per_stage else None] = event["seq"]
        assert set(newest.values()) <= seqs


def is_replaced(event: JsonObject, sent: list[JsonObject]) -> bool:
    return any(
        other["type"] == "finding"
        and other["seq"] > event["seq"]
        and other["data"]["id"] == event["data"]["id"]
        and set(event["data"]) <= set(other["data"])
        for other in sent
    )


def check_counts(frame: JsonObject, due: list[JsonObject]) -> None:
    sent = {event["seq"] for event in frame["events"]}
    left_out: dict[str, int] = {}
    for event in due:
        if frame["from"] <= event["seq"] <= frame["to"] and event["seq"] not in sent:
            left_out[event["type"]] = left_out.get(event["type"], 0) + 1
    if "*" in frame["conflated"]:
        assert frame["conflated"] == {"*": sum(left_out.values())}
    else:
        assert frame["conflated"] == left_out


def check_snapshots(client: Client, log: list[JsonObject]) -> None:
    for frame in client.frames:
        if frame["type"] == "snapshot":
            assert frame["gap"] is None
            state = msgspec.convert(frame["state"], State)
            fold = Fold(client.run_id)
            for event in log[: state.seq]:
                fold.apply(decode_event(msgspec.json.encode(event)))
            assert state == fold.state()


def read_log(world: World, run_id: str) -> list[JsonObject]:
    log: list[JsonObject] = []
    page = world.store.read(run_id)
    while True:
        log += [msgspec.json.decode(record.body) for record in page.records]
        if page.complete:
            return log
        page = world.store.read(run_id, page.cursor)


@given(
    st.integers(0, 2**64),
    st.sampled_from([2, 20, 4_096]),
    st.sampled_from([5, 40, 4_096]),
    st.integers(20, 250),
)
def test_every_watcher_gets_what_it_must(seed: int, memory: int, full: int, steps: int) -> None:
    world = World(seed, memory=memory, full=full)
    for _ in range(steps):
        world.act()
    world.finish()
    logs = {run_id: read_log(world, run_id) for run_id in world.created}
    for client in world.clients:
        if client.run_id in world.created:
            check(client, logs[client.run_id])
            check_snapshots(client, logs[client.run_id])
        else:
            assert {frame["type"] for frame in client.frames} <= {"waiting"}
