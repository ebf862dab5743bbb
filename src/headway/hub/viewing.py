"""The view of a run for whoever has a clock and the history: how long it has run, and how long it still takes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headway.hub.history import HistorySource, numbers
from headway.progress.remaining import (
    Countdown,
    EndedStage,
    Estimate,
    Estimator,
    PlannedStage,
    QueuePlace,
    RunningStage,
    Situation,
)
from headway.progress.state import InputEntry, StageState, State, View
from headway.progress.transitions import RUN_ENDED
from headway.progress.view import unix_s, view

RUNNING = ("running", "degraded")
USUAL_WEIGHT = 1.0
"""What a stage without a weight counts for in an estimate."""


class Viewer:
    """Makes the views of one run, state after state. Not for several threads at once.

    Args:
        histories: What is remembered of past runs.
        estimator: What makes estimates of it; several viewers may share one.
    """

    def __init__(self, histories: HistorySource, estimator: Estimator) -> None:
        self._histories = histories
        self._estimator = estimator
        self._countdown = Countdown()
        self._changed: dict[str, tuple[float, float]] = {}

    def view(self, state: State, now_unix_s: float) -> View:
        """The view of a state at a time.

        Args:
            state: As last folded.
            now_unix_s: Seconds since 1970, by the clock whose times the events carry.
        """
        if state.status in RUN_ENDED:
            return view(state, now_unix_s, None)
        began = unix_s(state.started_at) or unix_s(state.created_at) or now_unix_s
        # People's time is no work: history has none of it, so what they took for their answers is left out.
        elapsed = max(0.0, now_unix_s - began - _waited(state.inputs, now_unix_s))
        situation = self._situation(state, began, elapsed)
        estimate = self._estimator.estimate(situation, self._histories.of(state.kind, state.variant))
        self._countdown.update(estimate, elapsed)
        return view(state, now_unix_s, self._smoothed(estimate, elapsed))

    def _smoothed(self, estimate: Estimate | None, elapsed: float) -> Estimate | None:
        """The estimate with the time that is shown: it counts down, and is set anew only when that matters."""
        shown = self._countdown.remaining(elapsed)
        if estimate is None or shown is None:
            return None
        low, high = min(estimate.low, shown), max(estimate.high, shown)
        return msgspec.structs.replace(estimate, remaining=shown, low=low, high=high)

    def _situation(self, state: State, began: float, elapsed: float) -> Situation:
        ended = [_ended(stage, began) for stage in state.stages if stage.ended_at is not None and stage.started_at]
        running = [self._running(stage, began, elapsed) for stage in state.stages if stage.status in RUNNING]
        return Situation(
            elapsed=elapsed,
            running=tuple(sorted(running, key=lambda stage: stage.begun)),
            ended=tuple(sorted(ended, key=lambda stage: stage.ended)),
            planned=tuple(_planned(stage) for stage in state.stages if stage.status == "pending"),
            progress=state.progress or None,
            progress_at=self._changed_at("", state.progress, elapsed),
            size=numbers(state.size),
            queue=None if state.queue is None or state.started_at else QueuePlace(state.queue.position),
        )

    def _running(self, stage: StageState, began: float, elapsed: float) -> RunningStage:
        return RunningStage(
            path=stage.path,
            begun=_offset(stage.started_at, began),
            progress=stage.progress or None,
            progress_at=self._changed_at(stage.path, stage.progress, elapsed),
            total=None if stage.total is None else float(stage.total),
            expect=None if stage.expect is None else float(stage.expect),
            weight=_weight(stage),
        )

    def _changed_at(self, path: str, progress: float, elapsed: float) -> float:
        """When this progress was first seen."""
        known = self._changed.get(path)
        if known is None or known[0] != progress:
            known = self._changed[path] = (progress, elapsed)
        return known[1]


def _waited(inputs: Sequence[InputEntry], now_unix_s: float) -> float:
    """Seconds for which at least one question was open, up to now."""
    spans = []
    for entry in inputs:
        asked, given = unix_s(entry.at), unix_s(entry.given_at)
        if asked is not None:
            spans.append((asked, now_unix_s if given is None else given))
    waited, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        waited += max(0.0, end - max(begin, until))
        until = max(until, end)
    return waited


def _ended(stage: StageState, began: float) -> EndedStage:
    begun = _offset(stage.started_at, began)
    return EndedStage(stage.path, begun, max(begun, _offset(stage.ended_at, began)))


def _planned(stage: StageState) -> PlannedStage:
    return PlannedStage(stage.path, None if stage.expect is None else float(stage.expect), _weight(stage))


def _weight(stage: StageState) -> float:
    return USUAL_WEIGHT if stage.weight is None else float(stage.weight)


def _offset(at: str | None, began: float) -> float:
    moment = unix_s(at)
    return 0.0 if moment is None else max(0.0, moment - began)
