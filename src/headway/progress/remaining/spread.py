"""How much runs of other kinds vary: what a kind with few runs of its own borrows."""

from collections.abc import Iterable
from math import log, sqrt

from headway.progress.remaining.distribution import USUAL_SPREAD, deviation
from headway.progress.remaining.history import History

ENOUGH = 5
"""Runs from which on a kind's own spread can be told."""


def pooled_spread(others: Iterable[History]) -> float:
    """The spread to give to a history with few runs: the quadratic mean over the other kinds, and one usual kind.

    Quadratic, since a kind that varies a lot is what an interval must allow for; the usual kind counts as one
    more, so that a single steady kind does not make everything look certain.
    """
    squares = [USUAL_SPREAD**2]
    for history in others:
        if len(history.runs) >= ENOUGH:
            sample = sorted((log(max(run.duration, 1e-6)), 1.0) for run in history.runs)
            squares.append(deviation(sample, USUAL_SPREAD) ** 2)
    return sqrt(sum(squares) / len(squares))
