"""A follower of the file: asks one question for all runs, woken by its bell and, below that, by a poll."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import apsw

from headway.errors import StoreUnavailable
from headway.ports import Record
from headway.ports.store import READ_LIMIT
from headway.stores.sqlite.connections import connect
from headway.stores.sqlite.doorbell import Bell
from headway.stores.sqlite.failures import translated
from headway.stores.sqlite.forking import inside_sqlite, watch
from headway.stores.sqlite.queries import Values, fetch, fetch_one
from headway.stores.sqlite.reading import to_record
from headway.stores.sqlite.schema import bells_path

POLL_S = 0.25
"""The net below the bell: how late news may be when a ring was lost, or none can be made."""


class SqliteFollower:
    """See ``Follower``. After a fork it goes on in both processes, each for itself."""

    def __init__(self, path: Path, *, from_beginning: bool) -> None:
        self._path = path
        self._closed = False
        self._bell: Bell | None = None
        self._connection: apsw.Connection | None = None
        self._seen_version = -1
        self._hearing()
        self._pos = 0 if from_beginning else self._newest()
        watch(self)

    def _hearing(self) -> Bell:
        if self._closed:
            raise StoreUnavailable(f"this follower of {self._path} was closed")
        if self._bell is None:
            self._bell = Bell(bells_path(self._path))
        return self._bell

    def _reading(self) -> apsw.Connection:
        self._hearing()  # first, so that nothing comes between what is read and what is rung for
        if self._connection is None:
            self._connection = connect(self._path)
        return self._connection

    def _newest(self) -> int:
        with translated(self._path), inside_sqlite():
            found = fetch_one(self._reading(), "newest_pos")
        return 0 if found is None else int(found[0])

    def read(self, limit: int = READ_LIMIT) -> Sequence[Record]:
        """See ``Follower.read``."""
        records: list[Record] = []
        # A removed run's events may be all that was found: what comes behind them must not wait for the next ring.
        while not records and (found := self._fetch(limit)):
            records = [record for values in found if (record := _to_record(values)) is not None]
        return records

    def _fetch(self, limit: int) -> list[Values]:
        with translated(self._path), inside_sqlite():
            found = fetch(self._reading(), "follow", self._pos, limit)
        if found:
            self._pos = found[-1][0]
        return found

    def wait(self, timeout_s: float) -> bool:
        """See ``Follower.wait``."""
        deadline = time.monotonic() + timeout_s
        while True:
            remaining = deadline - time.monotonic()
            if self._hearing().wait(min(POLL_S, max(0.0, remaining))) or self._changed():
                return True
            if remaining <= 0:
                return False

    def _changed(self) -> bool:
        with translated(self._path), inside_sqlite():
            version: int = self._reading().pragma("data_version")
        changed, self._seen_version = version != self._seen_version, version
        return changed

    def wake(self) -> None:
        """See ``Follower.wake``."""
        if self._bell is not None:
            self._bell.wake()

    def close(self) -> None:
        """See ``Follower.close``."""
        self._closed = True
        if self._bell is not None:
            self._bell.close()
        if self._connection is not None:
            with translated(self._path), inside_sqlite():
                self._connection.close()

    def abandon(self) -> None:
        """After a fork, in the child."""
        if self._bell is not None:
            self._bell.abandon()
        self._connection, self._bell, self._seen_version = None, None, -1


def _to_record(values: Values) -> Record | None:
    _pos, run_id, *event = values
    if event[0] == 0:  # the announcement of a removal carries the run's id
        return to_record(bytes(event[-1]).decode(), event)
    return None if run_id is None else to_record(run_id, event)  # None: removed, which a later record says
