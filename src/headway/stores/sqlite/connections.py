"""Connections to the file: how each is set up, and which files it has open."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import apsw

from headway.errors import StoreUnavailable, StoreUnsafe
from headway.ports.forking import in_child
from headway.stores.sqlite.forking import close_in_children, close_untouching, inside_sqlite

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
"""A file's inode and device."""


class Files(NamedTuple):
    """Which files a connection has open; None for those beside the database that are not there."""

    main: FileId
    wal: FileId | None
    shm: FileId | None


class Connection(apsw.Connection):
    """A connection that knows what it has open. Closed by ``close`` and ``let_go`` only, which take note of it.

    Attributes:
        files: Which files these are; None when it is closed.
        trusted_until: How long they need not be looked for again, on the monotonic clock.
        heard: Runs whose jobs must hear something that this transaction appends.
    """

    files: Files | None = None
    trusted_until = 0.0
    heard: tuple[str, ...] = ()


_opened: weakref.WeakSet[Connection] = weakref.WeakSet()
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


def file_id(name: str) -> FileId:
    """Which file is there. Raises OSError if there is none."""
    found = os.stat(name)  # noqa: PTH116 -- Path.stat takes longer
    return found.st_ino, found.st_dev


def files_at(names: Sequence[str]) -> Files:
    """Which files are at the names of a database, its write-ahead log and the log's index. Raises OSError."""
    return Files(file_id(names[0]), _id_if_there(names[1]), _id_if_there(names[2]))


def _id_if_there(name: str) -> FileId | None:
    try:
        return file_id(name)
    except FileNotFoundError:
        return None


def names_of(path: Path) -> tuple[str, str, str]:
    """The names of the three files that belong together."""
    return (str(path), f"{path}-wal", f"{path}-shm")


def connect(path: Path, *, create: bool = False) -> Connection:
    """A connection with our settings.

    Raises:
        StoreUnavailable: The file was replaced while it was being opened.
    """
    names = names_of(path)
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    with _opening:
        connection = Connection(names[0], flags=flags)
        close_in_children(connection)
        try:
            before = file_id(names[0])
            _set_up(connection)
            files = _the_same(before, files_at(names))
        except BaseException:
            close_untouching(connection)
            raise
        connection.files = files
        _opened.add(connection)
    return connection


def _the_same(main: FileId, files: Files) -> Files:
    if files.main != main:
        raise StoreUnavailable("the store's file was replaced while it was being opened")
    return files


def _set_up(connection: Connection) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    for name, value in PRAGMAS:
        connection.pragma(name, value)  # the first one reads the schema, and so opens what is beside the file


def close(connection: Connection) -> None:
    """Close a connection. The last one to a file moves what is in the write-ahead log, and takes that away."""
    _forget(connection)
    connection.close()


def let_go(connection: Connection) -> None:
    """Close a connection whose files are not in their place any more, and touch none of them."""
    if connection.files is not None:
        _forget(connection)
        close_untouching(connection)


def _forget(connection: Connection) -> None:
    connection.files = None
    with _opening:
        _opened.discard(connection)


@contextmanager
def connected(path: Path, *, create: bool = False) -> Iterator[Connection]:
    """A connection that is closed again. To be used inside SQLite's gate."""
    connection = connect(path, create=create)
    try:
        yield connection
    finally:
        close(connection)


def open_here(main: FileId) -> list[tuple[Connection, Files]]:
    """All connections that this process has to a file, whichever thread uses them now."""
    with _opening:
        here = [(connection, connection.files) for connection in _opened]
    return [(connection, files) for connection, files in here if files is not None and files.main == main]


def as_opened(names: Sequence[str], main: FileId) -> bool:
    """Whether ``main`` is at its name, and beside it is what this process's connections to it have open."""
    with _opening:  # while one is opened or closed, what is beside it comes and goes
        there = files_at(names)
        return there.main == main and all(files == there for _, files in open_here(main))


def beginning(path: Path, size: int) -> bytes | None:
    """The file's first bytes; None if this process has a connection to it.

    Whoever closes any descriptor of a file gives up all locks that the process has on it, SQLite's with them.
    """
    with inside_sqlite(), _opening:
        main = file_id(str(path))
        if open_here(main):
            return None
        with path.open("rb") as file:
            return file.read(size)


def _in_child() -> None:
    """After a fork: all are closed already."""
    for connection in list(_opened):
        _forget(connection)


in_child(_in_child)
