"""Watching runs: what comes first, what follows, how it ends."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from headway.errors import InvalidCursor, NotFound, TooManyRuns
from headway.hub.opening import open_run
from headway.hub.settings import HubSettings
from headway.protocol import events as ev
from headway.protocol.cursor import Cursor
from headway.protocol.frames import CloseCode, Watch, WatchedRun
from headway.testing.samples import AT, OWNER, new_run
from tests.unit.hub.reports import end, note, tell
from tests.unit.hub.stage import Stage


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.store.create(new_run())
    stage.settle()
    return stage


def test_a_snapshot_comes_first_and_then_what_follows_it(stage: Stage) -> None:
    note(stage, "before")
    watcher = stage.watch(mode="all")
    assert watcher.frames == []
    stage.settle()
    note(stage, "a", "b")
    stage.settle()
    assert watcher.types() == ["snapshot", "events"]
    opened = open_run(stage.store, "run")
    snapshot, events = watcher.frames
    assert (snapshot["state"]["seq"], snapshot["gap"]) == (2, None)
    assert (events["from"], events["to"], events["cursor"]) == (3, 4, str(opened.cursor))
    assert watcher.texts() == ["a", "b"]
    assert events["conflated"] == {}
    assert events["short"] == {"status": "pending", "progress": 0.0, "stage": None, "message": None}
    assert events["view"]["elapsed"] is None


def test_a_view_agrees_with_the_state_at_once(stage: Stage) -> None:
    watcher = stage.watch(mode="all")
    stage.settle()
    tell(stage, ev.RunQueued(position=3, of=9))
    stage.settle()
    assert watcher.frames[-1]["view"]["queue"] == {"position": 3, "of": 9}
    stage.store.take_over("run", OWNER, AT, 30)
    stage.settle()
    view = watcher.frames[-1]["view"]
    assert (view["queue"], view["elapsed"] is None) == (None, False)


def test_everything_from_the_beginning(stage: Stage) -> None:
    note(stage, "a", "b")
    watcher = stage.watch(after="0", mode="all")
    stage.settle()
    assert watcher.types() == ["events"]
    assert watcher.seqs() == [1, 2, 3]


def test_what_follows_a_cursor(stage: Stage) -> None:
    note(stage, "a", "b")
    cursor = str(stage.store.cursor_at("run", 2))
    note(stage, "c")
    watcher = stage.watch(after=cursor, mode="all")
    stage.settle()
    assert watcher.seqs() == [3, 4]


def test_an_up_to_date_cursor_gets_only_what_is_new(stage: Stage) -> None:
    cursor = str(open_run(stage.store, "run").cursor)
    watcher = stage.watch(after=cursor, mode="all")
    stage.settle()
    assert watcher.frames == []
    note(stage, "new")
    stage.settle()
    assert watcher.texts() == ["new"]


def test_the_end_comes_once_when_everything_was_delivered(stage: Stage) -> None:
    watchers = [stage.watch(after=after, mode=mode) for after in (None, "0") for mode in ("all", "paced")]
    stage.settle()
    note(stage, *range(900))
    end(stage)
    stage.wait(3)
    late = stage.watch(after="0")
    snapshot_only = stage.watch()
    stage.wait(3)
    for watcher in (*watchers, late, snapshot_only):
        assert watcher.types().count("end") == 1
        assert watcher.types()[-1] == "end"
        assert watcher.frames[-1]["status"] == "completed"
        assert watcher.frames[-1]["cursor"] == watcher.cursors["run"]
        assert watcher.settled["run"] == 902
        assert watcher.closed is None
    assert snapshot_only.types() == ["snapshot", "end"]


def test_who_comes_with_the_last_cursor_of_an_ended_run_gets_the_end(stage: Stage) -> None:
    end(stage)
    watcher = stage.watch(after=str(open_run(stage.store, "run").cursor))
    stage.settle()
    assert watcher.types() == ["end"]


@pytest.mark.parametrize(
    "make",
    [
        lambda at: Cursor("elsewhere", 1, 1),
        lambda _: Cursor("elsewhere", 0, 0),
        lambda at: Cursor(at.epoch, at.seq, at.nonce ^ 1),
    ],
)
@pytest.mark.parametrize("mode", ["all", "paced"])
def test_a_cursor_of_another_log_is_answered_with_a_gap(
    stage: Stage, make: Callable[[Cursor], Cursor], mode: str
) -> None:
    note(stage, "a", "b")
    wrong = make(stage.store.cursor_at("run", 2))
    watcher = stage.watch(after=str(wrong), mode=mode)
    stage.settle()
    note(stage, "c")
    stage.wait(2)
    assert watcher.types()[:2] == ["snapshot", "events"]
    assert watcher.frames[0]["gap"] == {"after": str(wrong), "reason": "diverged"}
    assert watcher.frames[0]["state"]["seq"] == 3
    assert watcher.texts() == ["c"]


def test_a_cursor_that_this_server_has_not_read_up_to_is_checked_in_the_store(stage: Stage) -> None:
    stage.watch()
    stage.settle()
    note(stage, "a")
    ahead = stage.store.cursor_at("run", 2)
    good = stage.watch(after=str(ahead), mode="all")
    bad = stage.watch(after=str(Cursor(ahead.epoch, 2, ahead.nonce ^ 1)), mode="all")
    beyond = stage.watch(after=str(Cursor(ahead.epoch, 7, 1)), mode="all")
    while stage.read():
        pass
    assert good.frames == []
    assert bad.frames[0]["gap"]["reason"] == beyond.frames[0]["gap"]["reason"] == "diverged"
    stage.settle()
    note(stage, "b")
    stage.settle()
    assert good.texts() == ["b"]


def test_ticks_come_every_two_seconds_while_the_job_is_silent(stage: Stage) -> None:
    watchers = [stage.watch(mode=mode) for mode in ("all", "paced")]
    stage.settle()
    begun = stage.clock.elapsed()
    stage.wait(6.5)
    for watcher in watchers:
        assert watcher.types() == ["snapshot", "tick", "tick", "tick"]
        assert [round(at - begun, 2) for at in watcher.times] == [0, 2, 4, 6]
        tick = watcher.frames[-1]
        assert tick["last_event_at"] == "2026-11-20T19:41:03.120Z"
        assert tick["view"]["now"] > watcher.frames[0]["view"]["now"]


def test_no_tick_when_something_else_was_sent_and_none_after_the_end(stage: Stage) -> None:
    watcher = stage.watch(mode="all")
    stage.settle()
    for second in range(6):
        stage.wait(1)
        note(stage, second)
        stage.settle()
    assert "tick" not in watcher.types()
    stage.wait(2.5)
    assert watcher.types().count("tick") == 1
    end(stage)
    stage.wait(10)
    assert watcher.types()[-1] == "end"


def test_a_filter_leaves_out_other_types_and_moves_the_cursor_on(stage: Stage) -> None:
    for mode in ("all", "paced"):
        watcher = stage.watch(mode=mode, types=("finding",))
        stage.settle()
        note(stage, "a")
        tell(stage, ev.Finding(id="f"))
        note(stage, "b")
        stage.wait(1.5)
        assert [event["type"] for event in watcher.events()] == ["finding"]
        assert watcher.conflated() == {}
        assert watcher.cursors["run"] == str(stage.store.header("run").cursor)


@pytest.mark.parametrize("mode", ["all", "paced"])
def test_a_filter_that_leaves_out_the_end_does_not_delay_it(stage: Stage, mode: str) -> None:
    watcher = stage.watch(mode=mode, types=("finding",))
    stage.settle()
    end(stage)
    stage.settle()
    assert watcher.types() == ["snapshot", "events", "end"]
    assert watcher.events() == []


def test_a_filtered_history_is_settled_as_a_whole(stage: Stage) -> None:
    note(stage, "a")
    tell(stage, ev.Finding(id="f"))
    note(stage, "b")
    for mode in ("all", "paced"):
        for types, count in ((("finding",), 1), (("artifact",), 0)):
            watcher = stage.watch(after="0", mode=mode, types=types)
            stage.settle()
            (frame,) = watcher.frames
            assert (frame["from"], frame["to"], len(frame["events"])) == (1, 4, count)


def test_a_snapshot_that_is_asked_for_settles_everything_before_it(stage: Stage) -> None:
    tell(stage, ev.StageStarted(), path="s")
    watcher = stage.watch(mode="paced", rate=1)
    stage.settle()
    for step in range(12):
        tell(stage, ev.StageProgress(progress=step / 20), path="s")
        stage.settle()
    watcher.forget()
    watcher.connection.snapshot("run")
    stage.settle()
    assert watcher.types() == ["events", "snapshot"]
    assert watcher.frames[-1]["state"]["seq"] == stage.store.header("run").cursor.seq
    assert watcher.settled["run"] == stage.store.header("run").cursor.seq
    note(stage, "on")
    stage.wait(2)
    assert watcher.texts() == ["on"]


def test_a_snapshot_of_a_run_that_is_not_watched_is_a_problem(stage: Stage) -> None:
    watcher = stage.connect()
    watcher.connection.snapshot("run")
    assert (watcher.frames[0]["code"], watcher.frames[0]["run_id"]) == ("not-found", "run")


def test_unwatching_ends_it_and_watching_again_begins_anew(stage: Stage) -> None:
    watcher = stage.watch(mode="all")
    stage.settle()
    watcher.connection.unwatch(["run", "never"])
    note(stage, "a")
    stage.settle()
    assert watcher.texts() == []
    watcher.connection.watch(Watch(run_id="run", mode="all"))
    watcher.connection.watch(Watch(run_id="run", mode="paced"))
    stage.settle()
    note(stage, "b")
    stage.wait(1)
    assert watcher.texts() == ["b"]
    assert watcher.types().count("snapshot") == 3


def test_a_run_that_nobody_watches_lingers_and_goes(stage: Stage) -> None:
    watcher = stage.watch()
    stage.settle()
    watcher.connection.close()
    stage.wait(4)
    assert "run" in stage.hub.feeds
    stage.wait(2)
    assert stage.hub.feeds == {}
    assert [timer for timer in stage.surroundings.timers if timer.callback] == []


def made_up(number: int) -> Watch:
    return Watch(runs=tuple(WatchedRun(run_id=f"made-up-{name}") for name in range(number)))


def test_a_run_that_is_not_there_goes_with_the_last_who_waits_for_it(stage: Stage) -> None:
    watchers = [stage.connect(), stage.connect()]
    for watcher in watchers:
        watcher.connection.watch(made_up(100))
    stage.settle()
    watchers[0].connection.close()
    stage.settle()
    assert len(stage.hub.feeds) == 100
    watchers[1].connection.unwatch([f"made-up-{name}" for name in range(100)])
    stage.settle()
    assert stage.hub.feeds == {}


def test_the_store_is_not_asked_for_runs_that_nobody_waits_for_any_more(stage: Stage) -> None:
    watcher = stage.connect()
    watcher.connection.watch(made_up(100))
    watcher.connection.close()
    stage.ring()
    assert stage.hub.feeds == {}
    stage.store.close()  # who asks it now hears that, and not that nobody waits
    for job in stage.surroundings.jobs:
        job.run()
    assert {type(job.result) for job in stage.surroundings.jobs} == {NotFound}


def test_who_comes_back_at_once_finds_its_feed_as_it_left_it(stage: Stage) -> None:
    watcher = stage.connect()
    watcher.connection.watch(Watch(run_id="made-up"))
    feed = stage.hub.feeds["made-up"]
    watcher.connection.unwatch(["made-up"])
    watcher.connection.watch(Watch(run_id="made-up"))
    stage.wait(10)
    assert stage.hub.feeds == {"made-up": feed}


def test_of_too_many_runs_that_linger_those_that_were_left_first_go_first() -> None:
    stage = Stage(settings=HubSettings(linger_runs=2))
    watchers = {}
    for run_id in "abcd":
        stage.store.create(new_run(run_id))
        watchers[run_id] = stage.watch(run_id)
    stage.settle()
    for run_id in "bca":
        watchers[run_id].connection.close()
    stage.settle()
    assert set(stage.hub.feeds) == {"a", "c", "d"}
    stage.watch("c")  # lingers no more, so there is room again
    watchers["d"].connection.close()
    stage.settle()
    assert set(stage.hub.feeds) == {"a", "c", "d"}
    stage.wait(6)
    assert set(stage.hub.feeds) == {"c"}


def test_who_may_not_watch_is_told_that_there_is_nothing(stage: Stage) -> None:
    asked = []

    def may_watch(run_id: str, kind: str) -> bool:
        asked.append((run_id, kind))
        return False

    opening, open_already = stage.connect(may_watch=may_watch), stage.connect(may_watch=may_watch)
    for watcher in (opening, open_already):
        watcher.connection.watch(Watch(run_id="run", after="0", close_on_end=True))
        stage.settle()
        assert [frame["code"] for frame in watcher.frames] == ["not-found"]
        assert watcher.closed is not None
    assert asked == [("run", "sample")] * 2


def test_the_connection_closes_when_all_runs_have_ended_if_that_was_asked(stage: Stage) -> None:
    stage.store.create(new_run("other"))
    end(stage, "other")
    watcher = stage.connect()
    runs = tuple(WatchedRun(run_id=run_id) for run_id in ("other", "run"))
    stage.watch("other")
    stage.settle()
    watcher.connection.watch(Watch(runs=runs, close_on_end=True))
    stage.settle()
    assert watcher.types().count("end") == 1
    assert len(stage.hub.connections) == 2
    end(stage)
    stage.settle()
    assert watcher.closed == (CloseCode.ALL_ENDED, "all runs have ended")
    assert len(stage.hub.connections) == 1


def test_too_many_runs_on_one_connection() -> None:
    stage = Stage(settings=HubSettings(runs_per_connection=3))
    watcher = stage.connect()
    runs = [WatchedRun(run_id=f"r{number}") for number in range(5)]
    with pytest.raises(TooManyRuns):
        watcher.connection.watch(Watch(runs=tuple(runs[:4])))
    stage.settle()
    assert watcher.frames == []
    watcher.connection.watch(Watch(runs=tuple(runs[:2])))
    watcher.connection.watch(Watch(runs=tuple(runs[2:])))
    stage.settle()
    assert watcher.types().count("waiting") == 3
    problems = [(frame["code"], frame["run_id"]) for frame in watcher.of("problem")]
    assert problems == [("too-many-runs", "r3"), ("too-many-runs", "r4")]


def test_too_many_ways_to_watch_one_run(stage: Stage) -> None:
    watchers = [stage.watch(types=(f"x.{number}",)) for number in range(33)]
    stage.settle()
    assert [watcher.types() for watcher in watchers] == [["snapshot"]] * 32 + [["problem"]]
    assert watchers[-1].frames[0]["code"] == "too-many-ways"
    watchers[0].connection.close()
    assert stage.watch(types=("x.new",)).types() == ["snapshot"]


def test_the_same_run_twice_in_one_message_is_watched_once(stage: Stage) -> None:
    watcher = stage.connect()
    watcher.connection.watch(Watch(run_id="run", runs=(WatchedRun(run_id="run"),), mode="all"))
    stage.settle()
    note(stage, "a")
    stage.settle()
    assert watcher.types() == ["snapshot", "events"]


def test_a_cursor_that_is_none_is_refused_and_nothing_is_watched(stage: Stage) -> None:
    watcher = stage.connect()
    with pytest.raises(InvalidCursor):
        watcher.connection.watch(Watch(runs=(WatchedRun(run_id="run"), WatchedRun(run_id="b", after="x"))))
    assert watcher.connection.watchers == {}


def test_a_log_that_cannot_be_read_is_a_problem(stage: Stage) -> None:
    watcher = stage.watch()
    stage.settle()
    broken = stage.follower
    tell(stage, ev.Note(text="x"))
    (record,) = broken.read()
    stage.hub.deliver([msgspec.structs.replace(record, body=b'{"seq":2,"type":')])
    assert watcher.types() == ["snapshot", "problem"]
    assert watcher.frames[-1]["code"] == "invalid-event"
    assert "run" not in stage.hub.feeds


def test_frames_are_cut_at_an_event(stage: Stage) -> None:
    large = [ev.Artifact(name=f"n{number}", media_type="x" * 50_000) for number in range(20)]
    live = stage.watch(mode="all")
    stage.settle()
    tell(stage, *large)
    stage.wait(2)
    history = {mode: stage.watch(after="0", mode=mode) for mode in ("all", "paced")}
    stage.wait(2)
    for watcher in (live, *history.values()):
        assert max(map(len, watcher.raw)) < 256 * 1024  # the audience has checked that nothing is missing or doubled
        assert len(watcher.of("events")) >= 5
        assert watcher.settled["run"] == 21
