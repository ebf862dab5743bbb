"""How the duration of a run follows from its size, once past runs have shown that it does."""

from collections.abc import Sequence
from math import exp, log
from operator import mul
from typing import NamedTuple

from headway.progress.remaining.distribution import most_likely
from headway.progress.remaining.regression import Fit, Rows, typical
from headway.progress.remaining.scale import Scale

MOST_FEATURES = 8
"""More numbers than this could explain a hundred runs by chance: of more, those that go best with the durations."""
EARNED = 0.9
"""A regression must have been wrong by a tenth less than none, on runs it had not seen; more while they are few. So
must one with a fixed part, compared with one without."""
HALFWAY = 0.5
"""The exponent halfway between "does not depend on it" and "in proportion": at most half wrong about either."""
NINE_TENTHS = 1.28
"""Standard deviations from the middle of a normal distribution to its 90th percentile."""
FIXED = (0.0, 0.5, 0.9)
"""Shares of a short run that may not depend on the size at all: none, half, nearly all."""
SHORT = 10
"""A run is short when one in ten is shorter."""
FEWEST = 8
"""Runs from which on a fixed part can be told from an exponent."""
FARTHEST = 6.9
"""As a logarithm: no run is expected to take a thousand times as long, or as short, as those that are known."""
LARGEST = 300.0
"""As a logarithm: far beyond all durations, far below the largest number."""

Size = dict[str, float]


class Sized(NamedTuple):
    """What a size tells of a run, as logarithms.

    Attributes:
        whole: How much longer than the past it is expected to take.
        varying: The same of the part alone that depends on the size.
        doubt: How far the 90th percentile may lie from that because of the size alone.
    """

    whole: float
    varying: float
    doubt: float


UNSIZED = Sized(0.0, 0.0, 0.0)


class Law(NamedTuple):
    """A part that is fixed, in the unit of what is foretold, and a line for the logarithm of the rest."""

    fit: Fit
    fixed: float
    error: float


class SizeModel:
    """A fixed part and a power law in the author's numbers.

    With one run there is nothing to learn from: the exponents are `HALFWAY`. With more, a law is used if it has
    earned it, else none. A number that a run does not say is taken to be as usual.
    """

    __slots__ = ("_fixed", "_law", "_middle", "_names", "_runs", "_scales")

    def __init__(self, sizes: list[Size], logs: list[float], weights: list[float]) -> None:
        """Learn from runs.

        Args:
            sizes: The numbers of each run.
            logs: The logarithms of what they should foretell.
            weights: How much each run says.
        """
        self._runs = len(logs)
        names = sorted({name for size in sizes for name in size})
        self._scales = {name: Scale([size[name] for size in sizes if name in size]) for name in names}
        self._names = names
        if len(names) > MOST_FEATURES:
            columns = zip(*map(self._row, sizes), strict=True)
            telling = {name: _telling(column, logs, weights) for name, column in zip(names, columns, strict=True)}
            self._names = sorted(sorted(names, key=lambda name: -telling[name])[:MOST_FEATURES])
        self._law = _earned(list(map(self._row, sizes)), logs, weights) if names and len(logs) > 1 else None
        self._fixed = self._law.fixed if self._law else 0.0
        self._middle = exp(min(self._law.fit.middle, LARGEST)) if self._law else 0.0

    @property
    def learned(self) -> bool:
        """Whether past runs have shown a law."""
        return self._law is not None

    def _row(self, size: Size) -> list[float]:
        scales = self._scales
        return [scales[name].of(size[name]) if name in size else scales[name].centre for name in self._names]

    def of(self, size: Size) -> Sized:
        """What is to be expected of a run of this size."""
        if not self._names:
            return UNSIZED
        row = self._row(size)
        if self._law is None:
            return self._unlearned(row)
        whole = varying = _bounded(self._law.fit.shift(row))
        if self._fixed:
            whole = log((self._fixed + self._middle * exp(varying)) / (self._fixed + self._middle))
        return Sized(whole, varying, min(NINE_TENTHS * self._law.fit.doubt(row), FARTHEST))

    def _unlearned(self, row: list[float]) -> Sized:
        off = [x - self._scales[name].centre for x, name in zip(row, self._names, strict=True)]
        whole = _bounded(HALFWAY * sum(off)) if self._runs == 1 else 0.0
        return Sized(whole, whole, min(HALFWAY * sum(map(abs, off)) / self._runs, FARTHEST))


def _bounded(shift: float) -> float:
    return min(max(shift, -FARTHEST), FARTHEST)


def _earned(rows: Rows, logs: list[float], weights: list[float]) -> Law | None:
    """The law that foretold past runs best; none if it did not do well enough."""
    shares = FIXED if len(logs) >= FEWEST else FIXED[:1]
    laws = (_law(rows, logs, weights, share, slope) for share in shares for slope in (0.0, HALFWAY, 1.0))
    best = min(laws, key=lambda law: law.error)
    limit = (EARNED - HALFWAY / len(logs)) * typical(without(logs, weights), weights)
    return best if best.error < limit else None


def _law(rows: Rows, logs: list[float], weights: list[float], share: float, slope: float) -> Law:
    """Fitted, drawn towards this slope; with a fixed part its error is overstated by what that must have earned."""
    towards = [slope] * len(rows[0])
    if not share:
        fit = Fit(rows, logs, weights, towards)
        return Law(fit, 0.0, typical(fit.left_out, weights))
    short = exp(sorted(logs)[len(logs) // SHORT])
    fixed = share * short
    rest = [log(max(exp(y) - fixed, (short - fixed) / 2)) for y in logs]
    fit = Fit(rows, rest, weights, towards)
    foretold = [log(fixed + exp(min(y - error, LARGEST))) for y, error in zip(rest, fit.left_out, strict=True)]
    error = typical([y - other for y, other in zip(logs, foretold, strict=True)], weights)
    return Law(fit, fixed, error / EARNED)


def _telling(column: Sequence[float], logs: list[float], weights: list[float]) -> float:
    """How closely a feature goes with what it should foretell: their squared correlation, but for a common factor."""
    total = sum(weights)
    middle, mean = sum(map(mul, weights, column)) / total, sum(map(mul, weights, logs)) / total
    spread = both = 0.0
    for x, y, weight in zip(column, logs, weights, strict=True):
        spread += weight * (x - middle) ** 2
        both += weight * (x - middle) * (y - mean)
    return both * both / spread if spread > 1e-12 else 0.0


def without(logs: list[float], weights: list[float]) -> list[float]:
    """The errors of the most likely value alone, each run left out in turn (as nearly as that changes it)."""
    centre = most_likely(sorted(zip(logs, weights, strict=True)))
    total = sum(weights)
    return [(value - centre) / max(1 - weight / total, 0.05) for value, weight in zip(logs, weights, strict=True)]
