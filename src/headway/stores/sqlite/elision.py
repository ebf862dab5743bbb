"""Cutting the oldest log text of a run, inside the writer's transaction."""

from __future__ import annotations

import apsw

from headway.stores.retention import elided, eliding, too_much_log
from headway.stores.rows import RunRow
from headway.stores.sqlite.queries import execute, fetch

_CHUNK = 200  # events that are looked at in one statement


def elide(connection: apsw.Connection, row: RunRow, limit_bytes: int) -> None:
    """Cut the oldest log events once there is noticeably more than ``limit_bytes`` of text; the newest so many stay.

    For an append that has brought text: its last log event is told, and nobody has read that yet.
    """
    if not too_much_log(row, limit_bytes):
        return
    before = row.log_cut
    _cut(connection, row, limit_bytes)
    if row.log_cut > before:
        pos, body = fetch(connection, "newest_log_event", row.id)[0]
        execute(connection, "replace_body", eliding(row, body), pos)


def _cut(connection: apsw.Connection, row: RunRow, limit_bytes: int) -> None:
    chunk = 1  # often the first cannot be cut, when events are large beside the limit
    while found := fetch(connection, "oldest_log_events", row.id, row.log_elided, chunk):
        for pos, seq, body in found:
            shorter = elided(row, seq, body, limit_bytes)
            if shorter is None:
                return
            execute(connection, "replace_body", shorter, pos)
        chunk = _CHUNK
