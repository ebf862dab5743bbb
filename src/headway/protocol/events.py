"""Every event of the protocol: its data, its priority, and what a paced watcher gets of it.

One definition serves the codec, the validation, the fold and the JSON Schema. Members that are absent on the wire
are ``None`` here and are left out again when encoded. Members that this version does not know are ignored by
readers and kept in the log.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from headway.protocol.ready import ready

Priority = Literal["low", "medium", "high", "critical"]
Severity = Literal["critical", "high", "medium", "low"]
Role = Literal["stage", "agent"]
RunStatus = Literal["pending", "running", "lost", "completed", "failed", "cancelled"]
Delivery = Literal["all", "newest", "newest-per-stage", "latest-per-id", "newest-lines", "newest-per-name"]
Number = int | float
Json = Any  # whatever a job's author puts in: JSON, bounded in size and depth by the codec
JsonObject = dict[str, Any]
Size = int | float | dict[str, Number]

RANK: dict[Priority, int] = {"low": 0, "medium": 1, "high": 2, "critical": 3}
"""Priorities as numbers that compare."""


class Data(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The members of an event that depend on its type.

    Defaults are left out when encoded; where a reader should always find a member, its default comes from a factory.
    """


class ErrorInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong, in words that may be shown to anybody: no trace, path, address or secret."""

    code: str
    message: str
    recoverable: bool | None = None


class ReporterInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who reports: the id that numbers its events, and where it runs."""

    id: str
    host: str | None = None
    pid: int | None = None


class PlannedStage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One stage of a plan; ``weight`` is relative to its siblings, ``expect`` is in seconds."""

    path: str
    title: str | None = None
    weight: Number | None = None
    expect: Number | None = None
    role: Role | None = None


class RunCreated(Data, frozen=True, kw_only=True):
    """``run.created``: the first event of every log."""

    kind: str
    variant: str | None = None
    title: str | None = None
    size: Size | None = None
    meta: JsonObject | None = None
    parent: str | None = None
    retry_of: str | None = None


class RunPlanned(Data, frozen=True, kw_only=True):
    """``run.planned``: stages to come; a later one adds to the plan or corrects it."""

    stages: tuple[PlannedStage, ...]


class RunQueued(Data, frozen=True, kw_only=True):
    """``run.queued``: the place in the queue, 1 for the next."""

    position: int
    of: int | None = None


class RunStarted(Data, frozen=True, kw_only=True):
    """``run.started``: an owner begins, or another one takes the run over with a higher attempt."""

    attempt: int = msgspec.field(default_factory=lambda: 1)
    reporter: ReporterInfo | None = None


class RunUpdated(Data, frozen=True, kw_only=True):
    """``run.updated``: only what changed."""

    title: str | None = None
    variant: str | None = None
    size: Size | None = None
    meta: JsonObject | None = None


class RunCancelRequested(Data, frozen=True, kw_only=True):
    """``run.cancel_requested``: somebody asked; the job has not acted on it yet."""

    by: str | None = None
    reason: str | None = None


class RunLost(Data, frozen=True, kw_only=True):
    """``run.lost``: the owner's lease ran out."""

    reason: str | None = None


class RunRecovered(Data, frozen=True, kw_only=True):
    """``run.recovered``: the owner came back, or another one took over."""

    reason: str | None = None


class RunCompleted(Data, frozen=True, kw_only=True):
    """``run.completed``: the end.

    ``duration`` is from start to end, of which ``waited`` was waiting for people; ``spans`` maps a stage's path to its
    start and end in seconds of work, without the waiting.
    """

    result: Json = None
    duration: Number | None = None
    durations: dict[str, Number] | None = None
    spans: dict[str, tuple[Number, Number]] | None = None
    waited: Number | None = None
    truncated: bool = False


class RunFailed(Data, frozen=True, kw_only=True):
    """``run.failed``: the end. A time-out has the code ``timed-out``."""

    error: ErrorInfo
    duration: Number | None = None
    durations: dict[str, Number] | None = None
    truncated: bool = False


class RunCancelled(Data, frozen=True, kw_only=True):
    """``run.cancelled``: the end, after somebody asked for it."""

    reason: str | None = None
    duration: Number | None = None
    truncated: bool = False


