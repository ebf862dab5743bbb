"""Opening a store's file: made anew, recognised, migrated, or refused and left as it is."""

from __future__ import annotations

import secrets
from importlib import resources
from pathlib import Path
from urllib.parse import quote

import apsw

from headway.errors import StoreForeign, StoreTooNew
from headway.stores.folders import sync_folder
from headway.stores.sqlite.connections import check_version, connect
from headway.stores.sqlite.lock import WriterLock

APPLICATION_ID = 0x48_44_57_59  # "HDWY"


def migrations() -> list[str]:
    """The scripts that lead from an empty file to the newest schema; version N is what the first N make."""
    folder = resources.files(__package__).joinpath("migrations")
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return [file.read_text(encoding="utf-8") for file in files if file.name.endswith(".sql")]


def prepare(path: Path) -> None:
    """Make sure that ``path`` is a store of the newest schema.

    Raises:
        StoreUnsafe: The SQLite in use is one that can lose data.
        StoreForeign: The file is not a store of ours.
        StoreTooNew: A newer Headway wrote it.
    """
    check_version()
    scripts = migrations()
    if not _has_content(path):
        _create(path, scripts)
    version = _recognised(path, len(scripts))
    if version < len(scripts):
        _migrate(path, scripts)


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _create(path: Path, scripts: list[str]) -> None:
    # Made under another name and renamed when it is whole, so that nobody ever sees a store without its tables.
    with_lock = WriterLock(lock_path(path))
    try:
        with with_lock.held():
            if not _has_content(path):
                _create_whole(path, scripts)
    finally:
        with_lock.close()


def _create_whole(path: Path, scripts: list[str]) -> None:
    unready = path.with_name(f"{path.name}-new-{secrets.token_hex(4)}")
    try:
        connection = connect(unready, create=True)
        # Free pages can be given back to the disk only if this is set before the first table.
        connection.pragma("auto_vacuum", "INCREMENTAL")
        connection.pragma("application_id", APPLICATION_ID)
        _apply(connection, scripts)
        connection.pragma("journal_mode", "WAL")
        connection.close()
        unready.rename(path)
    finally:
        unready.unlink(missing_ok=True)
    sync_folder(path.parent)


def _apply(connection: apsw.Connection, scripts: list[str]) -> None:
    connection.transaction_mode = "IMMEDIATE"
    with connection:
        done = connection.pragma("user_version")
        for script in scripts[done:]:
            connection.execute(script)
        connection.pragma("user_version", len(scripts))


def _recognised(path: Path, newest: int) -> int:
    """The file's schema version, read without touching the file or anything beside it."""
    uri = f"file:{quote(str(path.absolute()))}?immutable=1"
    connection = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        application = connection.pragma("application_id")
        version: int = connection.pragma("user_version")
    except apsw.NotADBError as error:
        raise StoreForeign(
            f"{path} is not a Headway store, or its beginning is damaged; it was left as it is: choose another file"
        ) from error
    finally:
        connection.close()
    if application != APPLICATION_ID:
        raise StoreForeign(f"{path} belongs to another application and was left as it is: choose another file")
    if version > newest:
        raise StoreTooNew(
            f"{path} was written by a newer Headway (its schema is {version}, this one knows {newest}) "
            "and was left as it is: upgrade this Headway"
        )
    return version


def _migrate(path: Path, scripts: list[str]) -> None:
    lock = WriterLock(lock_path(path))
    connection = connect(path)
    try:
        with lock.held():
            _apply(connection, scripts)
    finally:
        connection.close()
        lock.close()


def lock_path(path: Path) -> Path:
    """Where the writers' lock of a store is."""
    return path.with_name(path.name + "-lock")


def bells_path(path: Path) -> Path:
    """Where the doorbells of a store's followers are."""
    return path.with_name(path.name + "-bells")
