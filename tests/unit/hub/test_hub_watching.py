"""Watching runs: what comes first, what follows, how it ends."""

from __future__ import annotations

import pytest

from headway.hub.opening import open_run
from headway.testing.samples import batch, completed, new_run, notes
from tests.unit.hub.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def report(stage: Stage, *texts: object, run_id: str = "run", reporter: str | None = None) -> None:
    stage.store.append(batch(run_id, 1, notes(*texts), reporter=reporter or f"r{next(stage.count)}"))


def end(stage: Stage, run_id: str = "run") -> None:
    stage.store.append(batch(run_id, 1, [completed()], reporter="ender"))


def test_a_snapshot_comes_first_and_then_what_follows_it(stage: Stage) -> None:
    stage.store.create(new_run())
    report(stage, "before")
    watcher = stage.watch(mode="all")
    assert watcher.frames == []
    stage.settle()
    report(stage, "a", "b")
    stage.settle()
    assert watcher.types() == ["snapshot", "events"]
    opened = open_run(stage.store, "run")
    snapshot, events = watcher.frames
    assert snapshot["cursor"].startswith(opened.cursor.epoch)
    assert (snapshot["state"]["seq"], snapshot["gap"]) == (2, None)
    assert (events["from"], events["to"], events["cursor"]) == (3, 4, str(opened.cursor))
    assert watcher.texts() == ["a", "b"]
    assert events["short"]["status"] == "pending"
    assert events["view"]["now"] == snapshot["view"]["now"]


def test_everything_from_the_beginning(stage: Stage) -> None:
    stage.store.create(new_run())
    report(stage, "a", "b")
    watcher = stage.watch(after="0", mode="all")
    stage.settle()
    assert watcher.types() == ["events"]
    assert watcher.seqs() == [1, 2, 3]


def test_the_end_comes_once_when_everything_was_delivered(stage: Stage) -> None:
    stage.store.create(new_run())
    watchers = [stage.watch(after=after, mode=mode) for after in (None, "0") for mode in ("all", "paced")]
    stage.settle()
    report(stage, *range(900))
    end(stage)
    stage.wait(3)
    late = stage.watch(after="0")
    stage.wait(3)
    for watcher in (*watchers, late):
        assert watcher.types().count("end") == 1
        assert watcher.types()[-1] == "end"
        assert watcher.frames[-1]["status"] == "completed"
        assert watcher.frames[-1]["cursor"] == watcher.cursors["run"]
        assert watcher.settled["run"] == 902
        assert watcher.closed is None
    assert stage.hub.feeds["run"].watchers == {}
