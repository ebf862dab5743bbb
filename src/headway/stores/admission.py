"""What a log takes and what it refuses: the rules that all stores share, as pure code.

A store loads a run's row, asks ``admit`` what of a batch is new, numbers that with ``Numbering``, and writes both back
in one transaction. Nothing here changes a row before everything has been checked.
"""

from __future__ import annotations

import re

import msgspec

from headway.errors import (
    BatchTooLarge,
    Fenced,
    InvalidEvent,
    InvalidInput,
    InvalidName,
    ReporterGap,
    RunEnded,
    RunTaken,
)
from headway.ports import Batch, Clock, NewRun
from headway.protocol import codec, events, limits, times
from headway.protocol.events import Data, Draft, JsonObject
from headway.protocol.incoming import check_depth, check_event
from headway.protocol.shortening import encode_fitting
from headway.stores.rows import RunRow

_REPORTER = re.compile(r"^[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,128}\Z")
_NUMBER_MAX = 2**53  # what every language's numbers can count to


def check_limit(limit: int) -> None:
    """Raise InvalidInput unless a reader asks for at least one."""
    if limit < 1:
        raise InvalidInput(f"the limit is {limit}: ask for at least one")


class Prepared(msgspec.Struct, frozen=True):
    """A draft that was checked and encoded, before any lock is taken."""

    draft: Draft
    data: Data | None
    tail: bytes


def prepare_batch(batch: Batch) -> list[Prepared]:
    """Check a batch and encode its events.

    Raises:
        InvalidInput: Its reporter or its first number is not one, or as ``prepare``.
    """
    check_reporter(batch.reporter)
    if not 1 <= batch.first <= _NUMBER_MAX:
        raise InvalidInput(f"'first' is {batch.first}: a reporter numbers its own events from 1")
    return prepare(batch.events)


def check_reporter(reporter: str) -> None:
    """Raise InvalidName if a reporter's id is not 1 to 128 printable characters."""
    if not _REPORTER.match(reporter):
        raise InvalidName(f"{reporter[:140]!r} is not a reporter's id: use 1 to 128 printable characters")


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
    """Check and encode one event; what ends a run is shortened to fit. Raises EventTooLarge or another InvalidInput."""
    data = codec.data_of_draft(draft)
    check_event(draft.type, draft.stage, data)
    if isinstance(data, events.Log) and _says_what_stores_give(data, draft.data):
        raise InvalidEvent("a log event's 'offset' and 'eliding' are given by the store: leave them out")
    draft, tail = encode_fitting(draft)
    # Only an event with enough brackets can be too deep; almost none has.
    if tail.count(b"{") + tail.count(b"[") > limits.JSON_DEPTH:
        check_depth(msgspec.json.decode(tail))
    return Prepared(draft, draft.data if isinstance(draft.data, Data) else data, tail)


def _says_what_stores_give(log: events.Log, said: Data | JsonObject) -> bool:
    if isinstance(said, dict):
        return not events.GIVEN_BY_STORES.isdisjoint(said)
    return log.offset is not None or log.eliding


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
    if batch.first + len(batch.events) <= expected or (not batch.events and batch.lost is None):
        return len(batch.events), None
    known = max(0, expected - batch.first)
    check_open(row)
    check_attempt(row, batch.attempt)
    _check_nothing_follows_the_end(batch.events[known:])
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


def _check_nothing_follows_the_end(new: tuple[Draft, ...]) -> None:
    if any(draft.type in events.TERMINAL for draft in new[:-1]):
        raise RunEnded("an event of the batch ends the run and others follow it: it must be the last")


def check_attempt(row: RunRow, attempt: int | None) -> None:
    """Raise Fenced when another owner has taken the run over since."""
    if attempt is not None and not row.is_at(attempt):
        raise Fenced(f"attempt {attempt} of run {row.run_id!r} was taken over: attempt {row.attempt} is the run's now")


def check_same(row: RunRow, run: NewRun) -> None:
    """Raise RunTaken when the id belongs to another run than the one to be created."""
    for member in ("kind", "parent", "retry_of"):  # a variant and a title may have changed since
        if getattr(row, member) != getattr(run, member):
            raise RunTaken(
                f"run {run.run_id!r} exists already, with {member} {getattr(row, member)!r} "
                f"instead of {getattr(run, member)!r}: choose another id"
            )


def gap_event(reporter: str, lost: tuple[int, int], clock: Clock) -> Prepared:
    """The ``log.gap`` that stands for a reporter's events that are gone for good."""
    gap = events.LogGap(reporter=reporter, from_=lost[0], to=lost[1], reason="lost before they were durable")
    return prepare_one(events.draft(gap, at=times.to_text(clock.wall())))
