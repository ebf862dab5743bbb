"""The stages of a run, and what the ``stage.*`` events and the run's end do to them.

Every public method is one event (or the end of the run) and takes it by the tables in ``transitions``: what they do
not list changes nothing. When a method returns, the value of every open node is what its children come to, or what
it was before if that is higher. A stage that nobody opened but those below it goes on as long as one of them does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headway.progress.lists import Dropped
from headway.progress.plan import FULL
from headway.progress.stage import Stage, failure_of
from headway.progress.state import StageState, StageStatus
from headway.progress.transitions import AT_RUN_END, BELOW_ENDED, STAGE, STAGE_ENDED
from headway.progress.view import unix_s
from headway.protocol import limits
from headway.protocol.events import (
    CANCELLED,
    Number,
    RunPlanned,
    RunStatus,
    StageCompleted,
    StageDegraded,
    StageFailed,
    StageProgress,
    StageSkipped,
    StageStarted,
)

_Row = dict[StageStatus, StageStatus]
_STARTED = STAGE["stage.started"]
_PROGRESS = STAGE["stage.progress"]
_DEGRADED = STAGE["stage.degraded"]
_COMPLETED = STAGE["stage.completed"]
_FAILED = STAGE["stage.failed"]
_SKIPPED = STAGE["stage.skipped"]


class Stages:
    """All stages of a run, in the order in which they became known; parents stand before their children.

    Attributes:
        run: The node above all; its value is the run's progress.
        newest: The stage that last started or reported while it was open.
    """

    __slots__ = ("_by_path", "_dropped", "newest", "run")

    def __init__(self, dropped: Dropped) -> None:
        self._dropped = dropped
        self.run = Stage("", None)
        self.newest: Stage | None = None
        self._by_path: dict[str, Stage] = {}

    def snapshot(self) -> tuple[StageState, ...]:
        """All stages as they are now."""
        return tuple([stage.snapshot() for stage in self._by_path.values()])

    def restore(self, stages: Iterable[StageState], newest: str | None) -> None:
        """Take in the stages of a snapshot; only for a new object."""
        for state in stages:
            parent = self._by_path.get(_above(state.path), self.run)
            self._by_path[state.path] = Stage.restored(state, parent)
        self.newest = None if newest is None else self._by_path.get(newest)

    def planned(self, data: RunPlanned) -> None:
        """``run.planned``: the values are settled when the whole plan is in."""
        named = [(self._find(plan.path), plan) for plan in data.stages]
        for stage, plan in named:
            if stage is not None:
                stage.describe(plan)
        for parent in dict.fromkeys([stage.parent for stage, _ in named if stage is not None]):
            if parent is not None:
                parent.settle()

    def started(self, path: str, data: StageStarted, at: str) -> None:
        """``stage.started``."""
        stage = self._taking(path, _STARTED)
        if stage is None:
            return
        if stage.closed:
            stage.reopen()
        stage.describe(data)
        stage.report(data)
        self._begin(stage, _STARTED[stage.status], at)
        stage.started_at = at
        self.newest = stage
        stage.settle()
        if stage.parent is not None:
            stage.parent.settle()

    def progress(self, path: str, data: StageProgress, at: str) -> None:
        """``stage.progress``: a parent with children ignores its own number."""
        stage = self._taking(path, _PROGRESS)
        if stage is None:
            return
        status = _PROGRESS[stage.status]
        if status != stage.status:
            self._begin(stage, status, at)
        if data.current is not None:
            stage.current = data.current
        stage.report(data)
        self.newest = stage
        if not stage.children:
            stage.raise_to(stage.reported_value(data))

    def degraded(self, path: str, data: StageDegraded, at: str) -> None:
        """``stage.degraded``."""
        stage = self._taking(path, _DEGRADED)
        if stage is None:
            return
        self._begin(stage, _DEGRADED[stage.status], at)
        stage.reason = data.reason
        stage.fallback = data.fallback
        self.newest = stage

    def completed(self, path: str, data: StageCompleted, at: str) -> None:
        """``stage.completed``: counts 1; the summary is the stage's last message."""
        stage = self._taking(path, _COMPLETED)
        if stage is None:
            return
        if data.summary is not None:
            stage.message = data.summary
        if data.data is not None:
            stage.data = data.data
        stage.duration = data.duration
        status = _COMPLETED[stage.status]
        _begin_above(stage, at)
        _end(stage, status, at, done=True)
        _end_above(stage, at)

    def failed(self, path: str, data: StageFailed, at: str) -> None:
        """``stage.failed``: keeps its value."""
        stage = self._taking(path, _FAILED)
        if stage is None:
            return
        stage.error = failure_of(data.error)
        stage.duration = data.duration
        status = _FAILED[stage.status]
        _begin_above(stage, at)
        _end(stage, status, at, done=False)
        _end_above(stage, at)

    def skipped(self, path: str, data: StageSkipped, at: str) -> None:
        """``stage.skipped``: counts 1, unless because of a cancel."""
        stage = self._taking(path, _SKIPPED)
        if stage is None:
            return
        if data.reason is not None:
            stage.reason = data.reason
        _end(stage, _SKIPPED[stage.status], at, done=data.reason != CANCELLED, reason=data.reason)
        _end_above(stage, at)

    def finish(self, ending: RunStatus, at: str) -> None:
        """The run has ended in this way: nothing stays open, and only completing it changes a value."""
        endings = AT_RUN_END[ending]
        for stage in self._by_path.values():
            status = endings.get(stage.status)
            if status is None:
                continue
            if ending == "completed":
                stage.raise_to(FULL)
            elif ending == "cancelled":
                stage.reason = CANCELLED
            stage.end(status, at)
        if ending == "completed":
            self.run.raise_to(FULL)

    def fill_durations(self, durations: dict[str, Number]) -> None:
        """The run's own account of how long its stages took, for those that said nothing themselves."""
        for path, duration in durations.items():
            stage = self._by_path.get(path)
            if stage is not None and stage.duration is None:
                stage.duration = duration
                stage.changed()

    def _taking(self, path: str, row: _Row) -> Stage | None:
        """The stage, if it takes the event of this row of the table: then it speaks for itself from now on."""
        stage = self._by_path.get(path)
        if stage is None:
            stage = self._add(path)
        if stage is None or stage.status not in row:
            return None
        stage.implied = False
        return stage

    def _find(self, path: str) -> Stage | None:
        stage = self._by_path.get(path)
        return self._add(path) if stage is None else stage

    def _add(self, path: str) -> Stage | None:
        """A new stage with the parents that it lacks; None when there is no room for all of them."""
        missing = [path]
        above = _above(path)
        while above and above not in self._by_path:
            missing.append(above)
            above = _above(above)
        if len(self._by_path) + len(missing) > limits.STAGES_PER_RUN:
            self._dropped.add("stages")
            return None
        stage = self._by_path.get(above, self.run)
        for name in reversed(missing):
            parent, stage = stage, Stage(name, stage)
            parent.adopt(stage)
            self._by_path[name] = stage
        return stage

    def _begin(self, stage: Stage, status: StageStatus, at: str) -> None:
        stage.begin(status, at)
        _begin_above(stage, at)


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def _those_above(stage: Stage) -> Iterator[Stage]:
    """The stage's parent, that one's parent and so on; the run is no stage."""
    above = stage.parent
    while above is not None and above.parent is not None:
        yield above
        above = above.parent


