"""Somebody else's methods, replaced while we listen."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec

from headway.ports.forking import unforked

logger = logging.getLogger("headway")

P = ParamSpec("P")

# The methods of other people's classes, of whatever signature: they are passed through as they are.
Method = Callable[..., Any]
Wrap = Callable[[Method], Method]


class Hooks:
    """Wrapped methods of one class; put in place by the first who listens, taken away by the last.

    A hook calls the method that it wraps, and must do nothing else when nobody listens: somebody may have kept it.

    Args:
        owner: The class.
        wraps: Each method's name, and what makes the hook from the method.
    """

    def __init__(self, owner: type, wraps: Mapping[str, Wrap]) -> None:
        self._owner = owner
        self._wraps = wraps
        self._lock = threading.RLock()  # taken inside the gate only, so no child finds it taken
        self._listening = 0
        self._settling = False
        self._replaced: list[tuple[str, object, Method]] = []

    def add(self) -> None:
        """One more listens."""
        with unforked(), self._lock:
            self._listening += 1
            self._settle()

    def remove(self) -> None:
        """One less; after the last the methods are what they were, but for those that others replaced meanwhile."""
        with unforked(), self._lock:
            self._listening -= 1
            self._settle()

    def _settle(self) -> None:
        if self._settling:  # by whom a signal handler has interrupted: it goes on with what is changed here
            return
        self._settling = True
        try:
            while bool(self._replaced) != bool(self._listening):
                if self._listening:
                    for name, wrap in self._wraps.items():
                        self._replace(name, wrap)
                else:
                    self._restore()
        finally:
            self._settling = False

    def _restore(self) -> None:
        for name, original, hook in self._replaced:
            if self._owner.__dict__.get(name) is hook:
                setattr(self._owner, name, original)
        self._replaced.clear()

    def _replace(self, name: str, wrap: Wrap) -> None:
        original: object = self._owner.__dict__[name]
        method: Method = getattr(self._owner, name)  # what is in the class may be no function, but make one
        hook = functools.wraps(method)(wrap(method))
        setattr(self._owner, name, hook)
        self._replaced.append((name, original, hook))


_told: set[str] = set()


def harmless(report: Callable[P, None]) -> Callable[P, None]:
    """What goes wrong in a report is told once, and never to the job."""

    @functools.wraps(report)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            report(*args, **kwargs)
        except Exception:
            if report.__qualname__ not in _told:
                _told.add(report.__qualname__)
                logger.warning("a progress bar could not be reported", exc_info=True)

    return call
