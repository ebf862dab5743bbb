"""The fold: the machine that is fed a run's events and knows its state.

Theory of operation: an event's type picks its handler from a table; the handler passes its data to the part that it
is about (the run, its stages, one of the lists). Every event of a log is taken, whatever its order: what makes no
sense changes nothing but ``seq`` and ``last_event_at``; after the end of the run only ``seq`` still moves. There is
nothing in the machine that its public state does not show, so a machine made anew from a state goes on as the old
one would have. It owns no clock and no history.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headway.errors import InvalidEvent, InvalidInput
from headway.progress.lists import (
    ArtifactList,
    Dropped,
    ErrorList,
    FindingList,
    InputList,
    LogCount,
    ScreenshotList,
    TextList,
)
from headway.progress.plan import FULL, value_of
from headway.progress.run import Run
from headway.progress.stages import Stages
from headway.progress.state import FOLD_VERSION, Short, ShortState, State
from headway.progress.transitions import RUN_ENDED
from headway.protocol import limits
from headway.protocol.codec import data_of
from headway.protocol.events import Data, Error, Event, JsonObject, LogGap, RunCancelled, RunCompleted, RunFailed


class Fold:
    """A run's events folded so far. Not for several threads at once.

    >>> from headway.protocol.events import RunCreated, draft
    >>> fold = Fold("run-1")
    >>> fold.apply_parts(1, "2026-11-20T19:41:03.120Z", "run.created", None, RunCreated(kind="demo"))
    >>> fold.state().kind, fold.seq
    ('demo', 1)

    Attributes:
        run_id: The run's id.
        seq: The number of the last event applied; 0 before the first.
    """

    __slots__ = (
        "_artifacts",
        "_dropped",
        "_ended",
        "_errors",
        "_findings",
        "_highlights",
        "_inputs",
        "_last_event_at",
        "_log",
        "_notes",
        "_run",
        "_screenshots",
        "_stages",
        "run_id",
        "seq",
    )

    def __init__(self, run_id: str) -> None:
        self._load(State(run_id=run_id))

    @classmethod
    def restore(cls, state: State) -> Fold:
        """A fold that goes on where the one that made the state was.

        Raises:
            InvalidInput: The state was folded by another version's rules.
        """
        if state.fold != FOLD_VERSION:
            raise InvalidInput(
                f"the state was folded by version {state.fold} of the rules, this is version {FOLD_VERSION}: "
                "fold the run's events from the beginning instead"
            )
        fold = cls.__new__(cls)
        fold._load(state)
        return fold

    def _load(self, state: State) -> None:
        self.run_id = state.run_id
        self.seq = state.seq
        self._last_event_at = state.last_event_at
        self._ended = state.status in RUN_ENDED
        self._dropped = Dropped(state.dropped)
        self._run = Run(state, self._dropped)
        self._stages = Stages(self._dropped)
        self._stages.restore(state.stages, state.stage)
        self._stages.run.place(value_of(state.progress))
        self._findings = FindingList(state.findings)
        self._highlights = TextList(state.highlights, limits.HIGHLIGHTS_KEPT)
        self._notes = TextList(state.notes, limits.NOTES_KEPT)
        self._errors = ErrorList(state.errors)
        self._screenshots = ScreenshotList(state.screenshots)
        self._artifacts = ArtifactList(state.artifacts)
        self._inputs = InputList(state.inputs)
        self._log = LogCount(state.log)

    def apply(self, event: Event) -> None:
        """Take the next event of the log; types that are not known only move ``seq`` and ``last_event_at``.

        Raises:
            InvalidEvent: It is not the next one, or its data do not fit its type; nothing was changed.
        """
        self.apply_parts(event.seq, event.at, event.type, event.stage, data_of(event))

    def apply_parts(self, seq: int, at: str, type_: str, stage: str | None, data: Data | JsonObject | None) -> None:
        """The same for an event whose data are already of its type's class (anything for types not known).

        Raises:
            InvalidEvent: It is not the next one; nothing was changed.
        """
        if seq != self.seq + 1:
            raise InvalidEvent(
                f"event {seq} cannot follow event {self.seq} of run {self.run_id!r}: apply each in order"
            )
        self.seq = seq
        if self._ended:
            return
        self._last_event_at = at
        of_stage = _OF_STAGE.get(type_)
        if of_stage is None:
            handler = _HANDLERS.get(type_)
            if handler is not None:
                handler(self, at, stage, data)
        elif stage:
            of_stage(self._stages, stage, data, at)

    def short(self) -> Short:
        """Status, progress, stage and message, at a price that does not grow with the run."""
        newest = self._stages.newest
        return Short(
            status=self._run.status,
            progress=self._stages.run.value / FULL,
            stage=None if newest is None else newest.path,
            message=None if newest is None else newest.message,
        )

    def short_state(self) -> ShortState:
        """The run as lists show it, without a view, at a price that does not grow with the run."""
        run = self._run
        newest = self._stages.newest
        return ShortState(
            run_id=self.run_id,
            kind=run.kind,
            variant=run.variant,
            title=run.title,
            status=run.status,
            attempt=run.attempt,
            progress=self._stages.run.value / FULL,
            stage=None if newest is None else newest.path,
            message=None if newest is None else newest.message,
            created_at=run.created_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            last_event_at=self._last_event_at,
            cancel_requested=run.cancel_requested,
            error=run.error,
            queue=run.queue,
        )

    def state(self) -> State:
        """The whole state as it is now: frozen, and not changed by what is applied later."""
        run = self._run
        newest = self._stages.newest
        return State(
            run_id=self.run_id,
            kind=run.kind,
            variant=run.variant,
            title=run.title,
            status=run.status,
            attempt=run.attempt,
            seq=self.seq,
            progress=self._stages.run.value / FULL,
            stage=None if newest is None else newest.path,
            message=None if newest is None else newest.message,
            created_at=run.created_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            last_event_at=self._last_event_at,
            stages=self._stages.snapshot(),
            findings=self._findings.snapshot(),
            highlights=self._highlights.snapshot(),
            screenshots=self._screenshots.snapshot(),
            artifacts=self._artifacts.snapshot(),
            notes=self._notes.snapshot(),
            errors=self._errors.snapshot(),
            log=self._log.snapshot(),
            error=run.error,
            result=run.result,
            cancel_requested=run.cancel_requested,
            inputs=self._inputs.snapshot(),
            dropped=self._dropped.snapshot(),
            retry_of=run.retry_of,
            parent=run.parent,
            meta=run.meta,
            size=run.size,
            duration=run.duration,
            queue=run.queue,
        )

    def _gap(self, data: LogGap) -> None:
        self._dropped.add("lost", data.to - data.from_ + 1)

    def _err(self, data: Error, stage: str | None, at: str) -> None:
        self._errors.add(data, stage, self.seq, at)
        self._run.erred(data)

    def _end(self, type_: str, data: RunCompleted | RunFailed | RunCancelled, at: str) -> None:
        self._run.end(type_, data, at)
        self._stages.finish(self._run.status, at)
        if not isinstance(data, RunCancelled) and data.durations is not None:
            self._stages.fill_durations(data.durations)
        self._ended = True


_OF_STAGE: dict[str, Callable[[Stages, str, Any, str], None]] = {
    "stage.started": Stages.started,
    "stage.progress": Stages.progress,
    "stage.degraded": Stages.degraded,
    "stage.completed": Stages.completed,
    "stage.failed": Stages.failed,
    "stage.skipped": Stages.skipped,
}
"""The events of stages, most of all events; one that names no stage is about nothing."""

_Handler = Callable[[Fold, str, str | None, Any], None]


def _cancel_requested(fold: Fold, _at: str, _stage: str | None, _data: object) -> None:
    fold._run.cancel_requested = True


_HANDLERS: dict[str, _Handler] = {
    "run.created": lambda fold, at, _, data: fold._run.created(data, at),
    "run.planned": lambda fold, _at, _, data: fold._stages.planned(data),
    "run.queued": lambda fold, _at, _, data: fold._run.queued(data),
    "run.started": lambda fold, at, _, data: fold._run.started(data, at),
    "run.updated": lambda fold, _at, _, data: fold._run.updated(data),
    "run.cancel_requested": _cancel_requested,
    "run.lost": lambda fold, _at, _, _data: fold._run.move("run.lost"),
    "run.recovered": lambda fold, _at, _, _data: fold._run.move("run.recovered"),
    "run.completed": lambda fold, at, _, data: fold._end("run.completed", data, at),
    "run.failed": lambda fold, at, _, data: fold._end("run.failed", data, at),
    "run.cancelled": lambda fold, at, _, data: fold._end("run.cancelled", data, at),
    "finding": lambda fold, at, stage, data: fold._findings.add(data, stage, fold.seq, at),
    "highlight": lambda fold, at, stage, data: fold._highlights.add(data, stage, fold.seq, at),
    "screenshot": lambda fold, at, stage, data: fold._screenshots.add(data, stage, fold.seq, at),
    "log": lambda fold, _at, _, data: fold._log.add(data),
    "artifact": lambda fold, at, stage, data: fold._artifacts.add(data, stage, fold.seq, at),
    "error": lambda fold, at, stage, data: fold._err(data, stage, at),
    "input.requested": lambda fold, at, stage, data: fold._inputs.ask(data, stage, fold.seq, at),
    "input.given": lambda fold, at, _, data: fold._inputs.answer(data, at),
    "note": lambda fold, at, stage, data: fold._notes.add(data, stage, fold.seq, at),
    "log.gap": lambda fold, _at, _, data: fold._gap(data),
}
"""The other events."""
