"""Which run and stage this thread or task is in."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from headway.reporter.run import Run
    from headway.reporter.stage import Stage

_place: ContextVar[Run | Stage | None] = ContextVar("headway_place", default=None)

Entry: TypeAlias = "Token[Run | Stage | None]"


def enter(place: Run | Stage) -> Entry:
    """From now on this thread or task is in the run or stage."""
    return _place.set(place)


def leave(entry: Entry) -> None:
    """Back to where it was before."""
    try:
        _place.reset(entry)
    except ValueError:
        # The block ended in another context than it began in, as a generator may: there is nothing to go back to here.
        _place.set(None)


def place() -> Run | Stage | None:
    """The innermost run or stage, or None."""
    return _place.get()