class StageStarted(Data, frozen=True, kw_only=True):
    """``stage.started``: begins a stage, or opens an ended one again."""

    title: str | None = None
    role: Role | None = None
    weight: Number | None = None
    expect: Number | None = None
    total: Number | None = None
    unit: str | None = None
    message: str | None = None
    data: JsonObject | None = None


class StageProgress(Data, frozen=True, kw_only=True):
    """``stage.progress``: ``progress`` is a fraction from 0 to 1 and beats ``current`` and ``total``."""

    progress: Number | None = None
    current: Number | None = None
    total: Number | None = None
    unit: str | None = None
    message: str | None = None
    data: JsonObject | None = None


class StageCompleted(Data, frozen=True, kw_only=True):
    """``stage.completed``: ``duration`` in seconds of work."""

    duration: Number | None = None
    summary: str | None = None
    data: JsonObject | None = None


class StageFailed(Data, frozen=True, kw_only=True):
    """``stage.failed``: the run goes on unless its owner ends it."""

    error: ErrorInfo
    duration: Number | None = None


class StageSkipped(Data, frozen=True, kw_only=True):
    """``stage.skipped``: it will not run, and counts as done unless the reason is ``CANCELLED``."""

    reason: str | None = None


CANCELLED = "cancelled"
"""The reason of a stage that was skipped because of a cancel: it keeps its value, since nothing was done."""


class StageDegraded(Data, frozen=True, kw_only=True):
    """``stage.degraded``: it goes on with less than was planned."""

    reason: str
    fallback: str | None = None


class Finding(Data, frozen=True, kw_only=True):
    """``finding``: the same id again updates the members that are given."""

    id: str
    severity: Severity | None = None
    title: str | None = None
    detail: str | None = None
    confidence: Number | None = None
    evidence: Json = None


class Highlight(Data, frozen=True, kw_only=True):
    """``highlight``: one line about what was just achieved."""

    text: str


class Screenshot(Data, frozen=True, kw_only=True):
    """``screenshot``: the picture is an artifact; the thumbnail one too, or a data URL."""

    artifact: str
    thumbnail: str | None = None
    width: int | None = None
    height: int | None = None
    caption: str | None = None

    @property
    def carries_picture(self) -> bool:
        """Whether the thumbnail is in the event itself."""
        return self.thumbnail is not None and self.thumbnail[:5].lower() == "data:"


class Log(Data, frozen=True, kw_only=True):
    """``log``: whole lines without their ends; ``offset`` in bytes is given by the store, per stage and stream.

    Each line counts for its UTF-8 bytes and one for its end; a ``partial`` event holds a piece of a line whose end is
    in a later one. An elided event keeps its place: ``lines`` is empty, ``elided`` and ``elided_lines`` say how many
    bytes and lines were cut. ``eliding`` is given by the store, too: when it stored this one, it cut older ones.
    """

    stream: str = msgspec.field(default_factory=lambda: "log")
    level: str | None = None
    lines: tuple[str, ...] = ()
    partial: bool = False
    elided: int | None = None
    elided_lines: int | None = None
    offset: int | None = None
    eliding: bool = False


GIVEN_BY_STORES = frozenset({"offset", "eliding"})
"""What of a ``log`` event no reporter may say."""


class Artifact(Data, frozen=True, kw_only=True):
    """``artifact``: a file that can be downloaded from now on; the same name again replaces it."""

    name: str
    media_type: str | None = None
    size: int | None = None
    sha256: str | None = None


class Error(Data, frozen=True, kw_only=True):
    """``error``: something went wrong that ended neither stage nor run."""

    message: str
    code: str | None = None
    recoverable: bool | None = None

    @property
    def shown_code(self) -> str:
        """Its code, or that of errors that are reported without one."""
        return self.code or "error"


class InputRequested(Data, frozen=True, kw_only=True):
    """``input.requested``: the job waits for a person's answer until ``deadline`` (a time)."""

    id: str
    prompt: str
    choices: tuple[Json, ...] | None = None
    schema: JsonObject | None = None
    deadline: str | None = None


