"""How the duration of a run follows from its size, once past runs have shown that it does."""

from math import log, log1p

from headway.progress.remaining.distribution import most_likely
from headway.progress.remaining.regression import Fit, Rows, typical

MOST_FEATURES = 8
"""More numbers than this could explain a hundred runs by chance."""
EARNED = 0.9
"""A regression must have been wrong by a tenth less than none, on runs it had not seen; more while they are few."""
HALFWAY = 0.5
"""The exponent halfway between "does not depend on it" and "in proportion": at most half wrong about either."""
NINE_TENTHS = 1.28
"""Standard deviations from the middle of a normal distribution to its 90th percentile."""

FARTHEST = 6.9
"""As a logarithm: no run is expected to take a thousand times as long, or as short, as those that are known."""

Size = dict[str, float]


class SizeModel:
    """A power law in the author's numbers.

    With one run there is nothing to learn from: the exponents are `HALFWAY`. With more, a regression is used if it has
    earned it, else none.
    """

    __slots__ = ("_centres", "_fit", "_lowest", "_names", "_runs")

    def __init__(self, sizes: list[Size], logs: list[float], weights: list[float]) -> None:
        """Learn from runs.

        Args:
            sizes: The numbers of each run.
            logs: The logarithms of what they should foretell.
            weights: How much each run says.
        """
        self._runs = len(logs)
        self._names = sorted({name for size in sizes for name in size})[:MOST_FEATURES]
        self._lowest = {name: min(size.get(name, 0.0) for size in sizes) for name in self._names}
        rows = [self._row(size) for size in sizes]
        self._centres = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        self._fit = self._earned(rows, logs, weights) if self._names and len(logs) > 1 else None

    def _earned(self, rows: Rows, logs: list[float], weights: list[float]) -> Fit | None:
        best = None
        limit = (EARNED - HALFWAY / len(logs)) * typical(without(logs, weights), weights)
        for slope in (0.0, HALFWAY, 1.0):
            fit = Fit(rows, logs, weights, [slope] * len(self._names))
            error = typical(fit.left_out, weights)
            if error < limit:
                best, limit = fit, error
        return best

    def _row(self, size: Size) -> list[float]:
        return [_scaled(size.get(name, 0.0), self._lowest[name]) for name in self._names]

    def index(self, size: Size) -> float:
        """The expected logarithm at this size, relative to the centre of the past."""
        if not self._names:
            return 0.0
        if self._fit:
            index = self._fit.shift(self._row(size))
        else:
            index = HALFWAY * sum(self._off(size)) if self._runs == 1 else 0.0
        return min(max(index, -FARTHEST), FARTHEST)

    def doubt(self, size: Size) -> float:
        """How far the 90th percentile may lie from the index because of the size alone, as a logarithm."""
        if self._fit:
            return min(NINE_TENTHS * self._fit.doubt(self._row(size)), FARTHEST)
        return min(HALFWAY * sum(abs(off) for off in self._off(size)) / self._runs, FARTHEST)

    def _off(self, size: Size) -> list[float]:
        return [x - centre for x, centre in zip(self._row(size), self._centres, strict=True)]


def _scaled(value: float, lowest: float) -> float:
    """A logarithm; of numbers that may be zero or negative, of one more than their height above the lowest."""
    return log(max(value, lowest / 1000)) if lowest > 0 else log1p(max(value - lowest, 0.0))


def without(logs: list[float], weights: list[float]) -> list[float]:
    """The errors of the most likely value alone, each run left out in turn (as nearly as that changes it)."""
    centre = most_likely(sorted(zip(logs, weights, strict=True)))
    total = sum(weights)
    return [(value - centre) / max(1 - weight / total, 0.05) for value, weight in zip(logs, weights, strict=True)]
