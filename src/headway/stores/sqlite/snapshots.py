"""Stored states: one per run, the newest."""

from __future__ import annotations

import apsw

from headway.errors import Gap
from headway.ports import Snapshot
from headway.protocol.cursor import Cursor
from headway.stores.sqlite.appending import find_run, load_run
from headway.stores.sqlite.queries import execute, fetch_one
from headway.stores.sqlite.reading import check_cursor


def find(connection: apsw.Connection, run_id: str, fold: int, at_most: int | None) -> Snapshot | None:
    """See ``EventStore.snapshot``."""
    row = load_run(connection, run_id)
    found = fetch_one(
        connection,
        "snapshot",
        row.id,
    )
    if found is None or found[0] != fold or (at_most is not None and found[1] > at_most):
        return None
    return Snapshot(fold=found[0], cursor=Cursor(row.epoch, found[1], found[2]), body=found[3], log_cut=row.log_cut > 0)


def put(connection: apsw.Connection, run_id: str, new: Snapshot) -> bool:
    """See ``EventStore.put_snapshot``."""
    row = find_run(connection, run_id)
    if row is None or new.cursor.epoch != row.epoch or new.cursor.seq < 1:
        return False
    try:
        check_cursor(connection, row, new.cursor)
    except Gap:
        return False
    found = fetch_one(
        connection,
        "snapshot",
        row.id,
    )
    if found is not None and (found[0], found[1]) > (new.fold, new.cursor.seq):
        return False
    execute(connection, "put_snapshot", row.id, new.fold, new.cursor.seq, new.cursor.nonce, new.body)
    return True
