"""What is known of a run as a whole, and what the ``run.*`` events do to it, its stages apart."""

from __future__ import annotations

from itertools import islice

from headway.progress.lists import Dropped
from headway.progress.stage import failure_of
from headway.progress.state import Failure, Queue, State
from headway.progress.transitions import RUN
from headway.protocol.events import (
    Error,
    Json,
    JsonObject,
    Number,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunQueued,
    RunStarted,
    RunStatus,
    RunUpdated,
    Size,
)

META_KEYS_KEPT = 1_000
"""Members of ``meta``: they come with every state, and nothing else bounds them."""


class Run:
    """The run's own members of a state, under the same names."""

    __slots__ = (
        "_dropped",
        "attempt",
        "cancel_requested",
        "created_at",
        "duration",
        "ended_at",
        "error",
        "kind",
        "meta",
        "parent",
        "queue",
        "result",
        "retry_of",
        "size",
        "started_at",
        "status",
        "title",
        "variant",
    )

    def __init__(self, state: State, dropped: Dropped) -> None:
        self._dropped = dropped
        self.kind: str = state.kind
        self.variant: str | None = state.variant
        self.title: str | None = state.title
        self.status: RunStatus = state.status
        self.attempt: int = state.attempt
        self.created_at: str | None = state.created_at
        self.started_at: str | None = state.started_at
        self.ended_at: str | None = state.ended_at
        self.error: Failure | None = state.error
        self.result: Json = state.result
        self.cancel_requested: bool = state.cancel_requested
        self.retry_of: str | None = state.retry_of
        self.parent: str | None = state.parent
        self.meta: JsonObject = state.meta
        self.size: Size | None = state.size
        self.duration: Number | None = state.duration
        self.queue: Queue | None = state.queue

    def created(self, data: RunCreated, at: str) -> None:
        """``run.created``: only the first one counts."""
        if self.created_at is not None:
            return
        self.created_at = at
        self.kind = data.kind
        self.variant = data.variant
        self.title = data.title
        self.size = data.size
        self.parent = data.parent
        self.retry_of = data.retry_of
        if data.meta is not None:
            self._merge(data.meta)

    def updated(self, data: RunUpdated) -> None:
        """``run.updated``: what is given replaces what was; ``meta`` member by member."""
        if data.title is not None:
            self.title = data.title
        if data.variant is not None:
            self.variant = data.variant
        if data.size is not None:
            self.size = data.size
        if data.meta is not None:
            self._merge(data.meta)

    def _merge(self, meta: JsonObject) -> None:
        merged = {**self.meta, **meta}
        self.meta = dict(islice(merged.items(), META_KEYS_KEPT))
        self._dropped.add("meta", len(merged) - META_KEYS_KEPT)

    def queued(self, data: RunQueued) -> None:
        """``run.queued``: only a pending run waits."""
        if self.status == "pending":
            self.queue = Queue(position=data.position, of=data.of)

    def started(self, data: RunStarted, at: str) -> None:
        """``run.started``: by the first owner, or by one that takes over."""
        self.move("run.started")
        self.attempt = max(self.attempt, data.attempt)
        self.queue = None
        if self.started_at is None:
            self.started_at = at

    def move(self, type_: str) -> None:
        """Go where the table says; stay where it says nothing."""
        self.status = RUN[type_].get(self.status, self.status)

    def erred(self, data: Error) -> None:
        """``error``: shown when it is said not to be recoverable."""
        if data.recoverable is False:
            self.error = Failure(code=data.shown_code, message=data.message, recoverable=False)

    def end(self, type_: str, data: RunCompleted | RunFailed | RunCancelled, at: str) -> None:
        """A terminal event: its result or error, and when."""
        self.move(type_)
        self.ended_at = at
        self.duration = data.duration
        self.queue = None
        if isinstance(data, RunCompleted):
            self.result = data.result
            self.error = None
        elif isinstance(data, RunFailed):
            self.error = failure_of(data.error)
