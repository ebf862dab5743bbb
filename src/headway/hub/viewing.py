"""The view of a run for whoever has a clock and the history: how long it has run, and how long it still takes."""

from __future__ import annotations

import logging
from math import inf

import msgspec

from headway.hub.history import HistorySource, numbers
from headway.hub.work import Work
from headway.progress.remaining import (
    Countdown,
    EndedStage,
    Estimate,
    Estimator,
    History,
    PlannedStage,
    QueuePlace,
    RunningStage,
    Situation,
)
from headway.progress.state import StageState, State, View
from headway.progress.transitions import RUN_ENDED
from headway.progress.view import unix_s, view

_log = logging.getLogger("headway.hub")

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
        self._place: int | None = None
        self._placed_unix_s = 0.0
        self._changed: dict[str, tuple[float, float]] = {}
        self._failed = False

    def view(self, state: State, now_unix_s: float) -> View:
        """The view of a state at a time.

        Args:
            state: As last folded.
            now_unix_s: Seconds since 1970, by the clock whose times the events carry.
        """
        if state.status in RUN_ENDED:
            return view(state, now_unix_s, None)
        work = Work(unix_s(state.started_at), state.inputs)
        waited = self._in_place(state, now_unix_s)
        elapsed = work.until(now_unix_s) if waited is None else waited
        situation = self._situation(state, work, elapsed)
        estimate = self._estimate(situation, self._histories.of(state.kind, state.variant))
        self._countdown.update(estimate, elapsed)
        return view(state, now_unix_s, self._smoothed(estimate, elapsed))

    def _estimate(self, situation: Situation, history: History) -> Estimate | None:
        try:
            return _checked(self._estimator.estimate(situation, history))
        except Exception:  # it may be somebody's own: watchers do without the time, and not without the rest
            if not self._failed:
                _log.exception("the estimator failed: no remaining time is shown")
            self._failed = True
            return None

    def _smoothed(self, estimate: Estimate | None, elapsed: float) -> Estimate | None:
        """The estimate with the time that is shown: it counts down, and is set anew only when that matters."""
        shown = self._countdown.remaining(elapsed)
        if estimate is None or shown is None:
            return None
        low, high = min(estimate.low, shown), max(estimate.high, shown)
        return msgspec.structs.replace(estimate, remaining=shown, low=low, high=high)

    def _in_place(self, state: State, now_unix_s: float) -> float | None:
        """Seconds since the run's place in the queue was first seen; None if it is in none."""
        place = None if state.queue is None or state.started_at else state.queue.position
        if place != self._place:
            # Another place, or the start, is another end to count down to: it is not the old one that has moved.
            self._place, self._countdown = place, Countdown()
            self._placed_unix_s = min(unix_s(state.last_event_at) or now_unix_s, now_unix_s)
        return None if place is None else now_unix_s - self._placed_unix_s

    def _situation(self, state: State, work: Work, elapsed: float) -> Situation:
        ended = [_ended(stage, work) for stage in state.stages if stage.ended_at is not None and stage.started_at]
        running = [self._running(stage, work, elapsed) for stage in state.stages if stage.status in RUNNING]
        return Situation(
            elapsed=elapsed,
            running=tuple(sorted(running, key=lambda stage: stage.begun)),
            ended=tuple(sorted(ended, key=lambda stage: stage.ended)),
            planned=tuple(_planned(stage) for stage in state.stages if stage.status == "pending"),
            progress=state.progress or None,
            progress_at=self._changed_at("", state.progress, elapsed),
            size=numbers(state.size),
            queue=None if self._place is None else QueuePlace(self._place),
        )

    def _running(self, stage: StageState, work: Work, elapsed: float) -> RunningStage:
        return RunningStage(
            path=stage.path,
            begun=work.until(unix_s(stage.started_at)),
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


def _checked(said: object) -> Estimate | None:
    """What an estimator says, as a copy of which all can be counted with and sent. Raises something if it is wrong."""
    if said is None:
        return None
    if not isinstance(said, Estimate):
        raise TypeError(f"it must say an Estimate, or None, and said {said!r:.200}")
    times = {name: float(getattr(said, name)) for name in ("remaining", "low", "high")}  # numpy's are of other types
    if not all(0.0 <= time < inf for time in times.values()):
        raise ValueError(f"there is no such time: {said!r:.200}")
    return msgspec.convert(msgspec.structs.asdict(said) | times, Estimate)


def _ended(stage: StageState, work: Work) -> EndedStage:
    begun = work.until(unix_s(stage.started_at))
    return EndedStage(stage.path, begun, max(begun, work.until(unix_s(stage.ended_at))))


def _planned(stage: StageState) -> PlannedStage:
    return PlannedStage(stage.path, None if stage.expect is None else float(stage.expect), _weight(stage))


def _weight(stage: StageState) -> float:
    return USUAL_WEIGHT if stage.weight is None else float(stage.weight)
