"""Where a store is, and whether what is open is still what is there.

SQLite goes on with the file that it has opened, wherever that is moved, and also when it is deleted. So before and
after each commit, and before each read, the files at the place are compared with those that the connection opened: the
database, its write-ahead log, and the log's index. As long as one is missing the store is out of reach; nothing is
closed, since it may come back. When others have taken their place they are opened anew, but not before they have been
left alone for a moment: of a store that somebody copies, the first file is there before the last.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from headway.errors import StoreUnavailable
from headway.ports import forking
from headway.stores.sqlite import schema
from headway.stores.sqlite.connections import (
    Connection,
    as_opened,
    close,
    connect,
    file_id,
    files_at,
    let_go,
    names_of,
    open_here,
)
from headway.stores.sqlite.forking import watch
from headway.stores.sqlite.lock import WriterLock
from headway.stores.sqlite.orphans import set_aside

logger = logging.getLogger("headway")

BESIDE_S = 0.02
"""Whoever removes a write-ahead log that is in use loses what is in it; when exactly that is noticed matters less than
what it costs each commit to look."""

SETTLE_S = 0.5
"""What has taken the store's place must be unchanged for so long: longer than between two files of one copy."""

SETTLE_AT_MOST_S = 10.0
"""A store that others write to all the time is opened after so long all the same."""

FORGOTTEN_S = 15.0
"""Reporters and followers look again sooner, as long as it is the same replacement that they wait for."""

ALONE_S = 1.0
"""How long to wait for those who read and write to come out; they are asked again."""

Look = tuple[tuple[int, int, int, int] | None, ...]
"""Of each file the inode, device, size and time of change."""


class _Newcomer(NamedTuple):
    """What is in the store's place, since when it is unchanged and there, and when that was last looked at."""

    look: Look
    unchanged_since: float
    there_since: float
    looked_at: float

    def is_of_now(self, look: Look, now: float) -> bool:
        """Whether what is there now is the same, and nobody can have been away in between."""
        there, was = look[0], self.look[0]
        return there is not None and was is not None and there[:2] == was[:2] and now < self.looked_at + FORGOTTEN_S


class Location:
    """One store's place, for all connections of a process.

    Args:
        path: The file: a store, and of the newest schema.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names = names_of(path)
        self._main = file_id(self._names[0])
        self._newcomer: _Newcomer | None = None
        self._turn = threading.Lock()
        watch(self)

    def is_at(self, connection: Connection) -> bool:
        """Whether the database that a connection has open is in its place."""
        files = connection.files
        if files is None:
            return False
        try:
            found = os.stat(self._names[0])  # noqa: PTH116 -- twice for each commit; Path.stat takes longer
        except OSError:
            return False
        return (found.st_ino, found.st_dev) == files.main

    def holds(self, connection: Connection) -> bool:
        """Whether the same is so of what is beside it, as of ``BESIDE_S`` ago at most."""
        if not self.is_at(connection):
            return False
        now = time.monotonic()
        if now < connection.trusted_until:
            return True
        try:
            held = files_at(self._names) == connection.files
        except OSError:
            return False
        connection.trusted_until = now + BESIDE_S if held else 0.0
        return held

    def current(self, connection: Connection | None) -> Connection:
        """This connection, if its files are in their place, or else a new one; then the old one is closed.

        Not to be called while the writers' lock is held.

        Raises:
            StoreUnavailable: There is no store now, or it is only just coming.
            StoreError: What is there cannot be opened.
        """
        if connection is not None and self.holds(connection):
            return connection
        if not self._is_as_it_was():
            self._accept()
        if connection is not None:
            if self.holds(connection):  # it came back
                return connection
            let_go(connection)
        return connect(self.path)

    def close(self, connection: Connection) -> None:
        """Close a connection: the last one to a file takes the write-ahead log away, but never another file's."""
        if self.holds(connection):
            close(connection)
        else:
            let_go(connection)

    def _is_as_it_was(self) -> bool:
        try:
            return as_opened(self._names, self._main)
        except FileNotFoundError as error:
            self._newcomer = None
            raise StoreUnavailable(f"{self.path} is not in its place any more") from error

    def _accept(self) -> None:
        """Return when what is at the place now may be opened."""
        if not self._turn.acquire(blocking=False):
            raise self._being_replaced()
        try:
            self._settle()
            if file_id(self._names[0]) != self._main:
                self._take_the_new_one()
            elif not self._is_as_it_was():
                self._begin_anew()
            self._newcomer = None
        finally:
            self._turn.release()

    def _take_the_new_one(self) -> None:
        for _, left in open_here(self._main):
            with closing(WriterLock(schema.lock_path(self.path))) as lock, lock.held():
                set_aside(self.path, left)
        schema.prepare(self.path, create=False)
        self._main = file_id(self._names[0])
        logger.info("another file has taken the place of %s: it is used from now on", self.path)

    def _begin_anew(self) -> None:
        # What is beside the database is not what it was. SQLite shares the log's index between all connections of a
        # process to one database, so it does not look at the new one before all are closed.
        with forking.alone(ALONE_S) as alone:
            if not alone:
                raise self._being_replaced()
            for connection, _ in open_here(self._main):
                let_go(connection)

    def _settle(self) -> None:
        now, look = time.monotonic(), self._look()
        last = self._newcomer
        if last is None or not last.is_of_now(look, now):
            last = _Newcomer(look, now, now, now)
        unchanged_since = last.unchanged_since if last.look == look else now
        self._newcomer = _Newcomer(look, unchanged_since, last.there_since, now)
        if now < unchanged_since + SETTLE_S and now < last.there_since + SETTLE_AT_MOST_S:
            raise self._being_replaced()

    def _being_replaced(self) -> StoreUnavailable:
        return StoreUnavailable(f"{self.path} is being replaced: it is used when that seems to be over")

    def _look(self) -> Look:
        return tuple(_look(name) for name in self._names)

    def abandon(self) -> None:
        """After a fork, in the child: a thread of the parent may have been here."""
        self._turn = threading.Lock()


def _look(name: str) -> tuple[int, int, int, int] | None:
    try:
        found = os.stat(name)  # noqa: PTH116 -- as in connections
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_dev, found.st_size, found.st_mtime_ns
