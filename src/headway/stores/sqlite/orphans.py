"""A write-ahead log whose database is gone.

SQLite goes by names: it would take what is beside a new database for that one's own, and lay the pages of the old one
over it. So it gets another name before the new one is opened. It is kept, since it may hold what is nowhere else.
"""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from pathlib import Path

from headway.stores.sqlite.connections import Files, file_id, names_of

logger = logging.getLogger("headway")


def set_aside(path: Path, only: Files | None = None) -> None:
    """Let nothing of another database be beside ``path``. The writers' lock must be held.

    Args:
        path: Where a new database is, or is about to be.
        only: The files of the other database; None for whatever is there.
    """
    _, wal_name, shm_name = names_of(path)
    with suppress(FileNotFoundError):
        if only is None or file_id(shm_name) == only.shm:
            Path(shm_name).unlink()
    with suppress(FileNotFoundError):
        if only is None or file_id(wal_name) == only.wal:
            _rename(Path(wal_name))


def _rename(wal: Path) -> None:
    if not wal.stat().st_size:
        wal.unlink()
        return
    kept = Path(f"{wal}-{secrets.token_hex(4)}")
    wal.rename(kept)
    logger.warning("%s was there without its database: it is kept as %s", wal, kept)
