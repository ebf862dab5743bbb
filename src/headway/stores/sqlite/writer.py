"""Group commit: what arrives while a commit is under way shares the next one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Generic, TypeVar

import apsw

from headway.errors import HeadwayError, StoreUnavailable
from headway.stores.sqlite import doorbell
from headway.stores.sqlite.checkpoints import Checkpointer
from headway.stores.sqlite.connections import Connection, let_go
from headway.stores.sqlite.failures import translate
from headway.stores.sqlite.forking import inside_sqlite
from headway.stores.sqlite.location import Location
from headway.stores.sqlite.lock import TIMEOUT_S, WriterLock
from headway.stores.sqlite.schema import bells_path, lock_path

T = TypeVar("T")

GROUP = 64
"""Operations in one transaction: bounds how long other processes wait for the lock."""


class _Request(Generic[T]):
    """An operation in the queue, and what became of it."""

    def __init__(self, operation: Callable[[apsw.Connection], T]) -> None:
        self.operation = operation
        self.done = False
        self.error: BaseException | None = None
        self.result: T | None = None

    def finish(self, failure: BaseException | None = None) -> None:
        # What the operation itself said counts only if the transaction that it was part of did.
        self.error = failure or self.error
        self.done = True

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # an operation may well return None


class Writer:
    """The one connection of this process that writes."""

    def __init__(self, location: Location, lock_timeout_s: float = TIMEOUT_S) -> None:
        self._location = location
        self._path = path = location.path
        self._bells = bells_path(path)
        self._lock = WriterLock(lock_path(path), lock_timeout_s)
        self._checkpointer = Checkpointer(location, lock_path(path))
        self._queue: deque[_Request[object]] = deque()
        self._turn = threading.Lock()
        self._wrote = False
        self._closed = False
        self._connection = self._connect(None)

    def _connect(self, before: Connection | None) -> Connection:
        connection = self._location.current(before)
        if connection is not before:
            connection.set_wal_hook(self._on_commit)
        return connection

    def _on_commit(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._wrote = True
        self._checkpointer.committed(pages)
        return apsw.SQLITE_OK

    def run(self, operation: Callable[[apsw.Connection], T]) -> T:
        """Run an operation in a transaction, and return when it is durable.

        The operation may share the transaction with others; an error that it raises undoes only its own changes,
        unless it is one of SQLite's or the system's. It may be run from any thread.
        """
        request = _Request(operation)
        self._queue.append(request)  # type: ignore[arg-type]  # the queue never looks at the results
        with self._turn:
            if self._closed:
                raise StoreUnavailable(f"{self._path} was closed")
            # Whoever had the turn before may have done this one's work already; and with many in the queue this one
            # may come only after the next commit.
            while not request.done:
                self._commit_queued()
        return request.outcome()

    def _commit_queued(self) -> None:
        # They leave the queue when they are done, so that no interruption makes one wait for nobody.
        requests = [request for request in list(islice(self._queue, GROUP)) if not request.done]
        failure: BaseException | None = None
        try:
            while not self._commit(requests):
                with inside_sqlite():
                    self._connection = self._connect(self._connection)
        except (apsw.Error, OSError, MemoryError, HeadwayError) as error:
            failure = translate(error, self._path)
        except BaseException as error:
            failure = StoreUnavailable(f"the commit to {self._path} was interrupted: {type(error).__name__}")
            raise
        finally:
            for request in requests:
                request.finish(failure)
            while self._queue and self._queue[0].done:
                self._queue.popleft()
        self._ring()

    def _commit(self, requests: list[_Request[object]]) -> bool:
        """Commit what the requests do; false, and nothing is done, if the file is not in its place any more."""
        with self._lock.held(), inside_sqlite():
            if not self._location.holds(self._connection):
                return False
            self._transaction(self._connection, requests)
            if not self._location.is_at(self._connection):
                raise StoreUnavailable(f"{self._path} was moved or replaced while it was written to")
        return True

    def _transaction(self, connection: Connection, requests: list[_Request[object]]) -> None:
        connection.heard = ()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for request in requests:
                self._attempt(connection, request)
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise

    def _attempt(self, connection: apsw.Connection, request: _Request[object]) -> None:
        connection.execute("SAVEPOINT operation")
        try:
            request.result = request.operation(connection)
        except (apsw.Error, OSError, MemoryError):
            raise
        except Exception as error:
            request.error = error
            connection.execute("ROLLBACK TO operation")
        connection.execute("RELEASE operation")

    def _ring(self) -> None:
        if self._wrote:
            self._wrote = False
            doorbell.ring_all(self._bells)
            for run_id in self._connection.heard:
                doorbell.ring_for(self._bells, run_id)

    def close(self) -> None:
        """Wait for the commit under way, then close."""
        with self._turn:
            if self._closed:
                return
            self._closed = True
            self._checkpointer.close()
            with inside_sqlite():
                self._location.close(self._connection)
            self._lock.close()


def _roll_back(connection: Connection) -> None:
    # SQLite has rolled back by itself after some errors of the disk.
    if connection.in_transaction:
        try:
            connection.execute("ROLLBACK")
        except apsw.Error:
            let_go(connection)  # nothing could ever begin on it; closing undoes what is left
