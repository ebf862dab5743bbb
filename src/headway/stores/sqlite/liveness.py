"""Owners, helpers and their leases, inside the writer's transaction; the store's own clock decides.

A lease is an instant on the clock of one start of the machine. After another start all leases have run out, since
nothing that held one is alive; but for the remote ones, whose holders may be on other machines: a server that begins
gives each of them its whole time again.
"""

from __future__ import annotations

import apsw

from headway.ports import Clock, Created, Lease, SweepRules, Swept
from headway.stores import ownership
from headway.stores.rows import RunRow
from headway.stores.sqlite.appending import append_own, load_run, load_run_by_key, save_run
from headway.stores.sqlite.queries import SQL, execute, fetch, fetch_one


def take_over(connection: apsw.Connection, lease: Lease, *, at: str, clock: Clock) -> Created:
    """See ``EventStore.take_over``; the lease says who takes over what."""
    row = load_run(connection, lease.run_id)
    previous = row.owner
    drafts = ownership.claim(row, lease.reporter, at)
    if drafts:
        append_own(connection, row, drafts)
    if drafts and previous is not None:
        execute(connection, "drop_lease", row.id, previous)
    _set_lease(connection, row, lease, clock)
    return row.created(existed=True)


def renew(connection: apsw.Connection, lease: Lease, clock: Clock) -> bool:
    """See ``EventStore.renew``."""
    row = load_run(connection, lease.run_id)
    drafts = ownership.renewal(row, lease, clock)
    if drafts:
        append_own(connection, row, drafts)
    _set_lease(connection, row, lease, clock)
    return row.cancel_requested


def _set_lease(connection: apsw.Connection, row: RunRow, lease: Lease, clock: Clock) -> None:
    if lease.owner and row.remote != lease.remote:
        row.remote = lease.remote
        save_run(connection, row)
    grace_s = lease.ttl_s if lease.remote else None
    execute(connection, "set_lease", row.id, lease.reporter.id, clock.boot(), clock.elapsed() + lease.ttl_s, grace_s)


def release(connection: apsw.Connection, run_id: str, reporter: str, attempt: int | None, clock: Clock) -> None:
    """See ``EventStore.release``."""
    row = load_run(connection, run_id)
    if ownership.leaves(row, reporter, attempt):
        execute(connection, "set_lease", row.id, reporter, clock.boot(), clock.elapsed(), None)
    else:
        execute(connection, "drop_lease", row.id, reporter)


def helpers(connection: apsw.Connection, run_id: str, clock: Clock) -> tuple[str, ...]:
    """See ``EventStore.helpers``."""
    row = load_run(connection, run_id)
    found = fetch(connection, "live_leases", row.id, clock.elapsed(), clock.boot())
    return tuple(reporter for (reporter,) in found if reporter != row.owner)


def anything_graced(connection: apsw.Connection) -> bool:
    """Whether there is anybody to give time to; asked by readers, so that most servers begin without writing."""
    return fetch_one(connection, "those_graced") is not None


def grant_grace(connection: apsw.Connection, clock: Clock) -> None:
    """See ``EventStore.grant_grace``."""
    for statement in ("grant_grace", "begin_waiting_anew"):
        connection.execute(SQL[statement], (clock.elapsed(), clock.boot()))


def anything_overdue(connection: apsw.Connection, rules: SweepRules, clock: Clock, *, remote: bool) -> bool:
    """Whether a sweep would find something to look at: asked by readers, so that idle sweeps write nothing."""
    return (
        fetch_one(connection, "expired_leases", clock.elapsed(), clock.boot(), remote) is not None
        or fetch_one(connection, "waiting_runs", *_waiting_since(rules, clock), remote) is not None
    )


def overdue(connection: apsw.Connection, rules: SweepRules, clock: Clock, *, remote: bool) -> list[str]:
    """The runs of which a sweep would say that they are lost, or have failed."""
    unowned, lost, boot = _waiting_since(rules, clock)
    return [run_id for (run_id,) in fetch(connection, "overdue_runs", clock.elapsed(), boot, remote, unowned, lost)]


def _waiting_since(rules: SweepRules, clock: Clock) -> tuple[float, float, str]:
    now = clock.elapsed()
    return now - rules.unowned_to_failed_s, now - rules.lost_to_failed_s, clock.boot()


def sweep(connection: apsw.Connection, rules: SweepRules, clock: Clock, *, remote: bool) -> Swept:
    """See ``EventStore.sweep``."""
    lost: list[str] = []
    helpers: list[str] = []
    for key, reporter in fetch(connection, "expired_leases", clock.elapsed(), clock.boot(), remote):
        execute(connection, "drop_lease", key, reporter)
        row = load_run_by_key(connection, key)
        if row is None or row.ended:
            continue
        if row.owner == reporter:
            lost += _lose(connection, row, clock)
        elif _fail_stages(connection, row, reporter, clock):
            helpers.append(row.run_id)
    return Swept(
        lost=tuple(lost), failed=_fail_waiting(connection, rules, clock, remote=remote), helpers=tuple(helpers)
    )


def _lose(connection: apsw.Connection, row: RunRow, clock: Clock) -> list[str]:
    drafts = ownership.loss(row, clock)
    if drafts:
        append_own(connection, row, drafts)
    return [row.run_id] if drafts else []


def _fail_stages(connection: apsw.Connection, row: RunRow, reporter: str, clock: Clock) -> bool:
    paths = [path for (path,) in fetch(connection, "stages_open_by", row.id, reporter)]
    if paths:
        append_own(connection, row, ownership.stage_failures(paths, clock))
    return bool(paths)


def _fail_waiting(connection: apsw.Connection, rules: SweepRules, clock: Clock, *, remote: bool) -> tuple[str, ...]:
    failed: list[str] = []
    for (key,) in fetch(connection, "waiting_runs", *_waiting_since(rules, clock), remote):
        row = load_run_by_key(connection, key)
        assert row is not None
        drafts = ownership.end_of_patience(row, rules, clock)
        if drafts:
            append_own(connection, row, drafts)
            failed.append(row.run_id)
        else:
            save_run(connection, row)
    return tuple(failed)
