"""One stage of a run: what was last reported of it, as a node of the plan."""

from __future__ import annotations

from typing import Self

from headway.progress.plan import FULL, Node, value_of, value_of_part, weight_of
from headway.progress.state import Failure, StageState, StageStatus
from headway.progress.transitions import STAGE_ENDED
from headway.protocol.events import (
    CANCELLED,
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
    """One stage with what was last reported of it; the run itself is one too, without a path.

    What is below it is counted, not looked through: hundreds may be below a stage that ends with each of them.

    Attributes:
        cancelled_children: How many were skipped because of a cancel.
        failed_children: How many have failed, and that was not recoverable.
        pending_below: How many stages below, at any depth, have not begun.
    """

    __slots__ = (
        "_ended_children",
        "_kept",
        "cancelled_children",
        "current",
        "data",
        "duration",
        "ended_at",
        "error",
        "expect",
        "failed_children",
        "fallback",
        "given_weight",
        "implied",
        "message",
        "path",
        "pending_below",
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
        self._ended_children = 0
        self.failed_children = 0
        self.cancelled_children = 0
        self.pending_below = 0

    def adopt(self, child: Self) -> None:
        """Take in a new child as it is, which has no weight and no value yet; this raises nothing."""
        super().adopt(child)
        if child.closed:
            self._count_ended(child, 1)
        elif child.status == "pending":
            child._count_pending(1)

    @property
    def children_ended(self) -> bool:
        """Whether all of them have."""
        return self._ended_children == len(self.children)

    def _above(self) -> Stage:
        assert self.parent is not None, "a run is none of its stages"
        return self.parent

    def _count_ended(self, child: Stage, n: int) -> None:
        self._ended_children += n
        if child.status == "failed" and (child.error is None or child.error.recoverable is not True):
            self.failed_children += n
        elif child.status == "skipped" and child.reason == CANCELLED:
            self.cancelled_children += n

    def _count_pending(self, n: int) -> None:
        above = self.parent
        while above is not None:
            above.pending_below += n
            above = above.parent

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

    def begin(self, status: StageStatus, at: str) -> None:
        """It is at work: since now if it was not before."""
        if self.status == "pending":
            self.started_at = at
        self._turn(status)

    def end(self, status: StageStatus, at: str) -> None:
        """Close the stage as it is."""
        self._turn(status)
        self.ended_at = at
        self.closed = True
        self._above()._count_ended(self, 1)

    def _turn(self, status: StageStatus) -> None:
        if self.status == "pending":
            self._count_pending(-1)
        self.status = status
        self._kept = None

    def reopen(self) -> None:
        """Forget how it ended, to begin again; its progress stays."""
        self._above()._count_ended(self, -1)
        self.ended_at = None
        self.duration = None
        self.reason = None
        self.fallback = None
        self.error = None
        self.closed = False

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
        stage.status = state.status
        stage.closed = state.status in STAGE_ENDED
        stage.reason = state.reason
        stage.error = state.error
        parent.adopt(stage)
        stage.given_weight = state.weight
        if state.weight is not None:
            stage.weigh(weight_of(state.weight))
        stage.place(value_of(state.progress))
        stage.title = state.title
        stage.role = state.role
        stage.expect = state.expect
        stage.current = state.current
        stage.total = state.total
        stage.unit = state.unit
        stage.message = state.message
        stage.data = state.data
        stage.started_at = state.started_at
        stage.ended_at = state.ended_at
        stage.duration = state.duration
        stage.fallback = state.fallback
        stage.implied = state.implied
        return stage
