"""Appends, inside the writer's transaction: read the run's row, ask what is new, number it, write both back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import apsw
import msgspec

from headway.errors import NotFound
from headway.ports import PAST_RUNS_KEPT, Appended, Batch, Clock, Created, NewRun
from headway.protocol import events, times
from headway.protocol.cursor import new_epoch, new_nonce
from headway.protocol.events import RANK, Data, Draft
from headway.stores.admission import Prepared, admit, check_same, gap_event, prepare
from headway.stores.ownership import wait_for_more
from headway.stores.rows import Offsets, Row, RunRow, created_drafts, number, past_run
from headway.stores.sqlite.connections import Connection
from headway.stores.sqlite.elision import elide
from headway.stores.sqlite.queries import SQL, Values, execute, fetch, fetch_one


def find_run(connection: apsw.Connection, run_id: str) -> RunRow | None:
    """The run's row, or None."""
    return _row(connection, SQL["run_by_id"], run_id)


def load_run(connection: apsw.Connection, run_id: str) -> RunRow:
    """The run's row. Raises NotFound."""
    row = find_run(connection, run_id)
    if row is None:
        raise NotFound(f"there is no run {run_id!r} in this store")
    return row


def load_run_by_key(connection: apsw.Connection, key: int) -> RunRow | None:
    """The run's row by the store's own number for it."""
    return _row(connection, SQL["run_by_key"], key)


def _row(connection: apsw.Connection, sql: str, key: str | int) -> RunRow | None:
    values = connection.execute(sql, (key,)).fetchone()
    return None if values is None else to_row(values)


def to_row(values: Values) -> RunRow:
    """A row of the table ``runs``, whose columns stand in the order of RunRow's members.

    Behind them are those that a newer version has added while this process had the file open.
    """
    row = RunRow(**dict(zip(RUN_COLUMNS, values[: len(RUN_COLUMNS)], strict=True)))
    row.cancel_requested, row.remote = bool(row.cancel_requested), bool(row.remote)
    return row


RUN_COLUMNS = (
    "id", "run_id", "epoch", "kind", "variant", "title", "status", "attempt", "seq", "nonce", "created_at",
    "started_at", "ended_at", "last_event_at", "owner", "progress", "stage", "message", "cancel_requested", "error",
    "size", "parent", "retry_of", "size_bytes", "log_bytes", "log_cut", "log_elided", "boot", "since",
    "arrived_at", "remote", "queue",
)  # fmt: skip


def create(connection: apsw.Connection, run: NewRun, clock: Clock) -> Created:
    """Make the log of a run, or recognise the one that this creation made before."""
    row = find_run(connection, run.run_id)
    if row is not None:
        check_same(row, run)
        return row.created(existed=True)
    values = (run.run_id, new_epoch(), run.kind, run.variant, run.at, run.at, run.parent, run.retry_of)
    execute(connection, "insert_run", *values, clock.boot(), clock.elapsed(), times.to_text(clock.wall()), run.remote)
    row = load_run(connection, run.run_id)
    append_own(connection, row, created_drafts(run))
    return row.created(existed=False)


def append_own(connection: apsw.Connection, row: RunRow, drafts: Sequence[Draft]) -> None:
    """Append events of the store's own making, which no reporter numbered, and save the row."""
    row.nonce = new_nonce()
    store_events(connection, row, prepare(tuple(drafts)), reporter="")
    save_run(connection, row)


def append(
    connection: apsw.Connection, batch: Batch, prepared: Sequence[Prepared], *, clock: Clock, log_limit: int
) -> Appended:
    """Append what is new of a batch; see ``EventStore.append``."""
    row = load_run(connection, batch.run_id)
    expected = _next_number(connection, row, batch.reporter)
    known, lost = admit(row, expected, batch)
    new = list(prepared[known:])
    before = row.seq
    if lost is not None:
        new.insert(0, gap_event(batch.reporter, lost, clock))
    if new:
        row.nonce = new_nonce()
        store_events(connection, row, new, reporter=batch.reporter)
        if any(isinstance(each.data, events.Log) for each in new):
            elide(connection, row, log_limit)
        wait_for_more(row, clock)
        expected = max(expected, batch.first + len(batch.events))
        execute(connection, "set_reporter_next", row.id, batch.reporter, expected)
    if row.show(batch) or new:
        save_run(connection, row)
    return Appended(
        cursor=row.cursor,
        first_seq=before + 1 if new else None,
        accepted=row.seq - before,
        next=expected,
        cancel_requested=row.cancel_requested,
    )


