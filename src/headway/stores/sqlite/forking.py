"""Forks: what a child must not inherit.

SQLite has locks inside that are shared by all connections of a process. A child that is forked while another thread
holds one would wait for it for ever, since that thread does not exist there. So a fork waits until no thread is inside
SQLite, for a moment at most.

In the child SQLite would still take the parent's locks on the files for its own, which the system does not give to
children: it takes no new ones while it remembers these, so whoever closes the file last elsewhere would remove the
write-ahead log that the child writes. So right after the fork the child closes all connections, which makes SQLite
forget everything, in the one way that touches nothing outside: without a checkpoint. Then it opens its own when it
needs them.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

import apsw

from headway.errors import StoreUnavailable
from headway.ports import forking


class Inherited(Protocol):
    """Something that a child must not use as its parent does."""

    def abandon(self) -> None:
        """In the child, right after the fork: forget the parent's things, whose connections are closed already."""


_inherited: weakref.WeakSet[Inherited] = weakref.WeakSet()
_connections: weakref.WeakSet[apsw.Connection] = weakref.WeakSet()


@contextmanager
def inside_sqlite() -> Iterator[None]:
    """To be held around every call of SQLite, and around nothing that waits for other processes.

    Raises:
        StoreUnavailable: This process was forked while another thread was inside SQLite, and would wait for it.
    """
    with forking.unforked():
        if not forking.is_whole():
            raise StoreUnavailable(
                "this process was forked while its parent waited for a disk, and cannot open the store any more: "
                "start processes by 'spawn' or 'forkserver'"
            )
        yield


def watch(thing: Inherited) -> None:
    """Abandon the thing in every child, for as long as it lives."""
    _inherited.add(thing)


def close_in_children(connection: apsw.Connection) -> None:
    """Close the connection in every child, for as long as it is open here."""
    _connections.add(connection)


def close_untouching(connection: apsw.Connection) -> None:
    """Close a connection and touch no file, whatever there is by the names of its files now."""
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.close()


def _in_child() -> None:
    for connection in list(_connections):
        try:
            _close_or_keep(connection)
        except apsw.ConnectionClosedError:
            continue
        except apsw.Error:
            forking.give_up()
            _keep(connection)
    for thing in list(_inherited):
        with suppress(OSError):  # one that cannot be let go of must not keep the others
            thing.abandon()


def _close_or_keep(connection: apsw.Connection) -> None:
    if not forking.is_whole():
        _keep(connection)
    elif not connection.in_transaction:
        close_untouching(connection)
    else:  # forked by the very thread whose transaction it is, which the parent will end
        connection.authorizer = lambda *_: apsw.SQLITE_DENY
        forking.give_up()
        _keep(connection)


def _keep(connection: apsw.Connection) -> None:
    # Never to be closed, not even at the interpreter's end.
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


forking.in_child(_in_child)
