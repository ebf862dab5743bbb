"""What a log takes and what it refuses: the rules that all stores share, as pure code.

A store loads a run's row, asks ``admit`` what of a batch is new, numbers that with ``Numbering``, and writes both back
in one transaction. Nothing here changes a row before everything has been checked.
"""

from __future__ import annotations

import msgspec

from headway.errors import BatchTooLarge, Fenced, InvalidEvent, ReporterGap, RunEnded, RunTaken
from headway.ports import Batch, Clock, NewRun
from headway.protocol import codec, events, limits, times
from headway.protocol.events import Data, Draft
from headway.protocol.incoming import check_event
from headway.stores.rows import RunRow


class Prepared(msgspec.Struct, frozen=True):
    """A draft that was checked and encoded, before any lock is taken."""

    draft: Draft
    data: Data | None
    tail: bytes


def prepare(drafts: tuple[Draft, ...]) -> list[Prepared]:
    """Check and encode a batch's events.

    Raises:
        BatchTooLarge: More than 1,000 events, or 4 MiB.
        EventTooLarge, InvalidInput: One of them is not fit for a log.
    """
    if len(drafts) > limits.BATCH_EVENTS:
        raise BatchTooLarge(f"a batch of {len(drafts):,} events: send at most {limits.BATCH_EVENTS:,} at once")
    prepared = [prepare_one(draft) for draft in drafts]
    size = sum(len(each.tail) for each in prepared)
    if size > limits.BATCH_BYTES:
        raise BatchTooLarge(f"a batch of {size:,} bytes: send at most {limits.BATCH_BYTES:,} at once")
    return prepared


def prepare_one(draft: Draft) -> Prepared:
    """Check and encode one event. Raises EventTooLarge or another InvalidInput."""
    data = codec.data_of_draft(draft)
    check_event(draft.type, draft.stage, data)
    if isinstance(data, events.Log) and data.offset is not None:
        raise InvalidEvent("a log event's 'offset' is given by the store: leave it out")
    return Prepared(draft, data, codec.encode_tail(draft))


def admit(row: RunRow, expected: int, batch: Batch) -> tuple[int, tuple[int, int] | None]:
    """How many of the batch's events are known already, and which of the reporter's numbers are lost for good.

    Args:
        row: The run.
        expected: The next number of this reporter, from 1.
        batch: What it sends.

    Raises:
        Fenced, RunEnded, ReporterGap
    """
    if batch.epoch is not None and batch.epoch != row.epoch:
        raise Fenced(f"run {row.run_id!r} has another log now (its epoch differs): create it, or attach to it, anew")
    known = max(0, min(expected - batch.first, len(batch.events)))
    if known == len(batch.events) and batch.lost is None:
        return known, None
    check_open(row)
    check_attempt(row, batch.attempt)
    if batch.first <= expected:
        return known, None
    if batch.lost is None or batch.lost[0] > expected or batch.lost[1] < batch.first - 1:
        raise ReporterGap(
            f"the batch begins with the reporter's event {batch.first}, but {expected} is the next one expected: "
            "send that one, or say that it is lost",
            expected=expected,
        )
    return known, (expected, batch.first - 1)


def check_open(row: RunRow) -> None:
    """Raise RunEnded when the run's last event is there."""
    if row.ended:
        raise RunEnded(f"run {row.run_id!r} has ended ({row.status}), and its log takes nothing more")


def check_attempt(row: RunRow, attempt: int | None) -> None:
    """Raise Fenced when another owner has taken the run over since."""
    if attempt is not None and attempt != row.attempt:
        raise Fenced(f"attempt {attempt} of run {row.run_id!r} was taken over: attempt {row.attempt} is the run's now")


def check_same(row: RunRow, run: NewRun) -> None:
    """Raise RunTaken when the id belongs to another run than the one to be created."""
    for member in ("kind", "variant", "parent", "retry_of"):
        if getattr(row, member) != getattr(run, member) and not (member == "variant" and run.variant is None):
            raise RunTaken(
                f"run {run.run_id!r} exists already, with {member} {getattr(row, member)!r} "
                f"instead of {getattr(run, member)!r}: choose another id"
            )


def gap_event(reporter: str, lost: tuple[int, int], clock: Clock) -> Prepared:
    """The ``log.gap`` that stands for a reporter's events that are gone for good."""
    gap = events.LogGap(reporter=reporter, from_=lost[0], to=lost[1], reason="lost before they were durable")
    return prepare_one(events.draft(gap, at=times.to_text(clock.wall())))
