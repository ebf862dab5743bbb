"""One gate for forks: what no child may be forked in the middle of.

A child has the thread that forked and no other. Whatever another thread had taken at that moment stays taken there for
ever: SQLite's locks, which all connections of a process share, a module that was being imported, a store that was half
open. So whoever does such things goes through the gate, and a fork waits, for milliseconds, until nobody is inside.

There is one gate for everything, and it stands from the moment the reporter is imported. The interpreter copies the
list of what to call before a fork when the fork begins: a gate that is put up later, by the thread that another gate
holds the fork back for, would not hold it; and two gates would wait for each other.

What was registered first is called last before a fork. So ``logging``, which takes its lock there, must have been
imported before this module: a thread that is inside, and imports one with a logger, would wait for that lock, and the
fork for the thread.
"""

from __future__ import annotations

import logging  # noqa: F401 -- before this module, as said above
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

PATIENCE_S = 10.0
"""A commit takes milliseconds, and SQLite waits 5 s for other programs; a disk that takes longer must not keep a job
from starting its processes."""


class _Gate:
    """Which threads are inside, how deep, and which want it closed, since they are about to fork.

    Attributes:
        broken: This process was forked while another thread was inside all the same.
    """

    def __init__(self) -> None:
        self.broken = False
        self._depths: dict[int, int] = {}
        self._begin()

    def _begin(self) -> None:
        # Re-entrant, since a signal handler may fork in the middle of any step here.
        self._changed = threading.Condition(threading.RLock())
        self._closers: list[int] = []

    @contextmanager
    def inside(self) -> Iterator[None]:
        me = threading.get_ident()
        self._enter(me, 1)
        try:
            yield
        finally:
            self._leave(me, 1)

    @contextmanager
    def outside(self) -> Iterator[None]:
        me = threading.get_ident()
        depth = self._depths.get(me, 0)
        if not depth:
            yield
            return
        self._leave(me, depth)
        try:
            yield
        finally:
            self._enter(me, depth)

    def _enter(self, me: int, depth: int) -> None:
        with self._changed:
            # A thread that is inside already must not wait for a fork that waits for it, nor for its own.
            if self._closers and me not in self._depths and me not in self._closers:
                self._changed.wait_for(lambda: not self._closers, PATIENCE_S)
            self._depths[me] = self._depths.get(me, 0) + depth

    def _leave(self, me: int, depth: int) -> None:
        with self._changed:
            left = self._depths.pop(me, 0) - depth
            if left > 0:
                self._depths[me] = left
            elif self._closers:
                self._changed.notify_all()

    def close(self, patience_s: float) -> bool:
        """Let nobody in, and wait for those who are inside; whether all others have left."""
        with self._changed:
            self._closers.append(threading.get_ident())
            return self._changed.wait_for(lambda: not self._others(), patience_s)

    def open(self) -> None:
        me = threading.get_ident()
        with self._changed:
            if me in self._closers:  # not if this module was imported in the middle of the fork
                self._closers.remove(me)
            self._changed.notify_all()

    def before_fork(self) -> None:
        self.close(PATIENCE_S)

    def _others(self) -> bool:
        return bool(self._depths.keys() - {threading.get_ident()})

    def in_child(self) -> None:
        self.broken = self.broken or self._others()
        me = threading.get_ident()
        self._depths = {me: self._depths[me]} if me in self._depths else {}
        self._begin()
        for call in _in_child:
            call()


_in_child: list[Callable[[], None]] = []
_gate = _Gate()


def unforked() -> AbstractContextManager[None]:
    """To be held around what no child may be forked in the middle of; a thread may hold it more than once.

    Only for what ends soon by itself: never while waiting for other processes, or for a thread that may want it too.
    """
    return _gate.inside()


def forkable() -> AbstractContextManager[None]:
    """To be held around a wait within ``unforked``, where a child would be whole: forks go ahead in the meantime."""
    return _gate.outside()


@contextmanager
def alone(patience_s: float) -> Iterator[bool]:
    """Keep all other threads from being inside; false if some still are after ``patience_s`` seconds.

    Not for two threads at once that are inside themselves.
    """
    try:
        yield _gate.close(patience_s)
    finally:
        _gate.open()


def in_child(call: Callable[[], None]) -> None:
    """Call this in every child, before anything else of Headway's; in the order of these calls."""
    _in_child.append(call)


def is_whole() -> bool:
    """Whether what ``unforked`` protects may be used: false in a child that was forked too early."""
    return not _gate.broken


def give_up() -> None:
    """Say that this process is such a child."""
    _gate.broken = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_gate.before_fork, after_in_parent=_gate.open, after_in_child=_gate.in_child)
