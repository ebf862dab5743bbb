"""What past runs tell at one moment of a run: how long each still took after the same event.

An anchor is the start of the run, or the beginning or the end of a stage. Since every past run has its own time left
after it, stages that run side by side, are missing or overlap need no model of their own.
"""

from collections.abc import Callable, Sequence
from math import log

import msgspec

from headway.progress.remaining.distribution import Distribution, most_likely
from headway.progress.remaining.regression import Fit, typical
from headway.progress.remaining.size import FARTHEST, without

VARYING, WHOLE, AT = 0, 1, 2
"""Features of a past run: the index of the part of it that depends on its size, that of the whole, and the logarithm of
when the event came."""
CHOICES = (((VARYING,), 1.0), ((WHOLE,), 1.1), ((AT,), 1.05), ((VARYING, AT), 1.05), ((WHOLE, AT), 1.15))
"""Which features a line may use, and by how much its errors are overstated: to look at the pace costs a twentieth, and
a tenth that the time left has as large a fixed part as the run."""
TOWARDS = (1.0, 1.0, 0.0)
"""Time left grows with the size's index as the whole does, and not with the pace, until runs say otherwise."""
FEW = 10
"""The overstatement doubles at this many runs and grows as there are fewer."""

Features = tuple[float, float, float]
Rule = Callable[[Sequence[float]], float]
"""Durations, oldest first, to the one to expect."""


class Past(msgspec.Struct, frozen=True):
    """What is needed of the past runs that had the event, oldest first.

    Attributes:
        left: Seconds that each took after it.
        features: `VARYING`, `WHOLE`, `AT`.
        weights: How much each says.
        stakes: How much an error about each would matter.
    """

    left: list[float]
    features: list[Features]
    weights: list[float]
    stakes: list[float]


class Anchor:
    """The time left after an event, as a function of size and of when the event came: of the pace so far.

    Attributes:
        distribution: Of the logarithm of what they had left plus `floor`, with the features taken out.
    """

    __slots__ = ("_features", "_first", "_fit", "distribution")

    def __init__(self, past: Past, prior: float, floor: float, rule: Rule | None = None) -> None:
        """Learn from past runs.

        Args:
            past: At least one.
            prior: How far apart runs usually are.
            floor: Seconds that do not matter.
            rule: How to condense the durations, instead of all that this module knows.
        """
        self._first = past.features[0] if len(past.left) == 1 else None
        logs = [log(value + floor) for value in past.left]
        self._fit, self._features = _chosen(logs, past) if len(logs) > 1 and not rule else (None, ())
        if rule:
            self.distribution = _centred(logs, past.weights, prior, log(max(rule(past.left), 0.0) + floor))
            return
        if self._fit:
            logs = [y - self.shift(row) for y, row in zip(logs, past.features, strict=True)]
        location = most_likely(sorted(zip(logs, past.stakes, strict=True)), prior)
        self.distribution = _centred(logs, past.weights, prior, location)

    def shift(self, row: Features) -> float:
        """How much more than usual is to be expected of a run with these features, as a logarithm."""
        if self._fit:
            return min(max(self._fit.shift([row[j] for j in self._features]), -FARTHEST), FARTHEST)
        return row[WHOLE] - self._first[WHOLE] if self._first else 0.0


def _chosen(logs: list[float], past: Past) -> tuple[Fit | None, tuple[int, ...]]:
    """The line that foretold past runs best, and the features it uses; none if it did no better than their middle."""
    chosen: tuple[Fit | None, tuple[int, ...]] = None, ()
    best = typical(without(logs, past.weights), past.weights)
    unfixed = all(row[VARYING] == row[WHOLE] for row in past.features)
    for features, handicap in CHOICES:
        if unfixed and WHOLE in features:
            continue
        rows = [[row[j] for j in features] for row in past.features]
        if any(max(column) - min(column) < 1e-6 for column in zip(*rows, strict=True)):
            continue
        fit = Fit(rows, logs, past.weights, [TOWARDS[j] for j in features])
        error = typical(fit.left_out, past.weights) * (handicap + (handicap - 1) * FEW / len(logs))
        if error < best:
            best, chosen = error, (fit, features)
    return chosen


def _centred(logs: list[float], weights: list[float], prior: float, location: float) -> Distribution:
    return Distribution(list(zip(logs, weights, strict=True)), prior, location)
