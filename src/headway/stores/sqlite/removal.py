"""Removing runs: at once for everybody who asks, while the events themselves go a few thousand at a time."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from headway.errors import RunActive
from headway.ports import Clock, PrunePolicy
from headway.protocol import times
from headway.stores.retention import EndedRun, choose
from headway.stores.rows import RunRow
from headway.stores.sqlite.appending import load_run, load_run_by_key
from headway.stores.sqlite.queries import SQL, execute, fetch, fetch_one

CHUNK = 5_000
"""Events removed in one transaction: other writers wait no longer than for a large append."""

PAGES_AT_ONCE = 1_000
"""Pages given back to the disk in one transaction, for the same reason."""

PAGES_KEPT = 256
"""A megabyte of free pages is not worth the work: the next events fill them."""

RUNS_AT_ONCE = 100
"""Runs removed in one transaction, for the same reason."""

REMEMBERED_S = 30 * 24 * 3600.0
"""How long a removed run is answered with ``deleted`` instead of "not found"."""


def delete(connection: apsw.Connection, run_id: str, clock: Clock) -> None:
    """Remove a run for everybody who asks; ``clear_chunk`` does the rest."""
    row = load_run(connection, run_id)
    if not row.ended:
        raise RunActive(f"run {run_id!r} has not ended ({row.status}): cancel it first")
    _remove(connection, row, clock)


def _remove(connection: apsw.Connection, row: RunRow, clock: Clock) -> None:
    execute(connection, "delete_run", row.id)
    for table in ("reporters", "open_stages", "log_offsets", "snapshots", "artifacts"):
        connection.execute(f"DELETE FROM {table} WHERE run = ?", (row.id,))  # noqa: S608
    execute(connection, "announce_removal", row.id, row.run_id.encode())
    connection.execute(SQL["remember_removal"], (row.id, row.run_id, row.epoch, times.to_text(clock.wall())))


def clear_chunk(connection: apsw.Connection) -> bool:
    """Remove some of the events of removed runs, or give some free pages back; false when there is no more to do."""
    found = fetch_one(connection, "uncleared")
    if found is None:
        return _give_back(connection)
    execute(connection, "clear_events", found[0], CHUNK)
    if connection.changes() < CHUNK:
        execute(connection, "mark_cleared", found[0])
    return True


def _give_back(connection: apsw.Connection) -> bool:
    if connection.pragma("freelist_count") < PAGES_KEPT:
        return False
    # It gives a row for each page, and does no more than is fetched.
    connection.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()
    return True


def forget(connection: apsw.Connection, clock: Clock) -> None:
    """Forget what was removed long ago."""
    before = times.to_text(clock.wall() - REMEMBERED_S)
    for (key,) in fetch(connection, "forget_removed", before):
        execute(connection, "forget_announcement", key)
        execute(connection, "forget_removal", key)


def prunable(connection: apsw.Connection, policy: PrunePolicy, clock: Clock) -> list[EndedRun]:
    """The runs that the policy removes."""
    ended = [EndedRun(*values) for values in fetch(connection, "ended_runs")]
    all_bytes = fetch(connection, "all_bytes")[0][0]
    return choose(ended, all_bytes, policy, clock)


def remove(connection: apsw.Connection, chosen: Sequence[EndedRun], clock: Clock) -> list[EndedRun]:
    """Remove those of the runs that are still there; forget what was removed long ago."""
    found = [(run, load_run_by_key(connection, run.key)) for run in chosen]
    for _, row in found:
        if row is not None:
            _remove(connection, row, clock)
    forget(connection, clock)
    return [run for run, row in found if row is not None]
