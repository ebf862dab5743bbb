"""Pacing by a fake clock: how many frames a second, what goes at once, and how a connection's runs share."""

from __future__ import annotations

import pytest

from headway.protocol import events as ev
from headway.protocol.events import JsonObject
from headway.protocol.frames import Watch, WatchedRun
from headway.testing.samples import new_run
from tests.unit.hub.audience import Audience
from tests.unit.hub.reports import end, note, tell
from tests.unit.hub.stage import Stage


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.store.create(new_run())
    stage.settle()
    tell(stage, ev.StageStarted(), path="s")
    stage.settle()
    return stage


def progress(stage: Stage, seconds: float, *, every: float = 0.02, run_id: str = "run") -> None:
    """A job that reports often."""
    for step in range(round(seconds / every)):
        tell(stage, ev.StageProgress(progress=step / 10_000), path="s", run_id=run_id)
        stage.settle()
        stage.wait(every)


def frames_within(watcher: Audience, seconds: float, type_: str = "events") -> int:
    """The most frames that came within so many seconds."""
    times = [at for at, frame in zip(watcher.times, watcher.frames, strict=True) if frame["type"] == type_]
    return max((sum(1 for at in times if start <= at < start + seconds) for start in times), default=0)


@pytest.mark.parametrize("rate", [1, 2, 5, 10])
def test_frames_come_at_the_rate_with_a_burst_of_ten(stage: Stage, rate: int) -> None:
    watcher = stage.watch(rate=rate)
    progress(stage, 10)
    assert frames_within(watcher, 10) == pytest.approx(10 + rate * 10, abs=1)
    stage.wait(5)
    watcher.forget()
    progress(stage, 5)
    assert frames_within(watcher, 5) <= 10 + rate * 5
    assert frames_within(watcher, 1) >= min(rate, 10)


def test_what_is_left_out_is_counted_and_the_newest_arrives(stage: Stage) -> None:
    watcher = stage.watch(after="0")
    progress(stage, 10)
    stage.wait(1)
    sent = [event for event in watcher.events() if event["type"] == "stage.progress"]
    assert len(sent) + watcher.conflated()["stage.progress"] == 500
    assert sent[-1]["data"]["progress"] == 0.0499
    assert watcher.settled["run"] == 502


def exhaust(stage: Stage) -> None:
    """Use up the burst."""
    progress(stage, 2)


@pytest.mark.parametrize(
    "data",
    [
        ev.Error(message="oh"),
        ev.StageCompleted(),
        ev.StageDegraded(reason="slow"),
        ev.Finding(id="f", severity="critical"),
    ],
)
def test_critical_events_and_transitions_go_at_once(stage: Stage, data: ev.Data) -> None:
    watcher = stage.watch()
    exhaust(stage)
    tell(stage, data, path="s")
    asked = stage.clock.elapsed()
    stage.settle()
    assert watcher.events()[-1]["type"] == ev.NAME_OF[type(data)]
    assert watcher.times[-1] == asked


def test_high_events_come_within_a_second_while_a_thousand_findings_a_second_pour_in(stage: Stage) -> None:
    watcher = stage.watch()
    stage.settle()
    reported: dict[int, float] = {}
    for step in range(300):
        first = stage.store.header("run").cursor.seq + 1
        tell(stage, *[ev.Finding(id=f"{step}-{number}", title="x" * 100) for number in range(10)], path="s")
        for seq in range(first, first + 10):
            reported[seq] = stage.clock.elapsed()
        stage.settle()
        stage.wait(0.01)
    stage.wait(1)
    arrived: dict[int, float] = {}
    for at, frame in zip(watcher.times, watcher.frames, strict=True):
        for event in frame.get("events", ()):
            assert event["seq"] not in arrived
            arrived[event["seq"]] = at
    assert set(arrived) == set(reported)
    assert max(arrived[seq] - reported[seq] for seq in reported) <= 1.0
    assert frames_within(watcher, 1) <= 15


def test_findings_come_five_to_a_frame(stage: Stage) -> None:
    watcher = stage.watch()
    stage.settle()
    watcher.forget()
    for number in range(15):
        tell(stage, ev.Finding(id=f"f{number}"), path="s")
        stage.settle()
        stage.wait(0.05)
    stage.wait(1)
    assert [len(frame["events"]) for frame in watcher.of("events")] == [5, 5, 5]


