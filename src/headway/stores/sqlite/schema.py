"""Opening a store's file: made anew, recognised, migrated, or refused and left as it is."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import closing
from importlib import resources
from pathlib import Path

import apsw

from headway.errors import StoreForeign, StoreTooNew, StoreUnavailable
from headway.stores.folders import sync_folder
from headway.stores.sqlite.connections import beginning, check_version, connected
from headway.stores.sqlite.forking import inside_sqlite
from headway.stores.sqlite.lock import WriterLock
from headway.stores.sqlite.orphans import set_aside

APPLICATION_ID = 0x48_44_57_59  # "HDWY"

# What every SQLite file begins with (https://sqlite.org/fileformat2.html#the_database_header).
_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_APPLICATION_ID_AT = 68


def migrations() -> list[str]:
    """The scripts that lead from an empty file to the newest schema; version N is what the first N make."""
    folder = resources.files(__package__).joinpath("migrations")
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return [file.read_text(encoding="utf-8") for file in files if file.name.endswith(".sql")]


def prepare(path: Path, scripts: Sequence[str] | None = None, *, create: bool = True) -> None:
    """Make sure that ``path`` is a store of the newest schema, that of ``scripts`` (by default, our migrations).

    Args:
        path: The file.
        scripts: What leads to the newest schema.
        create: Make it if it is not there.

    Raises:
        StoreUnavailable: It is not there, and is not to be made.
        StoreUnsafe: The SQLite in use is one that can lose data.
        StoreForeign: The file is not a store of ours.
        StoreTooNew: A newer Headway wrote it.
    """
    check_version()
    scripts = migrations() if scripts is None else scripts
    if path.exists() and not path.is_file():
        raise StoreForeign(f"{path} is not a file: choose another place for the store")
    if not _has_content(path):
        if not create:
            raise StoreUnavailable(f"{path} is empty")
        _create(path, scripts)
    _check_identity(path)
    if _version(path, len(scripts)) < len(scripts):
        _migrate(path, scripts)


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _create(path: Path, scripts: Sequence[str]) -> None:
    with closing(WriterLock(lock_path(path))) as lock, lock.held():
        if not _has_content(path):
            _create_whole(path, scripts)


def _create_whole(path: Path, scripts: Sequence[str]) -> None:
    # Made under another name and renamed when it is whole, so that nobody ever sees a store without its tables.
    unready = path.with_name(f"{path.name}-new-{secrets.token_hex(4)}")
    try:
        with inside_sqlite(), connected(unready, create=True) as connection:
            # Free pages can be given back to the disk only if this is set before the first table.
            connection.pragma("auto_vacuum", "INCREMENTAL")
            connection.pragma("application_id", APPLICATION_ID)
            _apply(connection, scripts)
            connection.pragma("journal_mode", "WAL")
        set_aside(path)
        unready.rename(path)
    finally:
        for leftover in path.parent.glob(f"{_escaped(unready.name)}*"):
            leftover.unlink(missing_ok=True)
    sync_folder(path.parent)


def _escaped(name: str) -> str:
    return "".join(f"[{character}]" if character in "[*?" else character for character in name)


def _apply(connection: apsw.Connection, scripts: Sequence[str]) -> None:
    connection.transaction_mode = "IMMEDIATE"
    with connection:
        done = connection.pragma("user_version")
        for script in scripts[done:]:
            connection.execute(script)
        connection.pragma("user_version", len(scripts))


def _check_identity(path: Path) -> None:
    # The bytes themselves, since SQLite would touch the file or what is beside it, and it may be somebody else's. Nor
    # could SQLite read it without locks: during a checkpoint, or after one that was killed, the file alone is no
    # database, only together with its write-ahead log.
    header = beginning(path, _HEADER_BYTES)
    if header is None:
        return  # it is a store: this process has it open
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise StoreForeign(
            f"{path} is not a Headway store, or its beginning is damaged; it was left as it is: choose another file"
        )
    if int.from_bytes(header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4], "big") != APPLICATION_ID:
        raise StoreForeign(f"{path} belongs to another application and was left as it is: choose another file")


def _version(path: Path, newest: int) -> int:
    # Through an ordinary connection: the newest version may still be in the write-ahead log.
    with inside_sqlite(), connected(path) as connection:
        version: int = connection.pragma("user_version")
    if version > newest:
        raise StoreTooNew(
            f"{path} was written by a newer Headway (its schema is {version}, this one knows {newest}) "
            "and was left as it is: upgrade this Headway"
        )
    return version


def _migrate(path: Path, scripts: Sequence[str]) -> None:
    with (
        closing(WriterLock(lock_path(path))) as lock,
        lock.held(),
        inside_sqlite(),
        connected(path) as connection,
    ):
        _apply(connection, scripts)


def lock_path(path: Path) -> Path:
    """Where the writers' lock of a store is."""
    return path.with_name(path.name + "-lock")


def bells_path(path: Path) -> Path:
    """Where the doorbells of a store's followers are."""
    return path.with_name(path.name + "-bells")
