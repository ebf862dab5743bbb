"""Listening to the progress bars of a library."""

from __future__ import annotations

import sys
import threading
from collections import deque
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Self

from headway.errors import MissingExtra
from headway.ports.forking import unforked
from headway.reporter import current
from headway.reporter.bridges.bar import Bar, open_bar
from headway.reporter.bridges.hooks import Hooks
from headway.reporter.bridges.stage_name import stage_name
from headway.reporter.bridges.whereabouts import here, in_own_thread
from headway.reporter.stage import Scope


class BarCapture:
    """From its making to its ``close``, or to the end of its ``with`` block, bars become stages.

    A bar belongs to the stage or run that its thread or task is in; those of threads that are in none, to where this
    was made.

    Attributes:
        display: Whether the library draws as it always does.
        closed: It listens no more.
    """

    def __init__(self, listeners: Listeners, run: Scope | None, *, display: bool) -> None:
        self.display = display
        self._listeners = listeners
        self._run = run
        self._made_in = run
        self._bars: dict[Bar, None] = {}
        self._late: deque[tuple[Bar, BaseException | None]] = deque()
        self.closed = False
        self._made_in = self.scope()
        listeners.add(self)

    @property
    def run(self) -> Scope | None:
        """The run that it was made for."""
        return self._run

    def scope(self) -> Scope | None:
        """Where a bar belongs that is made in this thread or task."""
        scope = here(self._run)
        return scope if isinstance(scope, Scope) else self._made_in

    def open(self, scope: Scope | None, description: object, default: str, *, holds: bool) -> Bar | None:
        """A bar of the library's begins; None if there is nowhere to show it."""
        self._end_late()
        if self.closed or scope is None:
            return None
        place = current.place()
        run = place.run if place is not None and isinstance(place.run, Scope) else scope
        bar = open_bar(scope, run, stage_name(description, default), sys.exception(), holds=holds)
        if bar is not None:
            self._bars[bar] = None
        return bar

    def end(self, bar: Bar, error: BaseException | None) -> None:
        """A bar of the library's ends."""
        if in_own_thread():
            # The garbage collector has found it there, and may hold up what a report would wait for.
            self._late.append((bar, error))
            return
        self._bars.pop(bar, None)
        bar.end(error)

    def close(self, error: BaseException | None = None) -> None:
        """Listen no more: the library is as it was, and the bars that are still open end here."""
        if not self.closed:
            self.closed = True
            self._listeners.remove(self)
            self._end_late()
            for bar in reversed(list(self._bars)):
                self.end(bar, error)

    def _end_late(self) -> None:
        while self._late:
            self.end(*self._late.popleft())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(error)


class Listeners:
    """Who listens to one library."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._captures: tuple[BarCapture, ...] = ()
        self._lock = threading.RLock()  # taken inside the gate only, so no child finds it taken

    def add(self, capture: BarCapture) -> None:
        """One more."""
        with unforked(), self._lock:
            self._captures = (*self._captures, capture)
        self._hooks.add()

    def remove(self, capture: BarCapture) -> None:
        """One less."""
        with unforked(), self._lock:
            self._captures = tuple(each for each in self._captures if each is not capture)
        self._hooks.remove()

    def listener(self) -> BarCapture | None:
        """Who is to get a bar that is opened here: who listens for its run, or else the newest."""
        captures = self._captures
        place = current.place()
        if place is not None:
            for capture in reversed(captures):
                if capture.run is place.run:
                    return capture
        return captures[-1] if captures else None


def library(name: str, wanted_by: str) -> ModuleType:
    """Another package's module, imported.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise MissingExtra(f"{wanted_by} needs {package}, which is not installed: pip install {package}") from error