def _next_number(connection: apsw.Connection, row: RunRow, reporter: str) -> int:
    found = fetch_one(connection, "reporter_next", row.id, reporter)
    return 1 if found is None else int(found[0])


def store_events(connection: apsw.Connection, row: RunRow, new: Sequence[Prepared], *, reporter: str) -> None:
    """Number events, insert them, and keep what is kept beside them. The row's nonce is the append's."""
    before: Offsets = _offsets(connection, row) if any(isinstance(each.data, events.Log) for each in new) else {}
    offsets = dict(before)
    rows = [number(row, each.draft, each.data, each.tail, offsets) for each in new]
    connection.executemany(SQL["insert_event"], [_values(row.id, event) for event in rows])
    for each in new:
        beside = None if each.data is None else _BESIDE.get(type(each.data))
        if beside is not None:
            beside(connection, row, each, reporter)
    changed = [(row.id, *key, size) for key, size in offsets.items() if before.get(key) != size]
    if changed:
        connection.executemany(SQL["set_log_offset"], changed)


def _values(run: int, event: Row) -> tuple[int, int, int, str, int, bytes]:
    return (run, event.seq, event.nonce, event.type, RANK[event.priority], event.body)


def _offsets(connection: apsw.Connection, row: RunRow) -> Offsets:
    return {
        (stage, stream): size
        for stage, stream, size in fetch(
            connection,
            "log_offsets",
            row.id,
        )
    }


def save_run(connection: apsw.Connection, row: RunRow) -> None:
    """Write the row back."""
    connection.execute(SQL["update_run"], msgspec.structs.asdict(row))


def _keep_open_stage(connection: apsw.Connection, row: RunRow, event: Prepared, reporter: str) -> None:
    execute(connection, "open_stage", row.id, event.draft.stage, reporter)


def _keep_closed_stage(connection: apsw.Connection, row: RunRow, event: Prepared, _reporter: str) -> None:
    execute(connection, "close_stage", row.id, event.draft.stage)


def _keep_artifact(connection: apsw.Connection, row: RunRow, event: Prepared, _reporter: str) -> None:
    if isinstance(event.data, events.Artifact) and event.data.sha256 is not None:
        execute(connection, "set_artifact", row.id, event.data.name, event.data.sha256)


def _keep_heard(connection: apsw.Connection, row: RunRow, _event: Prepared, _reporter: str) -> None:
    if isinstance(connection, Connection):
        connection.heard = (*connection.heard, row.run_id)


def _keep_end(connection: apsw.Connection, row: RunRow, event: Prepared, _reporter: str) -> None:
    execute(connection, "close_stages", row.id)
    execute(connection, "drop_leases", row.id)
    past = past_run(row, event.data) if isinstance(event.data, events.RunCompleted) else None
    if past is None:
        return
    key = (row.kind, row.variant or "")
    stages = msgspec.json.encode(past.stages)
    execute(connection, "insert_past_run", *key, past.run_id, past.ended_at, past.duration, stages, row.size)
    execute(connection, "trim_past_runs", *key, PAST_RUNS_KEPT)


_BESIDE: dict[type[Data], Callable[[apsw.Connection, RunRow, Prepared, str], None]] = {
    events.StageStarted: _keep_open_stage,
    events.StageCompleted: _keep_closed_stage,
    events.StageFailed: _keep_closed_stage,
    events.StageSkipped: _keep_closed_stage,
    events.Artifact: _keep_artifact,
    events.RunCancelRequested: _keep_heard,
    events.InputGiven: _keep_heard,
    events.RunCompleted: _keep_end,
    events.RunFailed: _keep_end,
    events.RunCancelled: _keep_end,
}
