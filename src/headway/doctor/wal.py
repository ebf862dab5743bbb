"""The write-ahead log: how large it is, and who keeps it from being moved into the file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw

from headway.doctor.check import Check, fine, warning
from headway.doctor.holders import Holder, holder, locks_on

LARGE_BYTES = 64 * 1024 * 1024
"""Twice what a store gives back: readers are slow in a longer one."""

READER_BYTES = range(123, 128)
"""Of the log's index: each reader locks one (https://sqlite.org/walformat.html)."""

LONG_S = 0.5
"""Headway's own readers take milliseconds."""


def check_wal(path: Path) -> Iterator[Check]:
    """Whether what was committed goes into the file.

    Args:
        path: The store's file, which must be one.
    """
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        connection.execute(
            "SELECT 1 FROM runs LIMIT 1"
        ).fetchall()  # the checkpoint of one that has read nothing is none
        pages, moved = _checkpoint(connection)
        if moved < pages:
            time.sleep(LONG_S)
            again, moved_again = _checkpoint(connection)
            if moved_again < again and moved_again == moved:
                yield _reader(path)
                return
        yield _size(path)


def check_orphans(path: Path) -> Iterator[Check]:
    """Whether a write-ahead log was found without its database, and kept under another name.

    Args:
        path: The store's file.
    """
    prefix = f"{path.name}-wal-"
    for found in sorted(place for place in path.parent.iterdir() if place.name.startswith(prefix)):
        yield warning(
            "wal",
            f"{found} is the write-ahead log of another database that was here; the newest events may be in it alone",
            f"rename it to {path.name}-wal beside that database, if you have it elsewhere; if not, remove it",
        )


def _checkpoint(connection: apsw.Connection) -> tuple[int, int]:
    try:
        return connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    except apsw.BusyError:  # somebody else is at it
        return 0, 0


def _size(path: Path) -> Check:
    size_bytes = _bytes_of(path)
    if size_bytes > LARGE_BYTES:
        return warning(
            "wal",
            f"the write-ahead log has {size_bytes / 1e6:,.0f} MB, more than a store leaves there by itself",
            "end long transactions of other programs; the next job that reports makes it smaller",
        )
    return fine("wal", f"the write-ahead log has {size_bytes / 1e6:,.1f} MB, and nobody keeps it from being moved")


def _bytes_of(path: Path) -> int:
    try:
        return path.with_name(path.name + "-wal").stat().st_size
    except FileNotFoundError:
        return 0


def _reader(path: Path) -> Check:
    index = path.with_name(path.name + "-shm")
    readers = [holder(lock, index) for lock in locks_on(index) if not lock.write and lock.first in READER_BYTES]
    who = next(iter(readers), Holder(0, "", stopped=False))
    remedy = f"end its transaction, or the program:  kill {who.pid}" if who.pid > 0 else "end long transactions on it"
    size = f"{_bytes_of(path) / 1e6:,.1f} MB"
    return warning(
        "wal", f"{who} reads in a long transaction, while the write-ahead log ({size}) can only grow", remedy
    )
