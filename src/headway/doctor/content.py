"""Whether the file is a store, of a version that is known, and whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw

from headway.doctor.check import Check, fine, problem
from headway.errors import HeadwayError, StoreCorrupt, StoreForeign, StoreTooNew

FAULTS_SHOWN = 3

RESTORE = "restore a copy, or move the file away with its -wal file, to begin anew"

REMEDIES: dict[type[HeadwayError], str] = {
    StoreForeign: "choose another file, with HEADWAY_URL or --url",
    StoreTooNew: "upgrade this Headway:  pip install -U headway",
    StoreCorrupt: RESTORE,
}


def check_content(path: Path) -> Iterator[Check]:
    """Open the file as a store, and let SQLite look through all of it.

    Args:
        path: The store's file, which must exist.
    """
    from headway.stores.sqlite import SqliteEventStore

    try:
        with closing(SqliteEventStore(path)) as store:
            store.list_runs(limit=1)
        yield _check_pages(path)
    except HeadwayError as error:
        remedy = next((text for kind, text in REMEDIES.items() if isinstance(error, kind)), "see what is said above")
        yield problem("file", str(error), remedy)


def _check_pages(path: Path) -> Check:
    faults = _faults(path)
    if faults:
        return problem("file", f"{path} is damaged: {'; '.join(faults)}", RESTORE)
    return fine("file", f"{path} is a store, and whole")


def _faults(path: Path) -> list[str]:
    try:
        with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
            found = connection.execute(f"PRAGMA quick_check({FAULTS_SHOWN})").fetchall()
    except apsw.Error as error:
        return [str(error)]
    return [str(text) for (text,) in found if text != "ok"]
