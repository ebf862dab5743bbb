"""Lists of runs: what they begin with, what changes in them, and that nobody misses a change."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import StoreUnavailable
from headway.hub.listing import short_state
from headway.hub.settings import HubSettings
from headway.hub.sink import RunScope
from headway.ports import Digest
from headway.protocol import events as ev
from headway.protocol.events import JsonObject
from headway.stores.memory import MemoryEventStore
from headway.testing.samples import AT, OWNER, batch, new_run
from tests.unit.hub.audience import Audience
from tests.unit.hub.reports import end, note
from tests.unit.hub.stage import Stage


class List:
    """A list as a client keeps it."""

    def __init__(self, stage: Stage, scope: RunScope, full_at: int | None = None) -> None:
        self.stage, self.scope = stage, scope
        self.runs: dict[str, JsonObject] = {}
        self.cursor: str | None = None
        self.audience = self.connect(full_at)

    def connect(self, full_at: int | None = None) -> Audience:
        self.audience = self.stage.connect(full_at=full_at)
        self.taken = 0
        self.audience.connection.watch_runs(self.scope, self.cursor)
        return self.audience

    def look(self) -> dict[str, JsonObject]:
        for frame in self.audience.of("runs")[self.taken :]:
            self.taken += 1
            if frame["reset"]:
                self.runs.clear()
            for run in frame["changed"]:
                self.runs[run["run_id"]] = run
            for run_id in frame["removed"]:
                self.runs.pop(run_id, None)
            self.cursor = frame["cursor"]
        return self.runs


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    for number in range(3):
        stage.store.create(new_run(f"r{number}", kind="even" if number % 2 == 0 else "odd"))
    stage.settle()
    return stage


def take(stage: Stage, run_id: str) -> None:
    stage.store.take_over(run_id, OWNER, AT, 600.0)


def test_it_begins_with_the_newest_runs_and_tells_what_changes(stage: Stage) -> None:
    watched = List(stage, RunScope())
    stage.wait(1)
    (first,) = watched.audience.of("runs")
    assert first["reset"]
    assert [run["run_id"] for run in first["changed"]] == ["r2", "r1", "r0"]
    take(stage, "r1")
    stage.wait(1)
    second = watched.audience.frames[-1]
    assert (second["reset"], second["removed"]) == (False, [])
    assert [(run["run_id"], run["status"]) for run in second["changed"]] == [("r1", "running")]
    assert second["changed"][0]["view"]["elapsed"] > 0
    stage.store.create(new_run("new"))
    stage.wait(1)
    assert [run["run_id"] for run in watched.audience.frames[-1]["changed"]] == ["new"]
    assert len(watched.audience.frames) == 3


def test_only_so_many_at_first() -> None:
    stage = Stage(settings=HubSettings(list_runs=5))
    for number in range(9):
        stage.store.create(new_run(f"r{number}"))
    stage.settle()
    watched = List(stage, RunScope())
    stage.wait(1)
    assert list(watched.look()) == ["r8", "r7", "r6", "r5", "r4"]
    note(stage, "x", run_id="r0")
    stage.wait(1)
    assert "r0" in watched.look()


def test_a_list_of_a_kind_or_status(stage: Stage) -> None:
    even, running = List(stage, RunScope(kind="even")), List(stage, RunScope(status="running"))
    stage.wait(1)
    assert list(even.look()) == ["r2", "r0"]
    assert list(running.look()) == []
    take(stage, "r0")
    take(stage, "r1")
    stage.wait(1)
    assert even.look()["r0"]["status"] == "running"
    assert set(running.look()) == {"r0", "r1"}
    end(stage, "r0")
    stage.wait(1)
    assert running.audience.frames[-1]["removed"] == ["r0"]
    assert set(running.look()) == {"r1"}
    assert even.look()["r0"]["status"] == "completed"
    note(stage, "x", run_id="r2")
    frames = len(running.audience.frames)
    stage.wait(1)
    assert len(running.audience.frames) == frames  # no news for this list


def test_a_run_that_is_deleted_is_removed(stage: Stage) -> None:
    watched, even = List(stage, RunScope()), List(stage, RunScope(kinds=("even",)))
    end(stage, "r1")
    stage.wait(1)
    stage.store.delete("r1")
    stage.wait(1)
    assert set(watched.look()) == {"r0", "r2"}
    assert all(frame["removed"] == [] for frame in even.audience.frames)  # what kind it was is not known any more


def test_a_token_sees_only_what_it_may(stage: Stage) -> None:
    watched = List(stage, RunScope(runs=("r1", "x"), kinds=("odd",)))
    stage.store.create(new_run("x-1", kind="odd"))
    stage.store.create(new_run("x-2", kind="even"))
    stage.wait(1)
    assert set(watched.look()) == {"r1", "x-1"}
    end(stage, "x-2")
    note(stage, "a", run_id="r1")
    stage.wait(1)
    assert set(watched.look()) == {"r1", "x-1"}


def test_changes_are_gathered_and_sent_twice_a_second(stage: Stage) -> None:
    watched = List(stage, RunScope())
    stage.wait(1)
    watched.audience.forget()
    for number in range(100):
        note(stage, number, run_id="r0")
        note(stage, number, run_id="r1")
        stage.wait(0.05)
    assert 9 <= len(watched.audience.of("runs")) <= 11
    assert {len(frame["changed"]) for frame in watched.audience.of("runs")} <= {1, 2}


def test_a_first_change_is_told_at_once(stage: Stage) -> None:
    watched = List(stage, RunScope())
    stage.wait(5)
    note(stage, "x", run_id="r0")
    stage.settle()
    assert watched.audience.times[-1] == stage.clock.elapsed()


def test_runs_in_memory_are_shown_as_they_were_folded(stage: Stage) -> None:
    take(stage, "r0")
    stage.watch("r0")
    watched = List(stage, RunScope())
    stage.wait(1)
    progress = ev.draft(ev.StageProgress(progress=0.5, message="half"), at=AT, stage="s")
    stage.store.append(batch("r0", 1, [progress]))
    stage.wait(1)
    assert (watched.look()["r0"]["progress"], watched.look()["r0"]["message"]) == (0.5, "half")


def test_what_the_owner_says_is_shown_of_runs_that_nobody_watches(stage: Stage) -> None:
    take(stage, "r0")
    watched = List(stage, RunScope())
    stage.wait(1)
    said = batch("r0", 1, [ev.draft(ev.Note(text="x"), at=AT)], reporter=OWNER.id)
    digest = Digest(progress=250_000, stage="s", message="a quarter")
    stage.store.append(msgspec.structs.replace(said, attempt=1, digest=digest))
    stage.wait(1)
    assert watched.look()["r0"] == msgspec.to_builtins(short_state(stage.store.header("r0"), 0.0)) | {
        "view": watched.look()["r0"]["view"]
    }
    assert watched.look()["r0"]["progress"] == 0.25


def test_everybody_with_the_same_list_gets_the_same_bytes(stage: Stage) -> None:
    lists = [List(stage, RunScope()) for _ in range(200)]
    jobs = len(stage.surroundings.jobs)
    assert jobs == 1
    stage.wait(1)
    note(stage, "x", run_id="r0")
    stage.wait(1)
    for place in (0, 1):
        assert len({id(one.audience.raw[place]) for one in lists}) == 1


def test_nothing_is_written_to_who_is_stuck(stage: Stage) -> None:
    watched = List(stage, RunScope(), full_at=0)
    watched.audience.connection.pause()
    stage.wait(1)
    assert watched.audience.frames == []
    watched.audience.drain()
    stage.wait(1)
    note(stage, "x", run_id="r0")
    stage.wait(1)
    assert len(watched.audience.frames) == 1
    watched.audience.drain()
    stage.wait(1)
    assert [run["run_id"] for run in watched.audience.frames[1]["changed"]] == ["r0"]


def test_unwatching_and_watching_another_list(stage: Stage) -> None:
    watched = List(stage, RunScope())
    stage.wait(1)
    watched.audience.connection.watch_runs(RunScope(kind="odd"))
    stage.wait(1)
    assert [run["run_id"] for run in watched.audience.frames[-1]["changed"]] == ["r1"]
    watched.audience.connection.unwatch_runs()
    note(stage, "x", run_id="r1")
    stage.wait(1)
    assert len(watched.audience.frames) == 2
    assert stage.hub.lists.cohorts == {}


def test_a_cursor_of_another_server_begins_anew(stage: Stage) -> None:
    for after in ("0", "elsewhere.7", "nonsense", "x.99999999999999999999", "."):
        audience = stage.connect()
        audience.connection.watch_runs(RunScope(), after)
        stage.wait(1)
        assert audience.frames[0]["reset"]


def test_many_long_short_states_are_cut_into_frames() -> None:
    stage = Stage(settings=HubSettings(list_runs=500))
    for number in range(500):
        run = msgspec.structs.replace(new_run(f"r{number}"), title="x" * 990)
        stage.store.create(run)
    stage.settle()
    watched = List(stage, RunScope())
    stage.wait(1)
    frames = watched.audience.of("runs")
    assert max(map(len, watched.audience.raw)) < 256 * 1024
    assert [frame["reset"] for frame in frames] == [True] + [False] * (len(frames) - 1)
    assert {frame["cursor"] for frame in frames[:-1]} == {"0"}  # who got only these has to begin anew
    assert len(watched.look()) == 500


def test_when_news_may_have_been_missed_everybody_begins_anew(stage: Stage) -> None:
    watched = List(stage, RunScope())
    stage.wait(1)
    end(stage, "r1")
    stage.follower.read()
    stage.hub.mend()
    stage.wait(1)
    assert watched.audience.frames[-1]["reset"]
    assert watched.look()["r1"]["status"] == "completed"


class Moody:
    def __init__(self, store: MemoryEventStore) -> None:
        self.store = store
        self.out_of_reach = False

    def __getattr__(self, name: str) -> Any:
        if self.out_of_reach and name in ("header", "list_runs"):
            raise StoreUnavailable("not now")
        return getattr(self.store, name)


def test_changes_while_the_store_is_out_of_reach_are_told_later() -> None:
    store = Moody(MemoryEventStore())
    stage = Stage(store)
    stage.store.create(new_run("r0"))
    stage.settle()
    watched = List(stage, RunScope())
    stage.wait(1)
    take(stage, "r0")
    store.out_of_reach = True
    late = List(stage, RunScope(kind="sample"))
    stage.wait(5)
    assert len(watched.audience.frames) == 1
    assert late.audience.frames == []
    store.out_of_reach = False
    stage.wait(2)
    assert watched.look()["r0"]["status"] == late.look()["r0"]["status"] == "running"


@given(st.integers(0, 2**32), st.integers(10, 80))
def test_nobody_misses_a_change(seed: int, steps: int) -> None:
    chance = random.Random(seed)
    stage = Stage(settings=HubSettings(list_runs=1_000))
    scopes = [RunScope(), RunScope(kind="a"), RunScope(status="running"), RunScope(kind="b", status="completed")]
    lists = [List(stage, chance.choice(scopes), chance.choice([None, 0, 2_000])) for _ in range(4)]
    runs: dict[str, str] = {}
    for step in range(steps):
        act(chance, stage, runs, step)
        for watched in lists:
            disturb(chance, watched)
        let_happen(chance, stage)
    for _ in range(30):
        stage.wait(1)
        for watched in lists:
            watched.audience.drain()
    headers = stage.store.list_runs(limit=500).headers
    for watched in lists:
        scope = watched.scope
        wanted = {one.run_id: one.status for one in headers if scope.has(one.run_id, one.kind, one.status)}
        assert {run_id: run["status"] for run_id, run in watched.look().items()} == wanted


def disturb(chance: random.Random, watched: List) -> None:
    dice = chance.random()
    if dice < 0.2:
        watched.audience.drain()
    elif dice < 0.3:
        watched.look()
        watched.audience.connection.close()
        watched.connect(chance.choice([None, 0, 2_000]))


def let_happen(chance: random.Random, stage: Stage) -> None:
    if chance.random() < 0.5:
        stage.follow(chance.choice([1, 5, 500]))
    if chance.random() < 0.5 and stage.surroundings.jobs:
        stage.surroundings.jobs.pop(chance.randrange(len(stage.surroundings.jobs))).arrive()
    if chance.random() < 0.3:
        stage.clock.advance(chance.choice([0.1, 0.6]))
        stage.ring()


def act(chance: random.Random, stage: Stage, runs: dict[str, str], step: int) -> None:
    dice = chance.random()
    if dice < 0.3 or not runs:
        runs[f"r{step}"] = "pending"
        stage.store.create(new_run(f"r{step}", kind=chance.choice("ab")))
        return
    run_id = chance.choice(sorted(runs))
    if runs[run_id] == "ended":
        stage.store.delete(run_id)
        del runs[run_id]
    elif dice < 0.5:
        end(stage, run_id)
        runs[run_id] = "ended"
    elif dice < 0.8:
        take(stage, run_id)
    else:
        note(stage, step, run_id=run_id)
