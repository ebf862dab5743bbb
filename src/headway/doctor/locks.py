"""Whether a store can be written now, or somebody keeps it locked."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw

from headway.doctor.check import Check, fine, problem
from headway.doctor.holders import Holder, Lock, holder, locks_on

PATIENCE_S = 1.0
"""Writers hold the lock for milliseconds; under many of them each still gets it within this time."""

LOOK_S = 0.02

BUSY_MS = 500


def check_locks(path: Path) -> Iterator[Check]:
    """Whether the writers' lock, and SQLite's own, are free.

    Args:
        path: The store's file, which must be one.
    """
    lock = path.with_name(path.name + "-lock")
    if not lock.exists():  # nobody has written yet
        yield _check_sqlite(path)
        return
    with lock.open("rb") as file:
        holders = _wait(file.fileno(), lock)
        if not holders:
            yield _check_sqlite(path)
        elif len(holders) > 1:
            yield fine("locks", f"many processes write to {path}")
        else:
            yield _held(next(iter(holders)), lock)


def _wait(fd: int, path: Path) -> set[Holder]:
    """Take the lock; if that fails, everybody who held it meanwhile."""
    holders: set[Holder] = set()
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holders |= {holder(lock, path) for lock in locks_on(path) if lock.pid != os.getpid()}
        else:
            return set()
        if time.monotonic() > until:
            return holders or {Holder(0, "", stopped=False)}
        time.sleep(LOOK_S)


def _held(who: Holder, lock: Path) -> Check:
    if who.stopped:
        remedy = f"let it go on with  kill -CONT {who.pid}  or end it with  kill -KILL {who.pid}"
        return problem("locks", f"{who} is stopped and keeps {lock} locked: nobody else can report", remedy)
    remedy = f"wait, or look at what it does:  ps -fp {who.pid}" if who.pid > 0 else "look for it:  lslocks"
    return problem("locks", f"{who} has kept {lock} locked for more than {PATIENCE_S:g} s", remedy)


def _check_sqlite(path: Path) -> Check:
    """Whether SQLite's own lock is free, which only strangers keep while ours is."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        connection.set_busy_timeout(BUSY_MS)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except (apsw.BusyError, apsw.LockedError):
            return _stranger(path)
    return fine("locks", "nobody keeps the store locked")


def _stranger(path: Path) -> Check:
    beside = path.with_name(path.name + "-shm")
    found = [
        holder(lock, place) for place in (beside, path) for lock in locks_on(place) if _blocks(lock, place == beside)
    ]
    others = [who for who in dict.fromkeys(found) if who.pid != os.getpid()]
    who = others[0] if others else Holder(0, "", stopped=False)
    remedy = (
        f"end its transaction, or the program:  kill {who.pid}" if who.pid > 0 else "end the program that has it open"
    )
    return problem("locks", f"{who} is no job, and keeps {path} locked", remedy)


WRITE_BYTE = 120
"""Of the write-ahead log's index, which the writer locks (https://sqlite.org/walformat.html)."""


def _blocks(lock: Lock, is_index: bool) -> bool:
    return lock.write and (not is_index or lock.first <= WRITE_BYTE)
