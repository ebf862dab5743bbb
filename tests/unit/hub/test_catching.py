"""Catching up from far behind, when the store is in the way, and when the log is another one."""

from __future__ import annotations

import shutil
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headway.errors import StoreUnavailable
from headway.hub.aside import PUT_ASIDE_BYTES
from headway.hub.opening import open_run
from headway.hub.settings import HubSettings
from headway.hub.snapshots import wait_until_stored
from headway.ports import Snapshot
from headway.progress.state import FOLD_VERSION
from headway.protocol import events as ev
from headway.protocol.frames import Watch
from headway.stores.memory import MemoryEventStore
from headway.stores.sqlite import SqliteEventStore
from headway.testing import FakeClock
from headway.testing.samples import new_run
from tests.unit.hub.readers import LONG_S
from tests.unit.hub.reports import end, note, tell
from tests.unit.hub.stage import Stage


class Watched:
    """A store that tells what was read, and can be out of reach."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.rows = 0
        self.out_of_reach = False

    def read(self, *arguments: Any, **options: Any) -> Any:
        self._reach()
        page = self.store.read(*arguments, **options)
        self.rows += len(page.records)
        return page

    def snapshot(self, *arguments: Any, **options: Any) -> Any:
        self._reach()
        return self.store.snapshot(*arguments, **options)

    def _reach(self) -> None:
        if self.out_of_reach:
            raise StoreUnavailable("not now")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@pytest.fixture
def stage() -> Stage:
    stage = Stage(Watched(MemoryEventStore()), HubSettings(recent_events=200, full_events=200))
    stage.store.create(new_run())
    for part in range(10):
        note(stage, *range(999))
        tell(stage, ev.Finding(id=f"f{part}"))
    open_run(stage.store, "run")
    assert wait_until_stored(LONG_S)
    stage.wait(1)
    return stage


def test_from_far_behind_a_paced_watcher_gets_what_matters_and_a_snapshot(stage: Stage) -> None:
    store = summed_up(stage)
    watcher = stage.watch(after="0")
    stage.wait(1)
    assert store.rows < 1_000
    findings = [event["data"]["id"] for event in watcher.events() if event["type"] == "finding"]
    assert findings == [f"f{part}" for part in range(10)]
    assert watcher.types() == ["events", "events", "snapshot"]
    skimmed, weighed = watcher.of("events")
    assert (skimmed["from"], skimmed["to"], skimmed["conflated"]) == (1, 9_801, {"*": 9_801 - 10})
    assert (weighed["from"], weighed["to"], weighed["conflated"]) == (9_802, 10_001, {"note": 198})
    assert watcher.frames[-1]["state"]["seq"] == 10_001
    assert watcher.frames[-1]["gap"] is None
    tell(stage, ev.Finding(id="new"))
    stage.wait(1)
    assert watcher.events()[-1]["data"]["id"] == "new"
    assert watcher.types().count("snapshot") == 1


def summed_up(stage: Stage) -> Any:
    """The stage's store with a snapshot at its end; from now on it counts what is read."""
    store: Any = stage.store
    opened = open_run(store, "run")
    store.put_snapshot("run", Snapshot(fold=FOLD_VERSION, cursor=opened.cursor, body=msgspec.json.encode(opened.state)))
    store.rows = 0
    return store


def test_a_filter_of_what_matters_is_found_by_priority(stage: Stage) -> None:
    store = summed_up(stage)
    watcher = stage.watch(after="0", types=("finding",))
    stage.wait(1)
    assert store.rows < 1_000
    assert [event["data"]["id"] for event in watcher.events()] == [f"f{part}" for part in range(10)]
    assert watcher.conflated() == {}


def test_a_filter_of_anything_else_is_read_in_full_and_counted(stage: Stage) -> None:
    watcher = stage.watch(after="0", types=("note",))
    stage.wait(1)
    assert len(watcher.events()) + watcher.conflated()["note"] == 9_990
    assert "snapshot" not in watcher.types()


def test_in_mode_all_everything_comes_however_far_behind(stage: Stage) -> None:
    watcher = stage.watch(after="0", mode="all")
    stage.wait(1)
    assert watcher.seqs() == list(range(1, 10_002))


def test_a_slow_reader_of_a_long_history_is_never_given_more_than_a_frame(stage: Stage) -> None:
    watcher = stage.connect(full_at=0)
    watcher.connection.watch(Watch(run_id="run", after="0", mode="all"))
    taken = []
    for _ in range(200):
        stage.settle()
        taken.append(len(watcher.raw))
        watcher.drain()
    assert all(after - before <= 1 for before, after in pairwise(taken))
    assert watcher.seqs() == list(range(1, 10_002))


