"""The SQLite store behind the port: each method one operation in the writer, or one short read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

import apsw

from headway.errors import InvalidTarget, StoreUnavailable
from headway.ports import (
    Appended,
    Batch,
    Clock,
    Created,
    Header,
    Lease,
    LogQuery,
    LogSlice,
    NewRun,
    Notice,
    Page,
    PastRun,
    Pruned,
    PrunePolicy,
    RunFilter,
    RunPage,
    Snapshot,
    SweepRules,
    Swept,
    SystemClock,
)
from headway.ports.store import READ_LIMIT
from headway.protocol import names
from headway.protocol.cursor import Cursor
from headway.protocol.events import Priority, ReporterInfo
from headway.stores.admission import check_limit, prepare_batch
from headway.stores.digest import bring_up_to_date
from headway.stores.retention import EndedRun, pruned
from headway.stores.sqlite import announcing, appending, listing, liveness, reading, removal, schema, snapshots
from headway.stores.sqlite.failures import translated
from headway.stores.sqlite.following import SqliteFollower
from headway.stores.sqlite.forking import inside_sqlite, watch
from headway.stores.sqlite.listening import SqliteListener
from headway.stores.sqlite.location import Location
from headway.stores.sqlite.lock import TIMEOUT_S
from headway.stores.sqlite.queries import fetch
from headway.stores.sqlite.readers import Readers
from headway.stores.sqlite.writer import Writer

T = TypeVar("T")

LOG_LIMIT_BYTES = 10_000_000
"""Text of ``log`` events kept per run; the oldest is cut, and said to be."""


def _resolved(path: Path | str) -> Path:
    try:
        resolved = Path(path).resolve()
        str(resolved).encode()
    except ValueError as error:
        raise InvalidTarget(f"{str(path)[:200]!r} cannot be the name of a store's file: {error}") from error
    return resolved


class SqliteEventStore:
    """Logs in one SQLite file, which any number of processes of one machine may write and follow at once.

    The file and its folder are made if they are missing. All methods may be called from any thread, and after a fork
    in both processes.

    Args:
        path: The file.
        clock: For times in the store's own events, and for leases.
        log_limit_bytes: How much log text is kept per run.
        lock_timeout_s: How long an append waits for the writers of other processes before it is StoreUnavailable.

    Raises:
        InvalidTarget: No file can have this name.
        StoreForeign, StoreTooNew, StoreCorrupt, StoreUnsafe: The file was left as it is.
        StoreUnavailable, StoreReadOnly, StoreFull: It cannot be opened now.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        clock: Clock | None = None,
        log_limit_bytes: int = LOG_LIMIT_BYTES,
        lock_timeout_s: float = TIMEOUT_S,
    ) -> None:
        # Resolved, so that the lock and the bells are the same ones whichever link somebody comes through.
        self.path = _resolved(path)
        self._clock = clock or SystemClock()
        self._log_limit = log_limit_bytes
        self._lock_timeout_s = lock_timeout_s
        self._making = threading.Lock()
        self._closed = False
        with translated(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            schema.prepare(self.path)
            self._location = Location(self.path)
            self._readers = Readers(self._location)
            self._writer: Writer | None = None
        watch(self)

    def _write(self, operation: Callable[[apsw.Connection], T]) -> T:
        return self._writing().run(operation)

    def _writing(self) -> Writer:
        # Made by the first append, so that who only reads needs no right to write.
        if self._closed:
            raise StoreUnavailable(f"{self.path} was closed")
        if self._writer is None:
            with translated(self.path), self._making, inside_sqlite():
                self._writer = self._writer or Writer(self._location, self._lock_timeout_s)
        return self._writer

    def _read(self, operation: Callable[[apsw.Connection], T]) -> T:
        if self._closed:
            raise StoreUnavailable(f"{self.path} was closed")
        with translated(self.path), self._readers.reading() as connection:
            return operation(connection)

    def create(self, run: NewRun) -> Created:
        """See ``EventStore.create``."""
        names.run_id(run.run_id)
        return self._write(lambda connection: appending.create(connection, run, self._clock))

    def take_over(self, run_id: str, reporter: ReporterInfo, at: str, ttl_s: float, *, remote: bool = False) -> Created:
        """See ``EventStore.take_over``."""
        lease = Lease(run_id=run_id, reporter=reporter, ttl_s=ttl_s, owner=True, remote=remote)
        return self._write(lambda connection: liveness.take_over(connection, lease, at=at, clock=self._clock))

    def append(self, batch: Batch) -> Appended:
        """See ``EventStore.append``."""
        prepared = prepare_batch(batch)
        return self._write(
            lambda connection: appending.append(
                connection, batch, prepared, clock=self._clock, log_limit=self._log_limit
            )
        )

    def header(self, run_id: str) -> Header:
        """See ``EventStore.header``."""
        return self._read(lambda connection: reading.header(connection, run_id))

    def read(
        self,
        run_id: str,
        after: Cursor | None = None,
        *,
        limit: int = READ_LIMIT,
        types: Collection[str] | None = None,
        priorities: Collection[Priority] | None = None,
    ) -> Page:
        """See ``EventStore.read``."""
        check_limit(limit)
        return self._read(lambda connection: reading.read(connection, run_id, after, limit, types, priorities))

    def cursor_at(self, run_id: str, seq: int) -> Cursor:
        """See ``EventStore.cursor_at``."""
        return self._read(lambda connection: reading.cursor_at(connection, run_id, seq))

    def read_log(self, run_id: str, query: LogQuery) -> LogSlice:
        """See ``EventStore.read_log``."""
        check_limit(query.limit)
        return self._read(lambda connection: reading.read_log(connection, run_id, query))

    def follow(self, *, from_beginning: bool = False) -> SqliteFollower:
        """See ``EventStore.follow``."""
        if self._closed:
            raise StoreUnavailable(f"{self.path} was closed")
        with translated(self.path):
            return SqliteFollower(self._location, from_beginning=from_beginning)

    def listen(self, run_id: str) -> SqliteListener:
        """See ``EventStore.listen``."""
        if self._closed:
            raise StoreUnavailable(f"{self.path} was closed")
        with translated(self.path):
            return SqliteListener(self.path, run_id)

    def snapshot(self, run_id: str, *, fold: int, at_most: int | None = None) -> Snapshot | None:
        """See ``EventStore.snapshot``."""
        return self._read(lambda connection: snapshots.find(connection, run_id, fold, at_most))

    def put_snapshot(self, run_id: str, snapshot: Snapshot) -> bool:
        """See ``EventStore.put_snapshot``."""
        return self._write(lambda connection: snapshots.put(connection, run_id, snapshot))

    def list_runs(self, filter_: RunFilter | None = None, *, limit: int = 50, page: str | None = None) -> RunPage:
        """See ``EventStore.list_runs``."""
        check_limit(limit)
        return self._read(lambda connection: listing.list_runs(connection, filter_ or RunFilter(), limit, page))

    def renew(self, lease: Lease) -> bool:
        """See ``EventStore.renew``."""
        return self._write(lambda connection: liveness.renew(connection, lease, self._clock))

    def release(self, run_id: str, reporter: str, *, attempt: int | None = None) -> None:
        """See ``EventStore.release``."""
        self._write(lambda connection: liveness.release(connection, run_id, reporter, attempt, self._clock))

    def helpers(self, run_id: str) -> tuple[str, ...]:
        """See ``EventStore.helpers``."""
        return self._read(lambda connection: liveness.helpers(connection, run_id, self._clock))

    def grant_grace(self) -> None:
        """See ``EventStore.grant_grace``."""
        if self._read(liveness.anything_graced):
            self._write(lambda connection: liveness.grant_grace(connection, self._clock))

    def sweep(self, rules: SweepRules | None = None, *, remote: bool = False) -> Swept:
        """See ``EventStore.sweep``."""
        wanted = rules or SweepRules()
        if not self._read(lambda connection: liveness.anything_overdue(connection, wanted, self._clock, remote=remote)):
            return Swept()
        overdue = self._read(lambda connection: liveness.overdue(connection, wanted, self._clock, remote=remote))
        bring_up_to_date(self, overdue, self._clock)
        return self._write(lambda connection: liveness.sweep(connection, wanted, self._clock, remote=remote))

    def past_runs(self, kind: str, variant: str | None = None) -> list[PastRun]:
        """See ``EventStore.past_runs``."""
        return self._read(lambda connection: listing.past_runs(connection, kind, variant))

    def kinds(self) -> list[str]:
        """See ``EventStore.kinds``."""
        return self._read(lambda connection: [kind for (kind,) in fetch(connection, "kinds")])

    def delete(self, run_id: str) -> None:
        """See ``EventStore.delete``."""
        self._write(lambda connection: removal.delete(connection, run_id, self._clock))
        self._clear()

    def prune(self, policy: PrunePolicy, *, dry_run: bool = False, stop: Callable[[], bool] = lambda: False) -> Pruned:
        """See ``EventStore.prune``."""
        chosen = self._read(lambda connection: removal.prunable(connection, policy, self._clock))
        if dry_run:
            return pruned(chosen)
        removed: list[EndedRun] = []
        for part in range(0, max(1, len(chosen)), removal.RUNS_AT_ONCE):
            if stop():
                break
            removed += self._remove(chosen[part : part + removal.RUNS_AT_ONCE])
        self._clear(stop)
        return pruned(removed)

    def _remove(self, chosen: list[EndedRun]) -> list[EndedRun]:
        return self._write(lambda connection: removal.remove(connection, chosen, self._clock))

    def _clear(self, stop: Callable[[], bool] = lambda: False) -> None:
        while not stop() and self._write(removal.clear_chunk):
            pass

    def announce(self, notice: Notice) -> None:
        """See ``EventStore.announce``."""
        self._write(lambda connection: announcing.announce(connection, notice))

    def artifact_digests(self) -> set[str]:
        """See ``EventStore.artifact_digests``."""
        return self._read(lambda connection: {digest for (digest,) in fetch(connection, "artifact_digests")})

    def close(self) -> None:
        """See ``EventStore.close``."""
        if self._closed:
            return
        self._closed = True
        with translated(self.path):
            if self._writer is not None:
                self._writer.close()
            self._readers.close()

    def abandon(self) -> None:
        """After a fork, in the child: what is the parent's is made anew when it is needed."""
        self._making = threading.Lock()
        self._readers.abandon()
        self._writer = None
