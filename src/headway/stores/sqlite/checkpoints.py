"""Moving committed pages from the write-ahead log into the file, off the commit path.

A passive checkpoint disturbs nobody, but the write-ahead log starts over only when a writer finds all of it moved and
no reader in it. Under constant writing that never happens by itself, so when the log has grown large the rest is moved
while the writers' lock is held, which takes milliseconds.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import apsw

from headway.errors import HeadwayError
from headway.stores.sqlite.connections import Connection
from headway.stores.sqlite.failures import translated
from headway.stores.sqlite.forking import inside_sqlite
from headway.stores.sqlite.location import Location
from headway.stores.sqlite.lock import WriterLock

PASSIVE_PAGES = 1_000
"""About 4 MB: what SQLite itself checkpoints at."""

LOCKED_PAGES = 8_000
"""About 32 MB: reading through a longer log slows every reader down."""


class Checkpointer:
    """A thread that is started by the first commit that needs it."""

    def __init__(self, location: Location, lock_path: Path) -> None:
        self._location = location
        self._lock = WriterLock(lock_path)
        self._connection: Connection | None = None
        self._wanted = threading.Condition()
        self._pages = 0
        self._stopped = False
        self._thread: threading.Thread | None = None

    def committed(self, pages: int) -> None:
        """A commit has left ``pages`` pages in the write-ahead log."""
        if pages < PASSIVE_PAGES or self._stopped:
            return
        with self._wanted:
            self._pages = pages
            self._wanted.notify()
            if self._thread is None:
                self._start()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="headway-checkpoint", daemon=True)
        with suppress(RuntimeError):  # the interpreter is ending, or has too many: whoever opens next does it
            thread.start()
            self._thread = thread

    def close(self) -> None:
        """End the thread."""
        with self._wanted:
            self._stopped = True
            self._wanted.notify()
        if self._thread is not None:
            self._thread.join()
        if self._connection is not None:
            with inside_sqlite():
                self._location.close(self._connection)
        self._lock.close()

    def _run(self) -> None:
        # What goes wrong loses nothing: the pages stay in the log, a later commit asks again, and what is the matter
        # with the disk is told to whoever appends.
        while self._next():
            with suppress(HeadwayError), translated(self._location.path):
                self._checkpoint()

    def _next(self) -> bool:
        with self._wanted:
            self._wanted.wait_for(lambda: self._stopped or self._pages)
            self._pages = 0
            return not self._stopped

    def _checkpoint(self) -> None:
        with inside_sqlite():
            self._connection = connection = self._location.current(self._connection)
        if _move(connection) > LOCKED_PAGES:
            with self._lock.held():
                _move(connection)


def _move(connection: apsw.Connection) -> int:
    """Move what can be moved; how many pages the log has."""
    with inside_sqlite():
        pages, _moved = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    return pages
