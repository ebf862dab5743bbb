"""Connections to the file: how each is set up, and a pool of readers that survives a fork."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from headway.errors import HeadwayError, StoreUnsafe
from headway.stores.sqlite.forking import close_in_children, inside_sqlite

FIXED_VERSION = (3, 51, 3)
"""Before this one, two processes that checkpoint could make a third lose committed transactions (WAL reset)."""

BUSY_TIMEOUT_MS = 5_000
"""How long to wait for programs that do not know our lock, such as a backup."""

PRAGMAS = (
    ("synchronous", "FULL"),  # a commit is on the disk before it returns
    ("wal_autocheckpoint", 0),  # checkpoints run off the commit path
    ("journal_size_limit", 32 * 1024 * 1024),  # what a long reader made the write-ahead log grow to is given back
    ("temp_store", "MEMORY"),
    ("cache_size", -16_000),
)
FileId = tuple[int, int]
"""A file's device and inode."""

_opened: weakref.WeakKeyDictionary[apsw.Connection, FileId] = weakref.WeakKeyDictionary()
_opening = threading.RLock()  # taken inside SQLite's gate only, so no child finds it taken


def check_version(version: str = "") -> None:
    """Raise StoreUnsafe if the SQLite in use is not one with the fix."""
    text = version or apsw.sqlite_lib_version()
    if tuple(int(part) for part in text.split(".")[:3]) < FIXED_VERSION:
        wanted = ".".join(map(str, FIXED_VERSION))
        raise StoreUnsafe(
            f"SQLite {text} can lose committed data when several processes write one file: "
            f"install an apsw that carries {wanted} or later (pip install -U apsw)"
        )


def file_id(path: Path) -> FileId:
    """Which file is at a path. Raises OSError if there is none."""
    found = os.stat(path)  # noqa: PTH116 -- for each commit; Path.stat takes twice as long
    return found.st_dev, found.st_ino


def connect(path: Path, *, create: bool = False) -> apsw.Connection:
    """A connection with our settings."""
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    with _opening:
        connection = apsw.Connection(str(path), flags=flags)
        _opened[connection] = file_id(path)
    close_in_children(connection)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    for name, value in PRAGMAS:
        connection.pragma(name, value)
    return connection


def beginning(path: Path, size: int) -> bytes | None:
    """The file's first bytes; None if this process has a connection to it.

    Whoever closes any descriptor of a file gives up all locks that the process has on it, SQLite's with them.
    """
    with inside_sqlite(), _opening:
        if file_id(path) in _opened.values():
            return None
        with path.open("rb") as file:
            return file.read(size)


class Readers:
    """Connections for reading, one for each thread that reads at the moment."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[apsw.Connection] = []

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A connection in a transaction: everything read inside belongs together. Keep it short."""
        with inside_sqlite(), self._lent() as connection:
            yield connection

    @contextmanager
    def _lent(self) -> Iterator[apsw.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = connect(self._path)
        try:
            with connection:
                yield connection
        except HeadwayError:  # an answer like any other
            self._idle.append(connection)
            raise
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def close(self) -> None:
        """Close those that are idle."""
        with inside_sqlite():
            while self._idle:
                self._idle.pop().close()

    def abandon(self) -> None:
        """After a fork, in the child."""
        self._idle = []
