"""How much runs of other kinds vary: what a kind with few runs of its own borrows."""

from collections.abc import Iterable
from math import log, sqrt

from headway.progress.remaining.distribution import USUAL_SPREAD, deviation
from headway.progress.remaining.history import History

ENOUGH = 5
"""Runs from which on a kind's own spread can be told."""
FEW_RUNS = 10
"""From so many runs on a kind's own spread tells more than that of others."""


def own_square(history: History) -> float | None:
    """The square of how much a kind's own runs vary; None if it has too few."""
    if len(history.runs) < ENOUGH:
        return None
    sample = sorted((log(max(run.duration, 1e-6)), 1.0) for run in history.runs)
    return deviation(sample, USUAL_SPREAD) ** 2


def pooled(squares: Iterable[float]) -> float:
    """The quadratic mean over the other kinds, and one usual kind.

    Quadratic, since a kind that varies a lot is what an interval must allow for; the usual kind counts as one
    more. Never less than usual: that other kinds are steady makes nothing certain of one that is hardly known.
    """
    known = [USUAL_SPREAD**2, *squares]
    return max(sqrt(sum(known) / len(known)), USUAL_SPREAD)


def pooled_spread(others: Iterable[History]) -> float:
    """The spread to give to a history with few runs."""
    return pooled(square for square in map(own_square, others) if square is not None)
