"""A pool of connections for reading, which survives a fork."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from headway.errors import HeadwayError
from headway.stores.sqlite.connections import Connection
from headway.stores.sqlite.forking import inside_sqlite
from headway.stores.sqlite.location import Location


class Readers:
    """Connections for reading, one for each thread that reads at the moment."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._idle: list[Connection] = []
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection in a transaction: everything read inside belongs together. Keep it short.

        Raises:
            StoreUnavailable: The file is not in its place.
        """
        with inside_sqlite(), self._lent() as connection:
            yield connection

    @contextmanager
    def _lent(self) -> Iterator[Connection]:
        connection = self._taken()
        try:
            with connection:
                yield connection
        except HeadwayError:  # an answer like any other
            self._take_back(connection)
            raise
        except BaseException:
            self._location.close(connection)
            raise
        self._take_back(connection)

    def _take_back(self, connection: Connection) -> None:
        self._idle.append(connection)
        if self._closed:  # in the meantime
            self.close()

    def _taken(self) -> Connection:
        try:
            idle = self._idle.pop()
        except IndexError:
            return self._location.current(None)
        try:
            return self._location.current(idle)
        except BaseException:
            self._idle.append(idle)  # the file may come back
            raise

    def close(self) -> None:
        """Close those that are idle now, and the others when they are given back."""
        self._closed = True
        with inside_sqlite(), suppress(IndexError):
            while True:
                self._location.close(self._idle.pop())

    def abandon(self) -> None:
        """After a fork, in the child."""
        self._idle = []
