"""Whether the wall clock has jumped, as far as events tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw

from headway.doctor.check import Check, fine, warning
from headway.ports import Clock
from headway.progress.view import unix_s

JUMP_S = 60.0
"""Clocks that are corrected little by little differ by less."""

NEWEST_RUNS = 1_000

OLDEST_SANE = 1_735_689_600.0
"""The beginning of 2025: no Headway is older."""

NEWEST_EVENT = f"SELECT max(last_event_at) FROM (SELECT last_event_at FROM runs ORDER BY id DESC LIMIT {NEWEST_RUNS})"  # noqa: S608

# Jobs that run here now, on this start of the machine, and were never lost: of these alone it is known that the
# creation stands on both clocks, since an imported run brings its time along and a loss sets the other clock anew.
CREATIONS = """
SELECT r.created_at, r.since FROM runs AS r JOIN reporters AS l ON l.run = r.id AND l.reporter = r.owner
WHERE r.status = 'running' AND r.attempt = 1 AND r.boot = ?1 AND l.lease_boot = ?1 AND l.lease_until > ?2
AND NOT EXISTS (SELECT 1 FROM events WHERE run = r.id AND priority >= 2 AND type = 'run.lost')
"""


def check_clock(path: Path, clock: Clock) -> Iterator[Check]:
    """Compare the wall clock with the times in a store, and with the clock since the machine's start.

    Args:
        path: The store's file, which must be one.
        clock: The machine's clocks.
    """
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        ahead = _newest_event(connection) - clock.wall()
        jumped = _jump(connection, clock)
    remedy = "set the clock, and let NTP keep it; only times that are shown are wrong: durations and leases are not"
    if clock.wall() < OLDEST_SANE:
        yield warning("clock", "the clock is years behind", remedy)
    elif ahead > JUMP_S:
        yield warning("clock", f"the clock was set back: the newest event is {ahead:,.0f} s from now", remedy)
    elif abs(jumped) > JUMP_S:
        direction = "forward" if jumped > 0 else "back"
        yield warning("clock", f"the clock jumped {direction} by {abs(jumped):,.0f} s while a job was running", remedy)
    else:
        yield fine("clock", "the clock agrees with the times in the store")


def _newest_event(connection: apsw.Connection) -> float:
    ((newest,),) = connection.execute(NEWEST_EVENT).fetchall()
    return unix_s(None if newest is None else str(newest)) or 0.0


def _jump(connection: apsw.Connection, clock: Clock) -> float:
    """By how much the wall clock has gone ahead of the other since the creation of a job that runs; the largest."""
    now = clock.wall() - clock.elapsed()
    offsets = [
        now - (created - float(since))
        for at, since in connection.execute(CREATIONS, (clock.boot(), clock.elapsed()))
        if (created := unix_s(at)) is not None
    ]
    return max(offsets, key=abs, default=0.0)
