"""Views: what a clock and the history of a store add to a state."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from headway.hub.history import FRESH_S, Histories
from headway.hub.opening import open_run
from headway.hub.viewing import Viewer
from headway.ports import Batch, EventStore, NewRun
from headway.progress.remaining import Estimate, History, Situation, estimator
from headway.progress.state import Eta
from headway.protocol import events, times
from headway.protocol.events import Data, PlannedStage, ReporterInfo, Size
from headway.stores.memory import MemoryEventStore

NOW = times.to_unix("2026-11-20T19:00:00.000Z")


class Job:
    """A run that tells what it does, second by second."""

    def __init__(self, store: EventStore, run_id: str, *, size: Size | None = None, plan: tuple[str, ...] = ()) -> None:
        self.store, self.run_id, self.sent = store, run_id, 0
        planned = tuple(PlannedStage(path=path) for path in plan)
        store.create(NewRun(run_id=run_id, kind="audit", at=times.to_text(NOW), size=size, plan=planned))
        store.take_over(run_id, ReporterInfo(id="job"), times.to_text(NOW), 30.0)

    def tell(self, data: Data, second: float, stage: str | None = None) -> None:
        draft = events.draft(data, at=times.to_text(NOW + second), stage=stage)
        batch = Batch(run_id=self.run_id, reporter="job", first=self.sent + 1, events=(draft,), attempt=1)
        self.store.append(batch)
        self.sent += 1

    def complete(self, *spans: tuple[str, float, float]) -> None:
        end = spans[-1][2]
        stages = {path: (begin, end) for path, begin, end in spans}
        self.tell(events.RunCompleted(duration=end, spans=stages), end)


def eta(viewer: Viewer, job: Job, second: float) -> Eta | None:
    return viewer.view(open_run(job.store, job.run_id).state, NOW + second).eta


def work_left(viewer: Viewer, job: Job, second: float) -> float:
    shown = eta(viewer, job, second)
    assert shown is not None
    return shown.remaining


@pytest.fixture
def store() -> MemoryEventStore:
    return MemoryEventStore()


@pytest.fixture
def viewer(store: MemoryEventStore) -> Viewer:
    return Viewer(Histories(store, lambda: 0.0), estimator())


def with_history(store: MemoryEventStore, runs: int) -> None:
    for number in range(runs):
        Job(store, f"past-{number}").complete(("load", 0.0, 20.0), ("scan", 20.0, 100.0))


def test_nothing_is_known_of_the_first_run_of_a_kind(store: MemoryEventStore, viewer: Viewer) -> None:
    job = Job(store, "first")
    assert eta(viewer, job, 5) is None


def test_history_tells_the_time_left_which_counts_down(store: MemoryEventStore, viewer: Viewer) -> None:
    with_history(store, 6)
    job = Job(store, "next", plan=("load", "scan"))
    job.tell(events.StageStarted(), 0.0, "load")
    first = eta(viewer, job, 1)
    assert first is not None
    assert (first.basis, first.runs, first.explanation) == ("history", 6, "from 6 runs of audit")
    assert first.remaining == pytest.approx(99, rel=0.1)
    assert first.low <= first.remaining <= first.high
    later = eta(viewer, job, 11)
    assert later is not None
    assert later.remaining == pytest.approx(first.remaining - 10, abs=0.5)


def test_the_end_of_a_stage_is_learned_from(store: MemoryEventStore, viewer: Viewer) -> None:
    with_history(store, 6)
    job = Job(store, "slow", plan=("load", "scan"))
    job.tell(events.StageStarted(), 0.0, "load")
    job.tell(events.StageCompleted(), 60.0, "load")
    job.tell(events.StageStarted(), 60.0, "scan")
    shown = eta(viewer, job, 60)
    assert shown is not None
    assert shown.remaining > 60  # after "load" it always took another 80 s, although 100 s are the usual whole


def test_a_run_that_takes_longer_than_ever_is_overdue_and_never_at_zero(
    store: MemoryEventStore, viewer: Viewer
) -> None:
    with_history(store, 6)
    job = Job(store, "stuck")
    shown = eta(viewer, job, 400)
    assert shown is not None
    assert shown.overdue
    assert shown.remaining > 0
    assert "longer than usual" in shown.explanation


def test_a_run_that_has_ended_has_no_time_left(store: MemoryEventStore, viewer: Viewer) -> None:
    with_history(store, 6)
    view = viewer.view(open_run(store, "past-0").state, NOW + 1000)
    assert view.eta is None
    assert view.elapsed == 100.0


def test_sizes_scale_the_estimate(store: MemoryEventStore, viewer: Viewer) -> None:
    for number, size in enumerate((1, 2, 3, 4, 5, 6, 7, 8, 2, 5, 3, 7)):
        Job(store, f"past-{number}", size=size).complete(("scan", 0.0, 10.0 * size))
    small, large = Job(store, "small", size=2), Job(store, "large", size=8)
    few, many = eta(viewer, small, 0), eta(Viewer(Histories(store, lambda: 0.0), estimator()), large, 0)
    assert few is not None
    assert many is not None
    assert many.remaining > 2.5 * few.remaining


def test_a_history_is_read_again_after_a_while_and_stays_the_same_object_if_nothing_came(
    store: MemoryEventStore,
) -> None:
    now = 0.0
    histories = Histories(store, lambda: now)
    with_history(store, 2)
    first = histories.of("audit", None)
    Job(store, "another").complete(("load", 0.0, 5.0))
    assert histories.of("audit", None) is first
    now += FRESH_S + 1
    second = histories.of("audit", None)
    assert len(second.runs) == 3
    now += FRESH_S + 1
    assert histories.of("audit", None) is second


def test_a_queued_run_has_its_place_and_an_estimate_of_its_wait(store: MemoryEventStore, viewer: Viewer) -> None:
    with_history(store, 6)
    store.create(NewRun(run_id="queued", kind="audit", at=times.to_text(NOW)))
    draft = events.draft(events.RunQueued(position=2, of=3), at=times.to_text(NOW))
    store.append(Batch(run_id="queued", reporter="queue", first=1, events=(draft,)))
    view = viewer.view(open_run(store, "queued").state, NOW + 1)
    assert view.queue is not None
    assert view.eta is not None
    assert (view.queue.position, view.eta.basis) == (2, "queue")
    assert view.eta.remaining == pytest.approx(200, rel=0.1)


def test_waiting_for_people_is_no_work(store: MemoryEventStore, viewer: Viewer) -> None:
    with_history(store, 6)
    job = Job(store, "asking")
    job.tell(events.InputRequested(id="q", prompt="Publish?"), 10)
    job.tell(events.InputRequested(id="r", prompt="Really?"), 500)
    job.tell(events.InputGiven(id="q", value="yes"), 1010)
    job.tell(events.InputGiven(id="r", value="yes"), 1000)
    shown = eta(viewer, job, 1020)
    assert shown is not None
    assert shown.remaining == pytest.approx(80, rel=0.2)
    assert not shown.overdue


def test_a_question_leaves_the_rest_of_the_run_as_it_was(store: MemoryEventStore, viewer: Viewer) -> None:
    with_history(store, 6)
    job = Job(store, "asking")
    job.tell(events.StageStarted(), 0, "load")
    job.tell(events.StageCompleted(), 20, "load")
    job.tell(events.InputRequested(id="q", prompt="Publish?"), 20)
    job.tell(events.InputGiven(id="q", value="yes"), 1020)
    job.tell(events.StageStarted(), 1020, "scan")
    for second in (1021, 1060, 1095):
        assert work_left(viewer, job, second) == pytest.approx(1100 - second, abs=3)


def test_nobody_waits_beyond_the_deadline_of_a_question(store: MemoryEventStore, viewer: Viewer) -> None:
    with_history(store, 6)
    job = Job(store, "unanswered")
    job.tell(events.InputRequested(id="q", prompt="Publish?", deadline=times.to_text(NOW + 60)), 10)
    assert work_left(viewer, job, 60) == pytest.approx(90, rel=0.1)
    assert work_left(viewer, job, 110) == pytest.approx(40, rel=0.1)


def test_a_run_that_has_not_started_does_not_age(store: MemoryEventStore, viewer: Viewer) -> None:
    with_history(store, 6)
    store.create(NewRun(run_id="pending", kind="audit", at=times.to_text(NOW)))
    pending = open_run(store, "pending").state
    for second in (1, 60, 400):
        shown = viewer.view(pending, NOW + second).eta
        assert shown is not None
        assert not shown.overdue
        assert shown.remaining == pytest.approx(100, rel=0.1)


def test_a_queue_that_moves_is_waited_for_from_the_new_place_on(store: MemoryEventStore, viewer: Viewer) -> None:
    with_history(store, 6)
    store.create(NewRun(run_id="queued", kind="audit", at=times.to_text(NOW)))
    for number, (second, place) in enumerate(((0, 3), (100, 2), (200, 1)), 1):
        draft = events.draft(events.RunQueued(position=place, of=3), at=times.to_text(NOW + second))
        store.append(Batch(run_id="queued", reporter="queue", first=number, events=(draft,)))
        for later in (0, 50):
            shown = viewer.view(open_run(store, "queued").state, NOW + second + later).eta
            assert shown is not None
            assert shown.remaining == pytest.approx(100 * place - later, rel=0.1)


class Wrong:
    """An estimator of somebody's own."""

    def __init__(self, says: object) -> None:
        self.says = says

    def estimate(self, situation: Situation, history: History) -> Any:
        if self.says is None:
            raise ZeroDivisionError
        return self.says


