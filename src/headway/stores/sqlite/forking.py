"""Forks: what a child must not inherit.

SQLite has locks inside that are shared by all connections of a process. A child that is forked while another thread
holds one would wait for it for ever, since that thread does not exist there. So a fork waits until no thread is inside
SQLite, for a moment at most; in the child, everything that belongs to the parent is abandoned and made anew when it is
needed.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

PATIENCE_S = 5.0
"""A commit takes milliseconds; a disk that takes longer must not keep a job from starting its processes."""


class Inherited(Protocol):
    """Something that a child must not use as its parent does."""

    def abandon(self) -> None:
        """In the child, right after the fork: forget the parent's things without touching them."""


class _Gate:
    """Who is inside SQLite, and whether somebody is about to fork."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """In a child: nobody is inside, whatever the parent's threads were doing."""
        self._changed = threading.Condition(threading.Lock())
        self._inside = 0
        self._forking = False
        self._here = threading.local()

    @contextmanager
    def inside(self) -> Iterator[None]:
        if getattr(self._here, "depth", 0):
            yield  # a thread that is inside already must not wait for a fork that waits for it
            return
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._changed:
            if self._forking:
                self._changed.wait_for(lambda: not self._forking, PATIENCE_S)
            self._inside += 1
        self._here.depth = 1

    def _leave(self) -> None:
        self._here.depth = 0
        with self._changed:
            self._inside -= 1
            if self._forking:
                self._changed.notify_all()

    def before_fork(self) -> None:
        mine = getattr(self._here, "depth", 0)
        with self._changed:
            self._forking = True
            self._changed.wait_for(lambda: self._inside <= mine, PATIENCE_S)

    def after_fork(self) -> None:
        with self._changed:
            self._forking = False
            self._changed.notify_all()


_gate = _Gate()
_inherited: weakref.WeakSet[Inherited] = weakref.WeakSet()


def inside_sqlite() -> AbstractContextManager[None]:
    """To be held around every call of SQLite, and around nothing that waits for other processes."""
    return _gate.inside()


def watch(thing: Inherited) -> None:
    """Abandon the thing in every child, for as long as it lives."""
    _inherited.add(thing)


def _in_child() -> None:
    _gate.reset()
    for thing in list(_inherited):
        thing.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_gate.before_fork, after_in_parent=_gate.after_fork, after_in_child=_in_child)
