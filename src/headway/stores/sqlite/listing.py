"""Lists: the runs that are here, and what is remembered of those that were."""

from __future__ import annotations

import apsw
import msgspec

from headway.ports import PastRun, RunFilter, RunPage
from headway.stores.listing import contains, parse_page
from headway.stores.sqlite.appending import to_row
from headway.stores.sqlite.queries import fetch


def list_runs(connection: apsw.Connection, filter_: RunFilter, limit: int, page: str | None) -> RunPage:
    """See ``EventStore.list_runs``; a page is named by the last row before it."""
    where, bindings = _filter_conditions(filter_)
    if page is not None:
        where.append("id < ?")
        bindings.append(parse_page(page))
    if filter_.text is not None:
        connection.create_scalar_function("headway_contains", contains, deterministic=True)
    clause = f"WHERE {' AND '.join(where)}" if where else ""
    sql = f"SELECT * FROM runs {clause} ORDER BY id DESC LIMIT ?"  # noqa: S608
    rows = [to_row(values) for values in connection.execute(sql, (*bindings, limit + 1))]
    more = len(rows) > limit
    rows = rows[:limit]
    return RunPage(headers=tuple(row.header() for row in rows), next=str(rows[-1].id) if more and rows else None)


def _filter_conditions(filter_: RunFilter) -> tuple[list[str], list[object]]:
    where: list[str] = []
    bindings: list[object] = []
    for member, condition in (("kind", "kind = ?"), ("status", "status = ?"), ("since", "created_at >= ?")):
        value = getattr(filter_, member)
        if value is not None:
            where.append(condition)
            bindings.append(value)
    if filter_.text is not None:
        where.append("headway_contains(?, run_id, kind, title)")  # SQLite's LIKE knows the case of ASCII alone
        bindings.append(filter_.text.casefold())
    if filter_.runs is not None:
        where.append("EXISTS (SELECT 1 FROM json_each(?) WHERE substr(run_id, 1, length(value)) = value)")
        bindings.append(msgspec.json.encode(filter_.runs).decode())
    return where, bindings


def past_runs(connection: apsw.Connection, kind: str, variant: str | None) -> list[PastRun]:
    """See ``EventStore.past_runs``."""
    return [
        PastRun(
            run_id=run_id,
            ended_at=ended_at,
            duration=duration,
            stages=msgspec.json.decode(stages, type=dict[str, tuple[float, float]]),
            size=None if size is None else msgspec.json.decode(size),
        )
        for run_id, ended_at, duration, stages, size in fetch(connection, "past_runs", kind, variant or "")
    ]
