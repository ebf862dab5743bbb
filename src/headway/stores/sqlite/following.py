"""A follower of the file: asks one question for all runs, woken by its bell and, below that, by a poll."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import apsw

from headway.ports import Record
from headway.ports.store import READ_LIMIT
from headway.stores.sqlite.connections import connect
from headway.stores.sqlite.doorbell import Bell
from headway.stores.sqlite.failures import translated
from headway.stores.sqlite.queries import fetch, fetch_one
from headway.stores.sqlite.reading import to_record
from headway.stores.sqlite.schema import bells_path

POLL_S = 0.25
"""The net below the bell: how late news may be when a ring was lost, or none can be made."""


class SqliteFollower:
    """See ``Follower``."""

    def __init__(self, path: Path, *, from_beginning: bool) -> None:
        self._path = path
        self._bell = Bell(bells_path(path))
        self._connection = connect(path)
        self._seen_version = -1
        self._pos = 0 if from_beginning else self._newest()

    def _newest(self) -> int:
        with translated(self._path):
            found = fetch_one(self._connection, "newest_pos")
        return 0 if found is None else int(found[0])

    def read(self, limit: int = READ_LIMIT) -> Sequence[Record]:
        """See ``Follower.read``."""
        records: list[Record] = []
        with translated(self._path):
            found = fetch(self._connection, "follow", self._pos, limit)
        for pos, run_id, *values in found:
            self._pos = pos
            if values[0] == 0:
                records.append(to_record(bytes(values[-1]).decode(), values))
            elif run_id is not None:  # else the run was removed, which a later record says
                records.append(to_record(run_id, values))
        # Only removed runs' events were there: what comes behind them must not wait for the next ring.
        return self.read(limit) if found and not records else records

    def wait(self, timeout_s: float) -> bool:
        """See ``Follower.wait``."""
        deadline = time.monotonic() + timeout_s
        while True:
            remaining = deadline - time.monotonic()
            if self._bell.wait(min(POLL_S, max(0.0, remaining))) or self._changed():
                return True
            if remaining <= 0:
                return False

    def _changed(self) -> bool:
        with translated(self._path):
            version: int = self._connection.pragma("data_version")
        changed, self._seen_version = version != self._seen_version, version
        return changed

    def wake(self) -> None:
        """See ``Follower.wake``."""
        self._bell.wake()

    def close(self) -> None:
        """See ``Follower.close``."""
        self._bell.close()
        try:
            self._connection.close()
        except apsw.Error:
            return
