"""Passages: parts of a log, read from the store for those who cannot be served from memory. All of this blocks."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from headway.hub.stretch import AT_ONCE_BYTES, ROOM_BYTES, Stretch, skimmed, weighed, whole
from headway.ports import EventStore, Record
from headway.ports.store import READ_LIMIT
from headway.protocol.cursor import Cursor
from headway.protocol.events import Priority

WEIGHED_EVENTS = 4_096
"""So many events are weighed together for a paced watcher: all that a step from the store can be about."""

MATTERS: tuple[Priority, ...] = ("high", "critical")


class _Bounds(NamedTuple):
    """When to stop reading."""

    events: int
    size: int


def read_whole(store: EventStore, run_id: str, after: Cursor, types: Collection[str] | None) -> list[Stretch]:
    """About a frame's worth of what follows a cursor.

    Raises:
        NotFound, Gap, StoreError: As ``EventStore.read``.
    """
    records, upto = _gather(store, run_id, after, _Bounds(WEIGHED_EVENTS, ROOM_BYTES), types)
    return list(whole(records, after.seq, upto))


def read_weighed(store: EventStore, run_id: str, after: Cursor, types: Collection[str] | None) -> list[Stretch]:
    """What a paced watcher gets of what follows a cursor. Raises as ``read_whole``."""
    records, upto = _gather(store, run_id, after, _Bounds(WEIGHED_EVENTS, AT_ONCE_BYTES), types)
    return list(weighed(records, after.seq, upto))


def _gather(
    store: EventStore, run_id: str, after: Cursor, bounds: _Bounds, types: Collection[str] | None
) -> tuple[list[Record], Cursor]:
    records: list[Record] = []
    size, cursor, complete = 0, after, False
    while not complete and size < bounds.size and len(records) < bounds.events:
        page = store.read(run_id, cursor, types=types)
        records += page.records
        size += sum(len(record.body) for record in page.records)
        cursor, complete = page.cursor, page.complete
    return records, cursor


def read_deep(
    store: EventStore, run_id: str, after: Cursor, bound: int, types: Collection[str] | None
) -> list[Stretch]:
    """What matters of what follows a cursor, found by its priority, and not past the event ``bound``.

    Raises as ``read_whole``.
    """
    page = store.read(run_id, after, types=types, priorities=MATTERS)
    records, upto = [record for record in page.records if record.seq <= bound], page.cursor
    if upto.seq > bound:
        upto = store.cursor_at(run_id, bound)
    return list(skimmed(records, after.seq, upto, counted=types is None))


def read_newest(store: EventStore, run_id: str, upto: int, *, events: int, size: int) -> list[Record]:
    """The newest events up to one of them, within bounds. Raises as ``read_whole``."""
    cursor = store.cursor_at(run_id, max(0, upto - events))
    records: list[Record] = []
    while cursor.seq < upto:
        page = store.read(run_id, cursor, limit=min(READ_LIMIT, upto - cursor.seq))
        records += page.records
        cursor = page.cursor
        if page.complete:
            break
    place = len(records)
    while place and size >= 0:
        place -= 1
        size -= len(records[place].body)
    return records[place if size >= 0 else place + 1 :]


def check(store: EventStore, run_id: str, cursor: Cursor) -> None:
    """Whether a cursor is of the run's log, by its error: as ``read_whole``."""
    store.read(run_id, cursor, limit=1)
