"""Small runs, events and batches for tests of stores and sinks."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from headway.ports import Batch, NewRun, Record
from headway.protocol import events
from headway.protocol.events import Draft, JsonObject, Priority, ReporterInfo

AT = "2026-11-20T19:41:03.120Z"
OWNER = ReporterInfo(id="owner", host="here", pid=1)
OTHER = ReporterInfo(id="other", host="there", pid=2)


def new_run(run_id: str = "run", kind: str = "sample", at: str = AT) -> NewRun:
    """A run to be created."""
    return NewRun(run_id=run_id, kind=kind, at=at)


def note(text: str) -> Draft:
    """A small event of low priority that carries a text."""
    return events.draft(events.Note(text=text), at=AT)


def notes(*texts: object) -> tuple[Draft, ...]:
    """Several of them."""
    return tuple(note(str(text)) for text in texts)


def custom(name: str, data: JsonObject, priority: Priority = "medium") -> Draft:
    """An event of an author's own."""
    return Draft(at=AT, type=f"x.{name}", priority=priority, data=data)


def log(*lines: str, stage: str | None = None, stream: str = "log", partial: bool = False) -> Draft:
    """Lines of a log."""
    return events.draft(events.Log(stream=stream, lines=lines, partial=partial), at=AT, stage=stage)


def started(path: str) -> Draft:
    """The beginning of a stage."""
    return events.draft(events.StageStarted(), at=AT, stage=path)


def ended(path: str) -> Draft:
    """The end of a stage."""
    return events.draft(events.StageCompleted(), at=AT, stage=path)


def completed(duration: float | None = None, at: str = AT) -> Draft:
    """The good end of a run."""
    return events.draft(events.RunCompleted(duration=duration), at=at)


def failed() -> Draft:
    """The bad end of a run."""
    return events.draft(events.RunFailed(error=events.ErrorInfo(code="broken", message="it broke")), at=AT)


def batch(run_id: str, first: int, drafts: Iterable[Draft], reporter: str = "job") -> Batch:
    """Events of one reporter that is bound to no attempt."""
    return Batch(run_id=run_id, reporter=reporter, first=first, events=tuple(drafts))


def decoded(record: Record) -> JsonObject:
    """The record's event as it is sent."""
    event: JsonObject = msgspec.json.decode(record.body)
    return event


def text_of(record: Record) -> str:
    """The text of a note; for other events the type."""
    event = decoded(record)
    return str(event["data"]["text"]) if event["type"] == "note" else str(event["type"])


def texts(records: Iterable[Record]) -> list[str]:
    """The texts of several."""
    return [text_of(record) for record in records]
