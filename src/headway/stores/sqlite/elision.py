"""Cutting the oldest log text of a run, inside the writer's transaction."""

from __future__ import annotations

import apsw

from headway.stores.retention import elided, too_much_log
from headway.stores.rows import RunRow
from headway.stores.sqlite.queries import execute, fetch

_CHUNK = 200  # events that are looked at in one statement


def elide(connection: apsw.Connection, row: RunRow, limit_bytes: int) -> None:
    """Cut the oldest log events once there is noticeably more than ``limit_bytes`` of text; the newest so many stay."""
    if not too_much_log(row, limit_bytes):
        return
    chunk = 1  # often the first cannot be cut, when events are large beside the limit
    while found := fetch(connection, "oldest_log_events", row.id, row.log_elided, chunk):
        for pos, seq, body in found:
            shorter = elided(row, seq, body, limit_bytes)
            if shorter is None:
                return
            execute(connection, "replace_body", shorter, pos)
        chunk = _CHUNK
