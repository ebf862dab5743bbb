"""Forks: what a child must not inherit.

SQLite has locks inside that are shared by all connections of a process. A child that is forked while another thread
holds one would wait for it for ever, since that thread does not exist there. So a fork waits until no thread is inside
SQLite, for a moment at most; in the child, everything that belongs to the parent is abandoned and made anew when it is
needed.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from headway.errors import StoreUnavailable
from headway.ports import forking


class Inherited(Protocol):
    """Something that a child must not use as its parent does."""

    def abandon(self) -> None:
        """In the child, right after the fork: forget the parent's things without touching them."""


_inherited: weakref.WeakSet[Inherited] = weakref.WeakSet()


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


def _in_child() -> None:
    for thing in list(_inherited):
        thing.abandon()


forking.in_child(_in_child)
