"""One stage of a run: what was last reported of it, as a node of the plan."""

from __future__ import annotations

from headway.progress.plan import FULL, Node, value_of, value_of_part, weight_of
from headway.progress.state import Failure, StageState, StageStatus
from headway.progress.transitions import STAGE_ENDED
from headway.protocol.events import (
    ErrorInfo,
    JsonObject,
    Number,
    PlannedStage,
    Role,
    StageProgress,
    StageStarted,
)


def failure_of(error: ErrorInfo) -> Failure:
    """An event's error as the state shows it."""
    return Failure(code=error.code, message=error.message, recoverable=error.recoverable)


class Stage(Node):
    """One stage with what was last reported of it; the run itself is one too, without a path."""

    __slots__ = (
        "_kept",
        "current",
        "data",
        "duration",
        "ended_at",
        "error",
        "expect",
        "fallback",
        "given_weight",
        "implied",
        "message",
        "path",
        "reason",
        "role",
        "started_at",
        "status",
        "title",
        "total",
        "unit",
    )

    def __init__(self, path: str, parent: Stage | None) -> None:
        super().__init__(parent)
        self.path = path
        self.title: str | None = None
        self.role: Role = "stage"
        self.given_weight: Number | None = None
        self.expect: Number | None = None
        self.status: StageStatus = "pending"
        self.current: Number | None = None
        self.total: Number | None = None
        self.unit: str | None = None
        self.message: str | None = None
        self.data: JsonObject = {}
        self.started_at: str | None = None
        self.ended_at: str | None = None
        self.duration: Number | None = None
        self.reason: str | None = None
        self.fallback: str | None = None
        self.error: Failure | None = None
        self.implied = False
        self._kept: tuple[int, StageState] | None = None

    def changed(self) -> None:
        """Forget the snapshot; a risen value needs no telling."""
        self._kept = None

    def snapshot(self) -> StageState:
        """The stage as it is now; made anew only when something changed."""
        kept = self._kept
        if kept is None or kept[0] != self.value:
            kept = self._kept = (self.value, self._frozen())
        return kept[1]

    def _frozen(self) -> StageState:
        return StageState(
            path=self.path,
            title=self.title,
            role=self.role,
            weight=self.given_weight,
            expect=self.expect,
            status=self.status,
            progress=self.value / FULL,
            current=self.current,
            total=self.total,
            unit=self.unit,
            message=self.message,
            data=self.data,
            started_at=self.started_at,
            ended_at=self.ended_at,
            duration=self.duration,
            reason=self.reason,
            fallback=self.fallback,
            error=self.error,
            implied=self.implied,
        )

    def describe(self, plan: PlannedStage | StageStarted) -> None:
        """Take over what is given; a weight changes the sums above, which are for the caller to settle."""
        if plan.title is not None:
            self.title = plan.title
        if plan.role is not None:
            self.role = plan.role
        if plan.expect is not None:
            self.expect = plan.expect
        if plan.weight is not None:
            self.given_weight = plan.weight
            self.weigh(weight_of(plan.weight))
        self._kept = None

    def report(self, data: StageStarted | StageProgress) -> None:
        """Take over the sub-progress that is given."""
        if data.total is not None:
            self.total = data.total
        if data.unit is not None:
            self.unit = data.unit
        if data.message is not None:
            self.message = data.message
        if data.data is not None:
            self.data = data.data
        self._kept = None

    def end(self, status: StageStatus, at: str) -> None:
        """Close the stage as it is."""
        self.status = status
        self.ended_at = at
        self.closed = True
        self._kept = None

    def reopen(self) -> None:
        """Forget how it ended; its progress stays."""
        self.ended_at = None
        self.duration = None
        self.reason = None
        self.fallback = None
        self.error = None
        self.closed = False
        self._kept = None

    def reported_value(self, data: StageProgress) -> int:
        """The value that an event reports, by ``progress`` or else by ``current`` of ``total``; 0 when by neither."""
        if data.progress is not None:
            return value_of(data.progress)
        if data.current is None and data.total is None:
            return 0
        if self.current is None or self.total is None:
            return 0
        return value_of_part(self.current, self.total)

    @classmethod
    def restored(cls, state: StageState, parent: Stage) -> Stage:
        """The stage that has this snapshot, in its place below the parent."""
        stage = cls(state.path, parent)
        parent.adopt(stage)
        stage.given_weight = state.weight
        if state.weight is not None:
            stage.weigh(weight_of(state.weight))
        stage.place(value_of(state.progress))
        stage.title = state.title
        stage.role = state.role
        stage.expect = state.expect
        stage.status = state.status
        stage.closed = state.status in STAGE_ENDED
        stage.current = state.current
        stage.total = state.total
        stage.unit = state.unit
        stage.message = state.message
        stage.data = state.data
        stage.started_at = state.started_at
        stage.ended_at = state.ended_at
        stage.duration = state.duration
        stage.reason = state.reason
        stage.fallback = state.fallback
        stage.error = state.error
        stage.implied = state.implied
        return stage