def test_while_the_store_is_out_of_reach_everybody_waits(stage: Stage) -> None:
    store: Any = stage.store
    live = stage.watch(mode="all")
    stage.settle()
    store.out_of_reach = True
    late = stage.watch(after="0", mode="all")
    stage.store.create(new_run("other"))
    opening = stage.watch("other", mode="all")
    stage.wait(10)
    assert late.types() == []
    assert opening.types() == []
    assert live.types() == ["snapshot"] + ["tick"] * 5
    store.out_of_reach = False
    note(stage, "on")
    stage.wait(2)
    assert late.seqs() == list(range(1, 10_003))
    assert live.texts() == ["on"]
    assert opening.types()[0] == "snapshot"


def test_frames_that_were_made_for_one_are_shared_for_a_moment_and_then_forgotten(stage: Stage) -> None:
    stage.watch()
    stage.settle()
    note(stage, "x")
    after = str(stage.store.cursor_at("run", 9_990))
    first, second = [stage.watch(after=after, mode="all") for _ in range(2)]
    stage.settle()
    shared = first.raw[0] is second.raw[0]
    before = sys.getrefcount(first.raw[0])
    stage.wait(2.1)
    after_a_tick = sys.getrefcount(first.raw[0])
    assert shared
    assert after_a_tick == before - 1


def test_what_was_read_for_a_watch_that_was_given_up_is_not_sent(stage: Stage) -> None:
    stage.watch()
    stage.settle()
    watcher = stage.watch(after="0", mode="all")
    assert len(stage.surroundings.jobs) == 1
    watcher.connection.unwatch(["run"])
    watcher.connection.watch(Watch(run_id="run", after="0", mode="all"))
    stage.wait(1)
    assert watcher.seqs() == list(range(1, 10_002))


def test_a_run_that_is_deleted_while_its_history_is_read(stage: Stage) -> None:
    end(stage)
    watcher = stage.connect(full_at=0)
    watcher.connection.watch(Watch(run_id="run", after="0", mode="all"))
    stage.settle()
    stage.store.delete("run")
    watcher.drain()
    stage.wait(2)
    assert watcher.types()[-1] == "end"
    assert watcher.frames[-1]["status"] == "deleted"


def test_who_reads_finds_out_that_a_run_was_deleted_before_the_follower_does(stage: Stage) -> None:
    end(stage)
    watcher = stage.connect(full_at=0)
    watcher.connection.watch(Watch(run_id="run", after="0", mode="all"))
    stage.settle()
    stage.store.delete("run")
    watcher.drain()
    while stage.read():
        pass
    assert watcher.types()[-1] == "end"
    assert watcher.frames[-1]["status"] == "deleted"


def test_what_comes_while_the_store_is_asked_is_not_lost(stage: Stage) -> None:
    watcher = stage.watch(mode="all")
    stage.settle()
    stage.hub.mend()
    for job in stage.surroundings.jobs:
        job.run()
    note(stage, "meanwhile")
    stage.follow()
    while stage.read():
        pass
    assert watcher.texts() == ["meanwhile"]


@pytest.mark.parametrize("after", [None, "0"])
@pytest.mark.parametrize("phase", ["opening", "absent", "open"])
def test_what_the_follower_missed_while_the_store_was_asked_is_not_lost(phase: str, after: str | None) -> None:
    stage = Stage()
    if phase != "absent":
        stage.store.create(new_run())
    stage.follow()
    watcher = stage.watch(after=after)
    if phase == "open":
        stage.settle()
        stage.hub.mend()
    for job in stage.surroundings.jobs:
        job.run()  # it sees nothing of what comes now
    if phase == "absent":
        stage.store.create(new_run())
    end(stage)
    stage.follower = stage.store.follow()
    stage.hub.mend()
    stage.settle()
    assert watcher.types()[-1] == "end"


def test_what_the_store_tells_before_the_follower_does_comes_once(stage: Stage) -> None:
    watcher = stage.watch(mode="all")
    stage.settle()
    note(stage, "a", "b")
    stage.hub.mend()
    stage.follow(1)
    while stage.read():
        pass
    assert watcher.texts() == ["a", "b"]
    stage.settle()
    assert watcher.texts() == ["a", "b"]