def _begin_above(stage: Stage, at: str) -> None:
    """What is above a stage that has begun has begun too, and goes on if it ended with those below it."""
    for above in _those_above(stage):
        if above.status == "pending":
            above.begin("running", at)
            above.implied = True
        elif above.closed and above.implied:
            above.reopen()
            above.begin("running", at)
            above.settle()


def _end_above(stage: Stage, at: str) -> None:
    """What nobody opened but those below it has ended when all of them have."""
    for above in _those_above(stage):
        if above.implied and not above.closed and above.children_ended:
            above.duration = _seconds(above.started_at, at)
            if above.failed_children > 0:
                _end(above, "failed", at, done=False)
            elif above.cancelled_children > 0:
                above.reason = CANCELLED
                _end(above, "skipped", at, done=False, reason=CANCELLED)
            else:
                _end(above, "completed", at, done=True)


def _seconds(start: str | None, end: str) -> float | None:
    """From start to end, in whole milliseconds as the times have them; 0 if the clock went back."""
    started, ended = unix_s(start), unix_s(end)
    return None if started is None or ended is None else max(0, round((ended - started) * 1000)) / 1000


def _end(stage: Stage, status: StageStatus, at: str, *, done: bool, reason: str | None = None) -> None:
    """End the stage, and with it what is below and has not begun: it will not."""
    if done:
        stage.raise_to(FULL)
    stage.end(status, at)
    for below in _not_begun(stage):
        if done:
            below.raise_to(FULL)
        below.reason = reason
        below.end(BELOW_ENDED["pending"], at)


def _not_begun(stage: Stage) -> Iterator[Stage]:
    unseen = list(stage.children) if stage.pending_below > 0 else []
    for below in unseen:
        if below.status in BELOW_ENDED:
            yield below
        elif below.status not in STAGE_ENDED:
            continue  # it goes on, and what is below it may still begin
        unseen.extend(below.children)
