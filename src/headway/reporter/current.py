"""Which run and stage this thread or task is in."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple

from headway.reporter.reports import Reports


class Place(NamedTuple):
    """Where something runs: in a run, and in its innermost stage, or in the run itself once more."""

    run: Reports
    innermost: Reports
    outer: Place | None


_place: ContextVar[Place | None] = ContextVar("headway_place", default=None)


def enter_run(run: Reports) -> None:
    """From now on this thread or task is in the run."""
    _place.set(Place(run, run, _place.get()))


def enter_stage(stage: Reports) -> None:
    """From now on it is in the stage, if it is in a run."""
    outer = _place.get()
    if outer is not None:
        _place.set(Place(outer.run, stage, outer))


def leave(what: Reports) -> None:
    """Back to where it was before; nothing if it is elsewhere, as a generator's block may be when it ends."""
    here = _place.get()
    if here is not None and here.innermost is what:
        _place.set(here.outer)


def place() -> Place | None:
    """Where this thread or task is, or None."""
    return _place.get()