@pytest.mark.parametrize(("size", "parts"), [(1, 11), (4_000, 2)])
def test_more_news_than_are_put_aside_are_read_afterwards(stage: Stage, size: int, parts: int) -> None:
    watcher = stage.watch(mode="all")
    stage.settle()
    stage.hub.mend()
    for job in stage.surroundings.jobs:
        job.run()
    for _ in range(parts):
        note(stage, *(f"{number:0{size}}" for number in range(1_000)))
    while stage.follow():
        pass
    feed = stage.hub.feeds["run"]
    assert sum(len(record.body) for record in feed.mirror._aside._records) < PUT_ASIDE_BYTES
    while stage.read():
        pass
    assert len(watcher.texts()) == parts * 1_000


@pytest.mark.parametrize("mode", ["all", "paced"])
def test_a_store_restored_from_an_old_copy_and_grown_again(tmp_path: Path, mode: str) -> None:
    def grow(store: SqliteEventStore, *texts: object) -> Stage:
        stage = Stage(store, clock=FakeClock())
        note(stage, *texts)
        stage.settle()
        return stage

    path = tmp_path / "log.db"
    store = SqliteEventStore(path)
    store.create(new_run())
    grow(store, "kept")
    store.close()
    shutil.copy(path, tmp_path / "yesterday.db")
    store = SqliteEventStore(path)
    grow(store, "lost", "lost too")
    cursors = [str(store.cursor_at("run", seq)) for seq in (2, 3, 4)]
    store.close()
    store = SqliteEventStore(tmp_path / "yesterday.db")
    stage = grow(store, "another", "one", "more")
    kept, third, fourth = [stage.watch(after=cursor, mode=mode) for cursor in cursors]
    stage.wait(1)
    note(stage, "new")
    stage.wait(1)
    assert kept.of("events")[0]["from"] == 3
    assert kept.of("snapshot") == []
    for watcher, cursor in ((third, cursors[1]), (fourth, cursors[2])):
        assert watcher.frames[0]["gap"] == {"after": cursor, "reason": "diverged"}
        assert watcher.frames[0]["state"]["seq"] == 5
        assert watcher.texts() == ["new"]
    stage.hub.close()
    stage.follower.close()
    store.close()


def test_a_log_that_becomes_another_one_while_it_is_watched() -> None:
    class Swapped:
        """A store behind a name that is given to another store."""

        def __init__(self) -> None:
            self.store = MemoryEventStore()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.store, name)

    swapped = Swapped()
    stage = Stage(swapped)
    stage.store.create(new_run())
    note(stage, "a", "b")
    watchers = [stage.watch(mode=mode) for mode in ("all", "paced")]
    stuck = stage.connect(full_at=0)
    stuck.connection.watch(Watch(run_id="run", after="0", mode="all"))
    stage.settle()
    cursor = watchers[0].cursors["run"]
    swapped.store = MemoryEventStore()
    stage.follower = stage.store.follow()
    stage.store.create(new_run())
    note(stage, "x", "y", "z")
    stage.wait(1)
    stuck.full_at = None
    stuck.drain()
    stage.wait(1)
    for watcher in (*watchers, stuck):
        (gap,) = [frame["gap"] for frame in watcher.of("snapshot") if frame["gap"]]
        assert gap == {"after": cursor, "reason": "diverged"}
        assert watcher.of("snapshot")[-1]["state"]["seq"] == 4
    note(stage, "on")
    stage.wait(1)
    assert watchers[0].texts()[-1] == watchers[1].texts()[-1] == stuck.texts()[-1] == "on"


def test_a_log_that_is_another_one_when_it_can_be_opened_at_last() -> None:
    watched = Watched(MemoryEventStore())
    stage = Stage(watched)
    stage.store.create(new_run())
    note(stage, "a", "b", "c", "d")
    watched.out_of_reach = True
    watcher = stage.watch(mode="all")
    stage.follow()
    stage.settle()
    watched.store, watched.out_of_reach = MemoryEventStore(), False
    stage.follower = stage.store.follow()
    stage.store.create(new_run())
    note(stage, "x")
    stage.wait(2)
    assert watcher.of("snapshot")[0]["state"]["seq"] == 2
    note(stage, "on")
    stage.wait(1)
    assert watcher.texts() == ["on"]


def test_news_of_a_log_that_is_no_more_are_one_question_however_many() -> None:
    stage = Stage()
    stage.store.create(new_run())
    note(stage, *range(100))
    end(stage)
    news = stage.follower.read()
    stage.store.delete("run")
    stage.store.create(new_run())
    note(stage, "x", "y")
    watcher = stage.watch(mode="all")
    stage.hub.deliver(news)
    while stage.read():
        pass
    assert stage.hub.feeds["run"].mirror.looked == 2, "the opening, and what the first of them made it ask"
    assert watcher.of("snapshot")[0]["state"]["seq"] == 3
    assert watcher.texts() == []
