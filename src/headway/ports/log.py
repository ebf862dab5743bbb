"""What goes into a log and what comes out of it: the values that stores, reporters and followers exchange."""

from __future__ import annotations

from typing import Protocol, Self

import msgspec

from headway.protocol.cursor import Cursor
from headway.protocol.events import Draft, JsonObject, PlannedStage, Priority, ReporterInfo, Size
from headway.protocol.frames import Level
from headway.protocol.ready import ready


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run to be created; ``plan`` becomes its first ``run.planned``.

    ``remote`` says that it comes through a server, so that whoever is to begin it may, too. See ``grant_grace``.
    """

    run_id: str
    kind: str
    at: str
    variant: str | None = None
    title: str | None = None
    plan: tuple[PlannedStage, ...] = ()
    size: Size | None = None
    meta: JsonObject | None = None
    parent: str | None = None
    retry_of: str | None = None
    remote: bool = False


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a creation; ``existed`` when the same run had been created before."""

    epoch: str
    cursor: Cursor
    attempt: int
    existed: bool


MILLIONTHS = 1_000_000
"""A header's progress is a whole number of them."""


class Shown(Protocol):
    """A state, whole or short."""

    @property
    def progress(self) -> float:
        """From 0 to 1."""

    @property
    def stage(self) -> str | None:
        """The stage that last reported."""

    @property
    def message(self) -> str | None:
        """What it said."""


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """What a list shows of a run beside its header, as its owner folded it: ``progress`` in millionths."""

    progress: int
    stage: str | None = None
    message: str | None = None

    @classmethod
    def of(cls, state: Shown) -> Self:
        """What it shows of this state."""
        return cls(progress=round(state.progress * MILLIONTHS), stage=state.stage, message=state.message)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one reporter for one run.

    Attributes:
        run_id: The run.
        reporter: The id under which the reporter numbers its own events.
        first: The reporter's number of the first event here, from 1.
        events: At most 1,000.
        attempt: The attempt in which the reporter works; an older one is fenced. None for whoever is not bound
            to an owner, as a watcher that asks for a cancel.
        epoch: The log that is meant; None for whichever it is.
        lost: The reporter's own numbers (first, last) of events before these that are gone for good.
        digest: What lists should show from now on, if the reporter owns the run; also with no events, and after
            the end.
        as_of: Where the log ended when the digest was made, from whoever is not the owner and may be overtaken: it is
            not shown once the log has gone on. None from the owner.
    """

    run_id: str
    reporter: str
    first: int
    events: tuple[Draft, ...]
    attempt: int | None = None
    epoch: str | None = None
    lost: tuple[int, int] | None = None
    digest: Digest | None = None
    as_of: Cursor | None = None


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an append: everything in it is durable.

    Attributes:
        cursor: After the last event of the log as it was when the append was done.
        first_seq: The number of the first event that was stored now; None when all were known already.
        accepted: How many events were stored now.
        next: The reporter's next number.
        cancel_requested: Somebody asked for the run's cancellation.
    """

    cursor: Cursor
    first_seq: int | None
    accepted: int
    next: int
    cancel_requested: bool


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """A run's row in its store: what is known of it without reading its log.

    ``error`` and ``queue`` are JSON. ``progress`` is in millionths and, like ``stage`` and ``message``, what the
    owner said last; ``oldest`` is the first event still kept.
    """

    run_id: str
    epoch: str
    cursor: Cursor
    kind: str
    status: str
    attempt: int
    created_at: str
    last_event_at: str
    oldest: int = 1
    variant: str | None = None
    title: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    owner: str | None = None
    progress: int = 0
    stage: str | None = None
    message: str | None = None
    cancel_requested: bool = False
    error: msgspec.Raw | None = None
    queue: msgspec.Raw | None = None
    parent: str | None = None
    retry_of: str | None = None
    size_bytes: int = 0

    @property
    def ended(self) -> bool:
        """Whether the terminal event is in the log."""
        return self.status in ("completed", "failed", "cancelled")


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator says to all watchers of all runs, whatever server they are connected to."""

    text: str
    level: Level = "info"


class Record(msgspec.Struct, frozen=True):
    """One event as a store hands it out; or, to followers, an announcement.

    Attributes:
        run_id: The run; useful to who follows all of them. Empty for a ``Notice``, which is then the body.
        seq: Its number in the run; 0 for an announcement: that the run was deleted, or a notice.
        nonce: Of the append that wrote it.
        type: The event's type.
        priority: The event's priority.
        body: The whole event, in the JSON bytes that are sent.
    """

    run_id: str
    seq: int
    nonce: int
    type: str
    priority: Priority
    body: bytes


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a log. ``cursor`` is behind the last event that was looked at, also when a filter left it out.

    ``complete`` says that the log had nothing more; ``ended`` that it never will.
    """

    records: tuple[Record, ...]
    cursor: Cursor
    complete: bool
    ended: bool


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A stored state: the fold up to ``cursor`` by version ``fold`` of its rules, in the JSON bytes that are sent.

    ``log_cut`` is the store's to say when it gives the state: the oldest text of the run's log was cut, maybe after the
    state was stored; ``progress.stored`` makes of both what the events give now.
    """

    fold: int
    cursor: Cursor
    body: bytes
    log_cut: bool = False


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A sign of life that has run out after ``ttl_s`` seconds.

    Attributes:
        run_id: The run.
        reporter: Who is alive.
        ttl_s: For how long this says so.
        owner: It is the one whose lease decides ``lost``.
        attempt: The attempt in which the reporter works.
        remote: It comes through a server, so while there is none it cannot be renewed. See ``grant_grace``.
    """

    run_id: str
    reporter: ReporterInfo
    ttl_s: float
    owner: bool
    attempt: int | None = None
    remote: bool = False


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which ``log`` events to read.

    Attributes:
        tail: The newest that hold at least so many lines; None for those after ``after_seq``.
        stage: Only this stage's; ``""`` is the run itself.
        stream: Only this stream's.
        after_seq: Only those past this event.
        limit: How many events at most, when there is no ``tail``.
    """

    tail: int | None = None
    stage: str | None = None
    stream: str | None = None
    after_seq: int = 0
    limit: int = 500


class LogSlice(msgspec.Struct, frozen=True, kw_only=True):
    """Some ``log`` events of a run, in order.

    Attributes:
        records: The events; their offsets are in their data.
        total_bytes: How many bytes of text the run has logged in all.
        cut_bytes: How many of them are no longer kept.
    """

    records: tuple[Record, ...]
    total_bytes: int
    cut_bytes: int


ready(Notice)
