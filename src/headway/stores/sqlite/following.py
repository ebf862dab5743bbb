"""A follower of the file: asks one question for all runs, woken by its bell and, below that, by a poll."""

from __future__ import annotations

import time
from collections.abc import Sequence

from headway.errors import Gap, StoreUnavailable
from headway.ports import Record
from headway.ports.store import READ_LIMIT
from headway.stores.journal import NOTICE, to_notice
from headway.stores.sqlite.connections import Connection, FileId
from headway.stores.sqlite.doorbell import Bell
from headway.stores.sqlite.failures import translated
from headway.stores.sqlite.forking import inside_sqlite, watch
from headway.stores.sqlite.location import Location
from headway.stores.sqlite.queries import Values, fetch, fetch_one
from headway.stores.sqlite.reading import to_record
from headway.stores.sqlite.schema import bells_path

POLL_S = 0.25
"""The net below the bell: how late news may be when a ring was lost, or none can be made."""


class SqliteFollower:
    """See ``Follower``. After a fork it goes on in both processes, each for itself."""

    def __init__(self, location: Location, *, from_beginning: bool) -> None:
        self._location = location
        self._path = location.path
        self._closed = False
        self._bell: Bell | None = None
        self._connection: Connection | None = None
        self._main: FileId | None = None
        self._forked = False
        self._seen_version = -1
        self._diverged = False
        self._pos, self._nonce = 0, 0
        with translated(self._path), inside_sqlite():
            connection = self._reading()
            if not from_beginning:
                self._pos, self._nonce = _newest(connection)
        watch(self)

    def _hearing(self) -> Bell:
        if self._closed:
            raise StoreUnavailable(f"this follower of {self._path} was closed")
        if self._bell is None:
            self._bell = Bell(bells_path(self._path))
        return self._bell

    def _reading(self) -> Connection:
        self._hearing()  # first, so that nothing comes between what is read and what is rung for
        connection = self._location.current(self._connection)
        if connection is not self._connection:
            self._connection = connection
            self._go_on_with(connection)
        return connection

    def _go_on_with(self, connection: Connection) -> None:
        """Find out whether a new connection has what was read before; if not, go on from its newest."""
        files = connection.files
        assert files is not None
        own = self._forked and files.main == self._main  # a child's own way to the same file
        self._main, self._forked = files.main, False
        if self._pos and not own and fetch_one(connection, "nonce_at_pos", self._pos) != (self._nonce,):
            self._pos, self._nonce = _newest(connection)
            self._diverged = True

    def read(self, limit: int = READ_LIMIT) -> Sequence[Record]:
        """See ``Follower.read``."""
        records: list[Record] = []
        # A removed run's events may be all that was found: what comes behind them must not wait for the next ring.
        while not records and (found := self._fetch(limit)):
            records = [record for values in found if (record := _to_record(values)) is not None]
        return records

    def _fetch(self, limit: int) -> list[Values]:
        with translated(self._path), inside_sqlite():
            connection = self._reading()
            if self._diverged:
                self._diverged = False
                raise Gap(
                    f"another file has taken the place of {self._path}: read anew what you follow", reason="diverged"
                )
            found = fetch(connection, "follow", self._pos, limit)
        if found:
            self._pos, self._nonce = found[-1][0], found[-1][3]
        return found

    def wait(self, timeout_s: float) -> bool:
        """See ``Follower.wait``."""
        deadline = time.monotonic() + timeout_s
        while True:
            remaining = deadline - time.monotonic()
            if self._is_rung(min(POLL_S, max(0.0, remaining))) or self._changed():
                return True
            if remaining <= 0:
                return False

    def _is_rung(self, timeout_s: float) -> bool:
        with translated(self._path):
            return self._hearing().wait(timeout_s)

    def _changed(self) -> bool:
        with translated(self._path), inside_sqlite():
            try:
                connection = self._reading()
            except StoreUnavailable:
                if self._closed:
                    raise
                return False  # there is nothing to read as long as it is away
            self._hearing().rehang()
            version: int = connection.pragma("data_version")
        changed, self._seen_version = version != self._seen_version or self._diverged, version
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
                self._location.close(self._connection)

    def abandon(self) -> None:
        """After a fork, in the child."""
        if self._bell is not None:
            self._bell.abandon()
        self._connection, self._bell, self._seen_version = None, None, -1
        self._forked = True


def _newest(connection: Connection) -> tuple[int, int]:
    """The newest position, and the nonce of its event; 0 if that is removed already."""
    found = fetch_one(connection, "newest_pos")
    if found is None:
        return 0, 0
    nonce = fetch_one(connection, "nonce_at_pos", found[0])
    return int(found[0]), 0 if nonce is None else int(nonce[0])


def _to_record(values: Values) -> Record | None:
    _pos, run_id, *event = values
    if run_id is None and event[2] == NOTICE:
        return to_notice(event[1], bytes(event[-1]))
    if event[0] == 0:  # the announcement of a removal carries the run's id
        return to_record(bytes(event[-1]).decode(), event)
    return None if run_id is None else to_record(run_id, event)  # None: removed, which a later record says
