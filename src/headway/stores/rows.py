"""A run's row in a store, and how events change it: what all stores keep beside the events themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from headway.ports import Batch, Created, Header, NewRun, PastRun
from headway.ports.log import MILLIONTHS
from headway.protocol import codec, events
from headway.protocol.cursor import Cursor
from headway.protocol.events import Data, Draft, Priority

Offsets = dict[tuple[str, str], int]
"""Bytes of text logged so far, by stage ("" for the run) and stream."""


class RunRow(msgspec.Struct, kw_only=True):
    """One run, as a row: the header's members, and what the store needs for itself.

    ``since`` (on ``boot``'s clock) is when the run began to wait: for an owner since its creation, or since the newest
    part of its import, for its owner's return since it was lost. ``log_elided`` is the newest event whose text was cut,
    ``arrived_at`` when the run was created here; in a log that is imported all other times are older. None for what
    older versions stored. ``remote``: whoever has created the run, or owned it last, came through a server.
    """

    id: int
    run_id: str
    epoch: str
    kind: str
    variant: str | None
    title: str | None = None
    status: str = "pending"
    attempt: int = 0
    seq: int = 0
    nonce: int = 0
    created_at: str
    started_at: str | None = None
    ended_at: str | None = None
    last_event_at: str
    owner: str | None = None
    progress: int = 0
    stage: str | None = None
    message: str | None = None
    cancel_requested: bool = False
    error: bytes | None = None
    size: bytes | None = None
    parent: str | None = None
    retry_of: str | None = None
    size_bytes: int = 0
    log_bytes: int = 0
    log_cut: int = 0
    log_elided: int = 0
    boot: str
    since: float
    arrived_at: str | None = None
    remote: bool = False
    queue: bytes | None = None

    @property
    def ended(self) -> bool:
        """Whether the terminal event is in the log."""
        return self.status in ("completed", "failed", "cancelled")

    @property
    def waits(self) -> bool:
        """Whether nobody works on it: its owner is silent, or it has none here, as when it was imported."""
        return not self.ended and (self.owner is None or self.status == "lost")

    def waits_for(self, *, remote: bool) -> bool:
        """Whether it waits, and who looks can know for whom: of those beyond a server only servers hear."""
        return self.waits and (remote or not self.remote)

    @property
    def cursor(self) -> Cursor:
        """Behind the newest event."""
        return Cursor(self.epoch, self.seq, self.nonce)

    def is_at(self, attempt: int) -> bool:
        """Whether an attempt is the run's; before anybody has taken the run over, so is the first one."""
        return attempt == self.attempt or (attempt == 1 and self.attempt == 0)

    def header(self) -> Header:
        """What others may see of it."""
        values = {name: getattr(self, name) for name in Header.__struct_fields__ if hasattr(self, name)}
        for name in ("error", "queue"):
            values[name] = None if values[name] is None else msgspec.Raw(values[name])
        return Header(**values)

    def created(self, *, existed: bool) -> Created:
        """What is said to who has created it, or taken it over."""
        return Created(epoch=self.epoch, cursor=self.cursor, attempt=self.attempt, existed=existed)

    def show(self, batch: Batch) -> bool:
        """Take over what the owner's fold says, also after the end; the progress never goes back."""
        digest = batch.digest
        if digest is None or batch.attempt is None or not self.is_at(batch.attempt):
            return False
        if batch.as_of not in (None, self.cursor):
            return False
        self.progress = max(self.progress, digest.progress)
        self.stage = digest.stage
        self.message = digest.message
        return True


class Row(msgspec.Struct, frozen=True):
    """An event as it is stored."""

    seq: int
    nonce: int
    type: str
    priority: Priority
    body: bytes


def created_drafts(run: NewRun) -> list[Draft]:
    """The first events of a run's log."""
    created = events.RunCreated(
        kind=run.kind,
        variant=run.variant,
        title=run.title,
        size=run.size,
        meta=run.meta,
        parent=run.parent,
        retry_of=run.retry_of,
    )
    drafts = [events.draft(created, at=run.at)]
    if run.plan:
        drafts.append(events.draft(events.RunPlanned(stages=run.plan), at=run.at))
    return drafts


def number(row: RunRow, draft: Draft, data: Data | None, tail: bytes, offsets: Offsets) -> Row:
    """Give one event the next number, and let it change the row (and the offsets of log text)."""
    row.seq += 1
    row.last_event_at = draft.at
    if isinstance(data, events.Log):
        tail = codec.with_offset(tail, _advance(row, offsets, draft.stage or "", data))
    body = codec.numbered(tail, row.seq)
    row.size_bytes += len(body)
    change = _CHANGES.get(draft.type)
    if change is not None:
        change(row, draft, data)
    return Row(row.seq, row.nonce, draft.type, draft.priority, body)


def text_bytes(log: events.Log) -> int:
    """The bytes of a log event's text: each line's, and one for its end unless it is part of a longer one."""
    return sum(len(line.encode()) for line in log.lines) + line_ends(log)


def line_ends(log: events.Log) -> int:
    """How many lines end in a log event: none in a piece of a longer one."""
    return 0 if log.partial else len(log.lines)


def _advance(row: RunRow, offsets: Offsets, stage: str, log: events.Log) -> int:
    offset = offsets.get((stage, log.stream), 0)
    cut = max(0, log.elided or 0)  # only in a log that is imported
    size = text_bytes(log) + cut
    offsets[stage, log.stream] = offset + size
    row.log_bytes += size
    row.log_cut += cut
    return offset


def past_run(row: RunRow, data: events.RunCompleted) -> PastRun | None:
    """What the estimates should remember of a run that completed; None if its duration was not said."""
    if data.duration is None:
        return None
    return PastRun(
        run_id=row.run_id,
        ended_at=row.ended_at or row.last_event_at,
        duration=max(0.0, float(data.duration) - float(data.waited or 0)),
        stages={path: (float(start), float(end)) for path, (start, end) in (data.spans or {}).items()},
        size=None if row.size is None else msgspec.json.decode(row.size),
    )


def _on_created(row: RunRow, _draft: Draft, data: events.RunCreated) -> None:
    row.title = data.title
    row.size = _json(data.size)


def _on_queued(row: RunRow, _draft: Draft, data: events.RunQueued) -> None:
    if row.status == "pending":
        row.queue = _json(data)


def _on_started(row: RunRow, draft: Draft, data: events.RunStarted) -> None:
    row.status = "running"
    row.started_at = row.started_at or draft.at
    row.attempt = max(row.attempt, data.attempt)
    row.queue = None


def _on_updated(row: RunRow, _draft: Draft, data: events.RunUpdated) -> None:
    row.title = data.title or row.title
    row.variant = data.variant or row.variant
    row.size = _json(data.size) or row.size


def _on_cancel_requested(row: RunRow, _draft: Draft, _data: Data) -> None:
    row.cancel_requested = True


def _on_lost(row: RunRow, _draft: Draft, _data: Data) -> None:
    if row.status == "running":
        row.status = "lost"


def _on_recovered(row: RunRow, _draft: Draft, _data: Data) -> None:
    if row.status == "lost":
        row.status = "running"


def _on_error(row: RunRow, _draft: Draft, data: events.Error) -> None:
    if data.recoverable is False:
        row.error = _json(events.ErrorInfo(code=data.shown_code, message=data.message, recoverable=False))


def _on_end(row: RunRow, draft: Draft, data: Data) -> None:
    row.status = draft.type.removeprefix("run.")
    row.ended_at = draft.at
    row.owner = row.queue = None
    if isinstance(data, events.RunCompleted):
        row.progress = MILLIONTHS
        row.error = None
    if isinstance(data, events.RunFailed):
        row.error = _json(data.error)


def _json(value: object) -> bytes | None:
    return None if value is None else msgspec.json.encode(value)


_CHANGES: dict[str, Callable[[RunRow, Draft, Any], None]] = {
    "run.created": _on_created,
    "run.queued": _on_queued,
    "run.started": _on_started,
    "run.updated": _on_updated,
    "run.cancel_requested": _on_cancel_requested,
    "run.lost": _on_lost,
    "run.recovered": _on_recovered,
    "error": _on_error,
    "run.completed": _on_end,
    "run.failed": _on_end,
    "run.cancelled": _on_end,
}