RIGHT = Estimate(remaining=1.0, low=0.0, high=2.0, basis="rate")
WRONG: list[dict[str, Any]] = [
    {"remaining": float("nan")},
    {"high": float("inf")},
    {"low": -1.0},
    {"basis": "mine"},
    {"explanation": b"no"},
]


@pytest.mark.parametrize("says", [None, 12.0, object(), *(msgspec.structs.replace(RIGHT, **wrong) for wrong in WRONG)])
def test_an_estimator_that_fails_costs_watchers_the_time_alone(
    store: MemoryEventStore, says: object, caplog: pytest.LogCaptureFixture
) -> None:
    viewer = Viewer(Histories(store, lambda: 0.0), Wrong(says))
    job = Job(store, "run")
    shown = [viewer.view(open_run(store, job.run_id).state, NOW + second) for second in (5, 6)]
    assert [(view.elapsed, view.eta) for view in shown] == [(5.0, None), (6.0, None)]
    assert [record.levelname for record in caplog.records] == ["ERROR"], "said once"


class Number(float):
    """As numpy's are, which msgspec does not write."""


def test_what_an_estimator_says_can_be_sent(store: MemoryEventStore) -> None:
    viewer = Viewer(Histories(store, lambda: 0.0), Wrong(msgspec.structs.replace(RIGHT, remaining=Number(1.5))))
    shown = viewer.view(open_run(store, Job(store, "run").run_id).state, NOW + 5)
    assert shown.eta is not None
    assert msgspec.json.decode(msgspec.json.encode(shown))["eta"]["remaining"] == 1.5
