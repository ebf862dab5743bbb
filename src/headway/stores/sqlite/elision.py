"""Cutting the oldest log text of a run, inside the writer's transaction."""

from __future__ import annotations

import apsw

from headway.stores.retention import elided, too_much_log
from headway.stores.rows import RunRow
from headway.stores.sqlite.queries import execute, fetch

_CHUNK = 200  # events that are looked at in one statement


def elide(connection: apsw.Connection, row: RunRow, limit_bytes: int) -> None:
    """Cut the oldest log events down to ``limit_bytes`` of text once there is noticeably more."""
    if not too_much_log(row, limit_bytes):
        return
    while row.log_bytes - row.log_cut > limit_bytes:
        found = fetch(connection, "oldest_log_events", row.id, row.log_elided, _CHUNK)
        for pos, seq, body in found:
            if row.log_bytes - row.log_cut <= limit_bytes:
                return
            execute(connection, "replace_body", elided(row, seq, body), pos)
        if not found:
            return
