"""Runs that do not exist yet, or any more."""

from __future__ import annotations

import pytest

from headway.hub.connection import TOLD_BYTES
from headway.hub.opening import open_run
from headway.protocol.frames import CloseCode, Watch, WatchedRun
from headway.testing.samples import new_run
from tests.unit.hub.reports import end, note
from tests.unit.hub.stage import Stage


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.store.create(new_run())
    stage.settle()
    return stage


@pytest.mark.parametrize("mode", ["all", "paced"])
def test_a_run_is_watched_before_it_exists_and_nothing_is_missed(mode: str) -> None:
    stage = Stage()
    watcher = stage.watch(mode=mode)
    stage.settle()
    assert watcher.frames == [{"type": "waiting", "run_id": "run"}]
    stage.store.create(new_run())
    note(stage, "first")
    stage.wait(2)
    assert watcher.seqs() == [1, 2]
    assert watcher.of("snapshot")[0]["state"]["seq"] == 2
    note(stage, "second")
    stage.wait(2)
    assert watcher.seqs() == [1, 2, 3]


def test_a_run_that_is_made_while_it_is_looked_for_is_found() -> None:
    stage = Stage()
    watcher = stage.watch(mode="all", after="0")
    (job,) = stage.surroundings.jobs
    job.run()
    stage.store.create(new_run())
    stage.follow()
    stage.settle()
    assert watcher.types() == ["events"]


def test_a_run_that_never_comes_is_given_up_after_ten_minutes() -> None:
    stage = Stage()
    first = stage.watch()
    stage.wait(300)
    second = stage.watch()
    stage.wait(299)
    assert first.types() == ["waiting"]
    stage.wait(2)
    assert (first.frames[-1]["type"], first.frames[-1]["code"], first.frames[-1]["run_id"]) == (
        "problem",
        "not-found",
        "run",
    )
    assert second.types() == ["waiting"]
    stage.wait(300)
    assert second.types() == ["waiting", "problem"]
    assert first.closed is None


def test_who_waited_for_a_run_that_came_is_not_given_up() -> None:
    stage = Stage()
    watcher = stage.watch()
    stage.wait(300)
    stage.store.create(new_run())
    stage.wait(400)
    note(stage, "still here")
    stage.wait(1)
    assert watcher.texts() == ["still here"]
    assert watcher.of("problem") == []


def test_a_watcher_is_told_when_its_run_is_deleted(stage: Stage) -> None:
    end(stage)
    stuck = stage.connect(full_at=0)
    watchers = [stage.watch(mode="all"), stage.watch("other")]
    stuck.connection.watch(Watch(run_id="run", after="0"))
    stage.store.create(new_run("other"))
    stage.settle()
    watchers.append(stage.watch("other"))
    stage.settle()
    end(stage, "other")
    stage.store.delete("other")
    stage.wait(1)
    for watcher in watchers[1:]:
        assert watcher.types()[-1] == "end"
        assert watcher.types().count("end") == 1


def test_a_deletion_reaches_who_is_stuck(stage: Stage) -> None:
    watcher = stage.connect(full_at=0)
    watcher.connection.watch(Watch(run_id="run", after="0", mode="all"))
    stage.settle()
    end(stage)
    stage.store.delete("run")
    stage.settle()
    assert watcher.types() == ["events", "end"]
    assert watcher.frames[-1]["status"] == "deleted"


def test_what_became_of_a_thousand_runs_reaches_who_is_stuck(stage: Stage) -> None:
    runs = []
    for number in range(1000):
        run_id = f"{number:0128}"
        stage.store.create(new_run(run_id))
        end(stage, run_id)
        runs.append(WatchedRun(run_id=run_id, after=str(open_run(stage.store, run_id).cursor)))
        stage.store.delete(run_id)
    watcher = stage.connect(full_at=0)
    watcher.connection.watch(Watch(runs=tuple(runs)))
    stage.settle()
    assert watcher.closed is None
    assert [len(watcher.of(type_)) for type_ in ("waiting", "snapshot", "end")] == [1000] * 3


def test_who_is_stuck_and_asks_again_and_again_is_told_no_more(stage: Stage) -> None:
    watcher = stage.connect(full_at=0)
    runs = tuple(WatchedRun(run_id=f"{number:0128}") for number in range(1000))
    for _ in range(200):
        watcher.connection.watch(Watch(runs=runs))
        stage.settle()
    assert watcher.closed is not None
    assert watcher.closed[0] is CloseCode.OVERLOAD
    assert watcher.waiting < 2 * TOLD_BYTES
    stage.wait(stage.hub.settings.linger_s + 1)
    assert not stage.hub.feeds


def test_a_cursor_of_a_run_that_was_deleted(stage: Stage) -> None:
    end(stage)
    cursor = str(open_run(stage.store, "run").cursor)
    stage.store.delete("run")
    watcher = stage.watch(after=cursor)
    stage.settle()
    assert watcher.types() == ["waiting", "snapshot", "end"]
    assert watcher.of("snapshot")[0]["gap"] == {"after": cursor, "reason": "deleted"}
    assert watcher.frames[-1]["status"] == "deleted"


def test_a_run_that_is_deleted_and_made_again_is_another_one(stage: Stage) -> None:
    watcher = stage.watch(mode="all")
    stage.settle()
    end(stage)
    stage.follow()
    stage.store.delete("run")
    stage.store.create(new_run(kind="another"))
    stage.settle()
    late = stage.watch(mode="all")
    stage.settle()
    note(stage, "new")
    stage.settle()
    assert watcher.types()[-1] == "end"
    assert late.texts() == ["new"]
    assert late.of("snapshot")[0]["state"]["kind"] == "another"