def test_the_last_flush_comes_before_the_end(stage: Stage) -> None:
    watcher = stage.watch()
    exhaust(stage)
    tell(stage, ev.StageProgress(progress=0.9), path="s")
    end(stage)
    stage.settle()
    assert watcher.types()[-2:] == ["events", "end"]
    assert [event["type"] for event in watcher.events()[-2:]] == ["stage.progress", "run.completed"]


def test_more_than_may_wait_is_served_all_the_same(stage: Stage) -> None:
    watcher = stage.watch()
    exhaust(stage)
    first = stage.store.header("run").cursor.seq + 1
    for _ in range(3):
        tell(stage, *[ev.Artifact(name=f"n{number}", media_type="x" * 10_000) for number in range(300)])
    stage.follow()  # 5 MB, of which at most 4 MiB may wait
    stage.wait(1)
    assert watcher.seqs()[-900:] == list(range(first, first + 900))
    tell(stage, ev.Artifact(name="after"))
    stage.wait(1)
    assert watcher.seqs()[-901:] == list(range(first, first + 901))


def watch_many(stage: Stage, count: int) -> Audience:
    for number in range(count):
        stage.store.create(new_run(f"r{number}"))
        tell(stage, ev.StageStarted(), path="s", run_id=f"r{number}")
    watcher = stage.connect()
    watcher.connection.watch(Watch(runs=tuple(WatchedRun(run_id=f"r{number}") for number in range(count))))
    stage.wait(3)
    watcher.forget()
    return watcher


def test_fifty_frames_a_second_are_shared_fairly(stage: Stage) -> None:
    watcher = watch_many(stage, 40)
    for _ in range(200):
        for number in range(40):
            tell(stage, ev.StageProgress(progress=0.5), path="s", run_id=f"r{number}")
        stage.settle()
        stage.wait(0.05)
    stage.wait(5)
    assert frames_within(watcher, 10) <= 50 + 50 * 10
    share = [sum(1 for frame in watcher.of("events") if frame["run_id"] == f"r{number}") for number in range(40)]
    assert max(share) - min(share) <= 2
    assert sum(share) > 500
    for number in range(40):
        assert watcher.settled[f"r{number}"] == 202
        assert sum(watcher.conflated(f"r{number}").values()) + len(watcher.events(f"r{number}")) == 200


def test_what_is_urgent_passes_the_connections_share(stage: Stage) -> None:
    watcher = watch_many(stage, 40)
    for _ in range(20):
        for number in range(40):
            tell(stage, ev.StageProgress(progress=0.5), path="s", run_id=f"r{number}")
        stage.settle()
        stage.wait(0.05)
    tell(stage, ev.Error(message="oh"), run_id="r7")
    tell(stage, ev.Finding(id="f"), run_id="r8")
    asked = stage.clock.elapsed()
    stage.wait(1)
    arrived = {event["type"]: at for at, event in timed_events(watcher)}
    assert arrived["error"] == asked
    assert arrived["finding"] <= asked + 1


def timed_events(watcher: Audience) -> list[tuple[float, JsonObject]]:
    return [
        (at, event)
        for at, frame in zip(watcher.times, watcher.frames, strict=True)
        for event in frame.get("events", ())
    ]


def test_few_runs_need_no_share(stage: Stage) -> None:
    watcher = watch_many(stage, 5)
    assert not watcher.connection.limited


def test_ticks_of_many_silent_runs_are_bounded_too(stage: Stage) -> None:
    watcher = watch_many(stage, 200)
    stage.wait(10)
    assert frames_within(watcher, 10, "tick") <= 50 + 50 * 10


def test_an_earlier_reason_for_a_frame_brings_it_forward(stage: Stage) -> None:
    watcher = stage.watch(types=("stage.progress",))
    exhaust(stage)
    sent = len(watcher.of("events"))
    while len(watcher.of("events")) == sent:
        stage.wait(0.01)  # the token that was there is used now
    tell(stage, ev.Note(text="only moves the cursor on, within a second"))
    stage.settle()
    tell(stage, ev.StageProgress(progress=0.9), path="s")
    asked = stage.clock.elapsed()
    stage.wait(2)
    assert watcher.events()[-1]["data"]["progress"] == 0.9
    assert asked <= watcher.times[watcher.frames.index(watcher.of("events")[-1])] <= asked + 0.3


def test_mode_all_is_not_paced(stage: Stage) -> None:
    watcher = stage.watch(mode="all")
    stage.settle()
    for number in range(100):
        note(stage, number)
        stage.settle()
    assert len(watcher.texts()) == 100
    assert len(watcher.of("events")) == 100