class InputGiven(Data, frozen=True, kw_only=True):
    """``input.given``: the answer."""

    id: str
    value: Json = None
    by: str | None = None


class Note(Data, frozen=True, kw_only=True):
    """``note``: a remark, the newest of which is shown."""

    text: str


class LogGap(Data, frozen=True, kw_only=True, rename={"from_": "from"}):
    """``log.gap``: a reporter's events ``from_``…``to`` (by its own numbers) were lost before they were durable."""

    reporter: str
    from_: int
    to: int
    reason: str | None = None


class EventType(msgspec.Struct, frozen=True):
    """What the protocol says of one type of event."""

    data: type[Data]
    priority: Priority
    delivery: Delivery
    terminal: bool = False


TYPES: dict[str, EventType] = {
    "run.created": EventType(RunCreated, "high", "all"),
    "run.planned": EventType(RunPlanned, "high", "all"),
    "run.queued": EventType(RunQueued, "low", "newest"),
    "run.started": EventType(RunStarted, "high", "all"),
    "run.updated": EventType(RunUpdated, "high", "all"),
    "run.cancel_requested": EventType(RunCancelRequested, "critical", "all"),
    "run.lost": EventType(RunLost, "critical", "all"),
    "run.recovered": EventType(RunRecovered, "critical", "all"),
    "run.completed": EventType(RunCompleted, "critical", "all", terminal=True),
    "run.failed": EventType(RunFailed, "critical", "all", terminal=True),
    "run.cancelled": EventType(RunCancelled, "critical", "all", terminal=True),
    "stage.started": EventType(StageStarted, "high", "all"),
    "stage.progress": EventType(StageProgress, "medium", "newest-per-stage"),
    "stage.completed": EventType(StageCompleted, "high", "all"),
    "stage.failed": EventType(StageFailed, "critical", "all"),
    "stage.skipped": EventType(StageSkipped, "high", "all"),
    "stage.degraded": EventType(StageDegraded, "critical", "all"),
    "finding": EventType(Finding, "high", "latest-per-id"),
    "highlight": EventType(Highlight, "low", "newest"),
    "screenshot": EventType(Screenshot, "medium", "newest-per-stage"),
    "log": EventType(Log, "low", "newest-lines"),
    "artifact": EventType(Artifact, "high", "all"),
    "error": EventType(Error, "critical", "all"),
    "input.requested": EventType(InputRequested, "critical", "all"),
    "input.given": EventType(InputGiven, "critical", "all"),
    "note": EventType(Note, "low", "newest"),
    "log.gap": EventType(LogGap, "critical", "all"),
}
"""Every type that the protocol names; beside them only ``x.<name>``."""

NAME_OF: dict[type[Data], str] = {entry.data: name for name, entry in TYPES.items()}
"""The type's name for each class of data."""

TERMINAL = frozenset(name for name, entry in TYPES.items() if entry.terminal)
"""The types that end a run; such an event is the last of its log."""


class Draft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event that has no number yet: what a reporter hands to a log.

    The order of the members is that of the wire; ``data`` is last, which lets a store add a member to it.
    """

    at: str
    type: str
    priority: Priority
    stage: str | None = None
    data: Data | JsonObject


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event as it stands in a log; ``data`` is decoded by its type when somebody needs it."""

    seq: int
    at: str
    type: str
    priority: Priority = "medium"
    stage: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")


def priority_of(type_: str, data: Data | JsonObject, given: Priority | None = None) -> Priority:
    """The priority of an event: the protocol's for its types; for custom ones as given, ``medium`` by default."""
    known = TYPES.get(type_)
    if known is None:
        return given or "medium"
    if type_ == "finding":
        severity = data.get("severity") if isinstance(data, dict) else getattr(data, "severity", None)
        return "critical" if severity == "critical" else known.priority
    return known.priority


def draft(data: Data, *, at: str, stage: str | None = None) -> Draft:
    """A draft of one of the protocol's own events, with its type and priority filled in."""
    type_ = NAME_OF[type(data)]
    return Draft(at=at, type=type_, priority=priority_of(type_, data), stage=stage, data=data)


ready(Event, PlannedStage, *(entry.data for entry in TYPES.values()))
