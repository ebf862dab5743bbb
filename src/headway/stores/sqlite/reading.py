"""Reads, each in one short transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import apsw

from headway.errors import Gap, NotFound
from headway.ports import Header, LogQuery, LogSlice, Page, Record
from headway.protocol import codec, events
from headway.protocol.cursor import Cursor
from headway.protocol.events import RANK, Priority
from headway.stores.rows import RunRow
from headway.stores.sqlite.appending import find_run, load_run
from headway.stores.sqlite.queries import SQL, fetch_one

PRIORITIES: tuple[Priority, ...] = ("low", "medium", "high", "critical")


def to_record(run_id: str, values: Sequence[object]) -> Record:
    """A record from ``seq, nonce, type, priority, body``."""
    seq, nonce, type_, priority, body = values
    return Record(run_id, seq, nonce, type_, PRIORITIES[priority], body)  # type: ignore[arg-type, call-overload]


def header(connection: apsw.Connection, run_id: str) -> Header:
    """See ``EventStore.header``."""
    return load_run(connection, run_id).header()


def read(
    connection: apsw.Connection,
    run_id: str,
    after: Cursor | None,
    limit: int,
    types: Collection[str] | None,
    priorities: Collection[Priority] | None,
) -> Page:
    """See ``EventStore.read``."""
    row = find_run(connection, run_id)
    if row is None:
        raise _missing(connection, run_id, after)
    seq = 0 if after is None else check_cursor(connection, row, after)
    where, bindings = _conditions(types, priorities)
    found = connection.execute(
        f"SELECT seq, nonce, type, priority, body FROM events WHERE run = ? AND seq > ?{where} ORDER BY seq LIMIT ?",  # noqa: S608
        (row.id, seq, *bindings, limit),
    ).fetchall()
    records = tuple(to_record(run_id, values) for values in found)
    complete = len(records) < limit
    cursor = row.cursor if complete else Cursor(row.epoch, records[-1].seq, records[-1].nonce)
    return Page(records=records, cursor=cursor, complete=complete, ended=complete and row.ended)


def _conditions(types: Collection[str] | None, priorities: Collection[Priority] | None) -> tuple[str, list[object]]:
    where, bindings = "", list[object]()
    if types is not None:
        where += f" AND type IN ({','.join('?' * len(types))})"
        bindings += types
    if priorities is not None:
        ranks = sorted(RANK[priority] for priority in priorities)
        if ranks and ranks[0] >= RANK["high"]:
            where += " AND priority >= 2"  # word for word the index's condition, or SQLite would not use it
        where += f" AND priority IN ({','.join(map(str, ranks))})"
    return where, bindings


def _missing(connection: apsw.Connection, run_id: str, after: Cursor | None) -> Exception:
    if after is not None and fetch_one(connection, "was_removed", run_id, after.epoch):
        return Gap(f"run {run_id!r} was deleted", reason="deleted")
    return NotFound(f"there is no run {run_id!r} in this store")


def check_cursor(connection: apsw.Connection, row: RunRow, after: Cursor) -> int:
    """The cursor's seq if it is one of this log.

    Raises:
        Gap: It is of another log (``diverged``).
    """
    if after.epoch == row.epoch and after.seq == 0:
        return 0
    if after.epoch == row.epoch and 0 < after.seq <= row.seq:
        found = fetch_one(connection, "nonce_at", row.id, after.seq)
        if found is not None and found[0] == after.nonce:
            return after.seq
    raise Gap(
        f"the cursor is not of the log that run {row.run_id!r} has now: the log was deleted, restored or cut since",
        reason="diverged",
        oldest=str(Cursor(row.epoch, 0, 0)),
    )


def cursor_at(connection: apsw.Connection, run_id: str, seq: int) -> Cursor:
    """See ``EventStore.cursor_at``."""
    row = load_run(connection, run_id)
    if seq == 0:
        return Cursor(row.epoch, 0, 0)
    found = fetch_one(connection, "nonce_at", row.id, seq) if 0 < seq <= row.seq else None
    if found is None:
        raise NotFound(f"run {run_id!r} has no event {seq}: its newest is {row.seq}")
    return Cursor(row.epoch, seq, found[0])


def read_log(connection: apsw.Connection, run_id: str, query: LogQuery) -> LogSlice:
    """See ``EventStore.read_log``."""
    row = load_run(connection, run_id)
    found = connection.execute(SQL["log_from_end" if query.tail is not None else "log"], (row.id, query.after_seq))
    chosen: list[Record] = []
    lines = 0
    for values in found:
        if lines >= query.tail if query.tail is not None else len(chosen) >= query.limit:
            break
        record = to_record(run_id, values)
        matching = _matching_lines(record, query)
        if matching is not None:
            chosen.append(record)
            lines += matching
    if query.tail is not None:
        chosen.reverse()
    return LogSlice(records=tuple(chosen), total_bytes=row.log_bytes, cut_bytes=row.log_cut)


def _matching_lines(record: Record, query: LogQuery) -> int | None:
    event = codec.decode_event(record.body)
    data = codec.data_of(event)
    assert isinstance(data, events.Log)
    if query.stage not in (None, event.stage or "") or query.stream not in (None, data.stream):
        return None
    return len(data.lines)
