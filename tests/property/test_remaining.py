"""What holds of an estimate whatever comes in."""

from __future__ import annotations

import math
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headway.progress.remaining import (
    Countdown,
    EndedStage,
    Estimate,
    History,
    PastRun,
    PlannedStage,
    RunningStage,
    Situation,
    StageSpan,
    estimator,
)

NAMES = ("load", "epoch-1", "epoch-2", "epoch-3", "epoch-4", "epoch-5", "save")
seconds = st.one_of(st.just(0.0), st.floats(1e-3, 1e6))
names = st.sampled_from(NAMES)
numbers = st.one_of(st.floats(-10, 1e12), st.floats(-1e300, 1e300), st.integers(0, 8).map(float))
sizes = st.dictionaries(st.sampled_from(["bytes", "steps", "epochs"]), numbers, max_size=3)
moments = st.one_of(seconds, st.sampled_from([-1e9, -1.0, 1e300, 1.7e308]))
kinds_of_estimator = st.sampled_from(["learned", "ema", "mean", "median"])


@st.composite
def spans(draw: st.DrawFn) -> tuple[StageSpan, ...]:
    drawn = draw(st.lists(st.tuples(names, seconds, seconds), max_size=8))
    return tuple(StageSpan(path, start, start + length) for path, start, length in drawn)


@st.composite
def histories(draw: st.DrawFn) -> History:
    durations = draw(st.lists(seconds, max_size=12))
    runs = [
        PastRun(duration=duration, started=i, ended=i + duration, size=draw(sizes), stages=draw(spans()))
        for i, duration in enumerate(durations)
    ]
    return History(kind="any", runs=tuple(runs), spread=draw(st.none() | st.floats(0.0, 3.0)))


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    elapsed = draw(seconds)
    ended = tuple(
        EndedStage(span.path, min(span.start, elapsed), min(span.end, elapsed))
        for span in sorted(draw(spans()), key=lambda span: span.end)
    )
    running = tuple(
        RunningStage(
            path,
            begun=elapsed * draw(st.floats(0, 1)),
            progress=draw(st.none() | st.floats(0, 1)),
            progress_at=elapsed,
            total=draw(st.none() | st.integers(1, 1000)),
            expect=draw(st.none() | seconds),
        )
        for path in draw(st.lists(names, max_size=4))
    )
    planned = tuple(PlannedStage(path, draw(st.none() | seconds)) for path in draw(st.lists(names, max_size=3)))
    return Situation(
        elapsed=elapsed,
        running=running,
        ended=ended,
        planned=planned,
        progress=draw(st.none() | st.floats(0, 1)),
        progress_at=elapsed,
        size=draw(sizes),
    )


@given(situations(), histories(), kinds_of_estimator)
def test_an_estimate_is_finite_positive_and_inside_its_interval(
    situation: Situation, history: History, name: str
) -> None:
    estimate = estimator(name).estimate(situation, history)
    if history.runs:
        assert estimate is not None
    if estimate is not None:
        assert 0 <= estimate.low <= estimate.remaining <= estimate.high < math.inf
        assert estimate.remaining > 0


@st.composite
def wild_spans(draw: st.DrawFn) -> tuple[StageSpan, ...]:
    """Stages as a broken clock tells them."""
    return tuple(StageSpan(*drawn) for drawn in draw(st.lists(st.tuples(names, moments, moments), max_size=8)))


@given(st.data(), situations(), st.lists(st.tuples(moments, sizes, wild_spans()), min_size=1, max_size=10))
def test_nonsense_gives_an_estimate_all_the_same(
    data: st.DataObject, situation: Situation, drawn: list[tuple[float, dict[str, float], tuple[StageSpan, ...]]]
) -> None:
    runs = tuple(PastRun(duration=duration, size=size, stages=stages) for duration, size, stages in drawn)
    ended = tuple(EndedStage(span.path, span.start, span.end) for span in data.draw(wild_spans()))
    running = tuple(RunningStage(span.path, span.start) for span in data.draw(wild_spans()))
    wild = msgspec.structs.replace(situation, ended=ended, running=running)
    estimate = estimator(data.draw(kinds_of_estimator)).estimate(wild, History(kind="wild", runs=runs))
    assert estimate is not None
    assert 0 <= estimate.low <= estimate.remaining <= estimate.high < math.inf


@given(situations(), histories(), kinds_of_estimator, st.lists(st.floats(0, 1e6), min_size=1, max_size=6))
def test_time_passing_without_progress_never_lowers_the_expected_total(
    situation: Situation, history: History, name: str, waits: list[float]
) -> None:
    chosen, totals = estimator(name), []
    for wait in sorted(waits):
        later = msgspec.structs.replace(situation, elapsed=situation.elapsed + wait)
        estimate = chosen.estimate(later, history)
        if estimate is not None:
            totals.append(later.elapsed + estimate.remaining)
    assert all(after >= before * (1 - 1e-9) - 2e-3 for before, after in pairwise(totals))


@st.composite
def steady_histories(draw: st.DrawFn) -> History:
    """Runs that all go the same way, at their own pace."""
    runs = []
    for paces in draw(st.lists(st.tuples(*[st.floats(0.2, 5.0)] * len(NAMES)), max_size=12)):
        spans, now = [], 0.0
        for path, pace in zip(NAMES, paces, strict=True):
            spans.append(StageSpan(path, now, now + 60 * pace))
            now += 60 * pace
        runs.append(PastRun(duration=now, stages=tuple(spans)))
    return History(kind="steady", runs=tuple(runs))


@given(situations(), steady_histories(), kinds_of_estimator, st.floats(1e-3, 1), st.floats(1e-3, 1))
def test_more_progress_at_the_same_time_never_raises_it_beyond_the_interval(
    situation: Situation, history: History, name: str, one: float, other: float
) -> None:
    stage = RunningStage("load", situation.elapsed / 2, progress_at=situation.elapsed, total=100)
    chosen, estimates = estimator(name), []
    for progress in sorted((one, other)):
        running = (msgspec.structs.replace(stage, progress=progress),)
        changed = msgspec.structs.replace(situation, running=running, ended=(), progress=progress)
        estimates.append(chosen.estimate(changed, history))
    less, more = estimates
    if less is not None and more is not None:
        assert more.remaining <= less.high * (1 + 1e-9) + 2e-3


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(1e-3, 1e5), st.floats(1, 10)), min_size=1, max_size=40),
)
def test_a_countdown_shows_a_time_above_zero(
    updates: list[tuple[float, float, float]],
) -> None:
    countdown, now = Countdown(), 0.0
    for wait, remaining, factor in updates:
        now += wait
        countdown.update(
            Estimate(remaining=remaining, low=remaining / factor, high=remaining * factor, basis="rate"), now
        )
        shown = countdown.remaining(now)
        assert shown is not None
        assert 0 < shown < math.inf
