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

newest = _place.get
"""Where this thread or task was entered last, or None; it may have ended since."""


def enter_run(run: Reports) -> None:
    """From now on this thread or task is in the run."""
    _place.set(Place(run, run, _place.get()))


def enter_stage(stage: Reports) -> None:
    """From now on it is in the stage, if it is in a run."""
    here = place()
    if here is not None:
        _place.set(Place(here.run, stage, _place.get()))


def leave(what: Reports) -> None:
    """Back to where it was before, also when blocks end in another order than they began, as generators' may."""
    _place.set(_without(what, _place.get()))


def _without(what: Reports, here: Place | None) -> Place | None:
    if here is None or here.innermost is what:
        return None if here is None else here.outer
    return here._replace(outer=_without(what, here.outer))


def place() -> Place | None:
    """Where this thread or task is, or None; what has ended does not count, wherever it was entered."""
    here = _place.get()
    while here is not None and (here.run.over or here.innermost.over):
        here = here.outer
    return here
