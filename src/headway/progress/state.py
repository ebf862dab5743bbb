"""The shapes of a state, of its short form, and of the view that a clock and history add to it.

They are the JSON of PROTOCOL.md: every member is present, what is not known is ``null``, and the lists are in the
order of the log, the newest last. All are frozen; the dictionaries in them belong to the events they came from and
are never changed in place.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from headway.protocol.events import Json, JsonObject, Number, Role, RunStatus, Severity, Size
from headway.protocol.ready import ready

FOLD_VERSION = 2
"""Changes whenever the same events would fold into another state; stored states carry it."""

StageStatus = Literal["pending", "running", "degraded", "completed", "failed", "skipped"]
Basis = Literal["history", "rate", "plan", "queue"]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong with a run or a stage, in words that may be shown to anybody."""

    code: str
    message: str
    recoverable: bool | None = None


class StageState(msgspec.Struct, frozen=True, kw_only=True):
    """One stage; ``progress`` is a fraction in whole millionths and never decreases.

    The rest is shown as last reported. ``started_at`` is the newest start; ``ended_at`` is null while it is open.
    ``implied``: no event of its own opened it, but what is below it, and it ends with that.
    """

    path: str
    title: str | None = None
    role: Role = "stage"
    weight: Number | None = None
    expect: Number | None = None
    status: StageStatus = "pending"
    progress: float = 0.0
    current: Number | None = None
    total: Number | None = None
    unit: str | None = None
    message: str | None = None
    data: JsonObject = {}
    started_at: str | None = None
    ended_at: str | None = None
    duration: Number | None = None
    reason: str | None = None
    fallback: str | None = None
    error: Failure | None = None
    implied: bool = False


class FindingEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as its newest report left it; its evidence is in the log only, since it can be large."""

    id: str
    severity: Severity = "medium"
    title: str | None = None
    detail: str | None = None
    confidence: Number | None = None
    stage: str | None = None
    seq: int
    at: str


class BySeverity(msgspec.Struct, frozen=True, kw_only=True):
    """How many findings there are of each severity."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """All findings counted, and the 100 newest themselves."""

    total: int = 0
    by_severity: BySeverity = BySeverity()
    recent: tuple[FindingEntry, ...] = ()


class TextEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A highlight or a note."""

    text: str
    stage: str | None = None
    seq: int
    at: str


class ErrorEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that went wrong, in words that may be shown to anybody."""

    code: str
    message: str
    recoverable: bool | None = None
    stage: str | None = None
    seq: int
    at: str


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    """All errors counted, and the 20 newest themselves; those that ended a stage or the run are with these."""

    total: int = 0
    recent: tuple[ErrorEntry, ...] = ()


class ScreenshotEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A picture by the names of its artifacts; a thumbnail that travelled inside its event is not kept."""

    artifact: str
    thumbnail: str | None = None
    width: int | None = None
    height: int | None = None
    caption: str | None = None
    stage: str | None = None
    seq: int
    at: str


class ArtifactEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A file that can be downloaded."""

    name: str
    media_type: str | None = None
    size: int | None = None
    sha256: str | None = None
    stage: str | None = None
    seq: int
    at: str


class InputEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a person; ``given_at`` is null until the first answer, which is the one that counts."""

    id: str
    prompt: str
    choices: tuple[Json, ...] | None = None
    schema: JsonObject | None = None
    deadline: str | None = None
    stage: str | None = None
    seq: int
    at: str
    value: Json = None
    by: str | None = None
    given_at: str | None = None


class LogTotals(msgspec.Struct, frozen=True, kw_only=True):
    """The size of the log text: each line counts for its UTF-8 bytes and one for its end."""

    lines: int = 0
    bytes: int = 0
    truncated: bool = False


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """The place of a run that waits; 1 is the next."""

    position: int
    of: int | None = None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the events 1…``seq`` of a run fold into.

    Nothing else is needed to fold on: ``Fold.restore(state)`` goes on as the fold that made it would have.
    """

    run_id: str
    fold: int = FOLD_VERSION
    kind: str = ""
    variant: str | None = None
    title: str | None = None
    status: RunStatus = "pending"
    attempt: int = 1
    seq: int = 0
    progress: float = 0.0
    stage: str | None = None
    message: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    last_event_at: str | None = None
    stages: tuple[StageState, ...] = ()
    findings: Findings = Findings()
    highlights: tuple[TextEntry, ...] = ()
    screenshots: tuple[ScreenshotEntry, ...] = ()
    artifacts: tuple[ArtifactEntry, ...] = ()
    notes: tuple[TextEntry, ...] = ()
    errors: Errors = Errors()
    log: LogTotals = LogTotals()
    error: Failure | None = None
    result: Json = None
    cancel_requested: bool = False
    inputs: tuple[InputEntry, ...] = ()
    dropped: dict[str, int] = {}
    retry_of: str | None = None
    parent: str | None = None
    meta: JsonObject = {}
    size: Size | None = None
    duration: Number | None = None
    queue: Queue | None = None


class Eta(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that remain, with their 10th and 90th percentile, and what that rests on, in words in ``explanation``.

    ``overdue``: the run takes longer than nine in ten of its kind did; say "longer than usual".
    """

    remaining: float
    low: float
    high: float
    basis: Basis
    runs: int
    overdue: bool = False
    explanation: str = ""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a clock and history add to a state; ``elapsed`` is null for a run that never started."""

    now: str
    elapsed: float | None = None
    eta: Eta | None = None
    queue: Queue | None = None


class Short(msgspec.Struct, frozen=True, kw_only=True):
    """The ``short`` of an ``events`` frame."""

    status: RunStatus
    progress: float
    stage: str | None
    message: str | None


class ShortState(msgspec.Struct, frozen=True, kw_only=True):
    """A run in a list; whoever has a clock puts the view in (``msgspec.structs.replace(short, view=…)``)."""

    run_id: str
    kind: str = ""
    variant: str | None = None
    title: str | None = None
    status: RunStatus = "pending"
    attempt: int = 1
    progress: float = 0.0
    stage: str | None = None
    message: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    last_event_at: str | None = None
    cancel_requested: bool = False
    error: Failure | None = None
    queue: Queue | None = None
    view: View | None = None


ready(State, View, Short, ShortState, Failure, Queue)
