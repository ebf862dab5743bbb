"""Stretches: what one frame settles, cut from a part of a log for a watcher that was not there when it came."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from headway.ports import Record
from headway.progress.backlog import ENVELOPE_BYTES, FRAME_BYTES, Backlog
from headway.protocol.codec import decode_event
from headway.protocol.cursor import Cursor

ROOM_BYTES = FRAME_BYTES - ENVELOPE_BYTES
"""Bytes of events in one frame."""

AT_ONCE_BYTES = 1024 * 1024
"""So much is weighed together for a paced watcher: within it a newer event replaces an older one."""

ANY_TYPE = "*"
"""What ``conflated`` calls events that were not looked at, since the watcher was too far behind."""


class Stretch(NamedTuple):
    """What settles the events ``from_``…``to`` for a watcher, as an ``events`` frame has it."""

    from_: int
    to: Cursor
    events: Sequence[bytes]
    conflated: dict[str, int]


def whole(records: Sequence[Record], after: int, upto: Cursor) -> Iterator[Stretch]:
    """All of these events, which are what a watcher wants of those past ``after`` up to ``upto``."""
    bodies: list[bytes] = []
    size, settled = 0, Cursor(upto.epoch, after, 0)
    for record in records:
        size += len(record.body) + 1
        if bodies and size > ROOM_BYTES:
            yield Stretch(after + 1, settled, bodies, {})
            bodies, size, after = [], len(record.body) + 1, settled.seq
        bodies.append(record.body)
        settled = Cursor(upto.epoch, record.seq, record.nonce)
    if upto.seq > after:
        yield Stretch(after + 1, upto, bodies, {})


def weighed(records: Sequence[Record], after: int, upto: Cursor) -> Iterator[Stretch]:
    """What a paced watcher gets of these events: what must not be left out, and the newest of the rest."""
    nonces = {record.seq: record.nonce for record in records}
    nonces[upto.seq] = upto.nonce
    for part, last in _parts(records):
        backlog = Backlog()
        for record in part:
            backlog.add(decode_event(record.body), record.body, 0.0)
        if last and upto.seq > after:
            backlog.pass_over(upto.seq, 0.0)
        while backlog.since is not None:
            frame = backlog.pop()
            yield Stretch(after + 1, Cursor(upto.epoch, frame.to, nonces[frame.to]), frame.events, frame.conflated)
            after = frame.to


def _parts(records: Sequence[Record]) -> Iterator[tuple[Sequence[Record], bool]]:
    """The records in parts that are weighed together, and whether each is the last."""
    begin, size = 0, 0
    for place, record in enumerate(records):
        size += len(record.body)
        if size > AT_ONCE_BYTES and place > begin:
            yield records[begin:place], False
            begin, size = place, len(record.body)
    yield records[begin:], True


def skimmed(records: Sequence[Record], after: int, upto: Cursor, *, counted: bool) -> Iterator[Stretch]:
    """What matters of a part of which nothing else was read; ``counted`` if the rest counts as conflated."""
    for stretch in whole(records, after, upto):
        left_out = stretch.to.seq - stretch.from_ + 1 - len(stretch.events)
        yield stretch._replace(conflated={ANY_TYPE: left_out} if counted and left_out else {})


def wanted(records: Sequence[Record], types: Collection[str] | None) -> Sequence[Record]:
    """Those that pass a filter."""
    return records if types is None else [record for record in records if record.type in types]
