"""Weighted ridge regression with a handful of features, and how well it foretells what it has not seen.

The errors are those of leaving each row out in turn, which for a ridge need no refitting: the residual over one
minus the row's leverage. Rows far off the line are weighed down (Cauchy weights), so that one stuck run does not
tilt it.
"""

from collections.abc import Sequence
from math import sqrt
from operator import mul, sub

RIDGE = 0.05
"""The usual variance of a logarithm of durations, over slopes that are about one off the expected ones."""
ROUNDS = 2
"""Of weighing down outliers; the weights hardly change after the second."""

Rows = list[list[float]]


def inverse(matrix: Rows) -> Rows:
    """The inverse of a small positive definite matrix, by elimination."""
    n = len(matrix)
    work = [[*row, *(1.0 if i == j else 0.0 for j in range(n))] for i, row in enumerate(matrix)]
    for column, pivot in enumerate(work):
        scale = pivot[column]
        pivot[:] = [value / scale for value in pivot]
        for other, row in enumerate(work):
            if other != column:
                factor = row[column]
                row[:] = [value - factor * lead for value, lead in zip(row, pivot, strict=True)]
    return [row[n:] for row in work]


class Fit:
    """A fitted line.

    Attributes:
        middle: Its mean.
        left_out: The error made on each row by a line that was fitted without it.
    """

    __slots__ = ("_centres", "_inverse", "_noise", "_slopes", "left_out", "middle")

    _centres: list[float]
    _inverse: Rows
    _slopes: list[float]

    def __init__(self, rows: Rows, values: list[float], weights: list[float], towards: list[float]) -> None:
        """Fit it.

        Args:
            rows: The features of each row.
            values: What they should foretell.
            weights: How much each row says.
            towards: The slopes to expect, from which the data must draw it away.
        """
        rest = [value - _product(towards, row) for value, row in zip(values, rows, strict=True)]
        robust = weights
        for _ in range(ROUNDS if len(rows) > ROUNDS else 0):
            robust = _downweighted(self._solve(rows, rest, robust), weights)
        residuals = self._solve(rows, rest, robust)
        total = sum(robust)
        self.left_out = [
            residual / max(1 - weight * (1 / total + self._form(row)), 1e-6)
            for residual, weight, row in zip(residuals, robust, rows, strict=True)
        ]
        self.middle = _product(robust, values) / total
        self._slopes = [slope + given for slope, given in zip(self._slopes, towards, strict=True)]
        runs = sum(weights)
        self._noise = (2 * RIDGE + runs * _usual(self.left_out) ** 2) / (2 + runs)

    def _solve(self, rows: Rows, values: list[float], weights: list[float]) -> list[float]:
        """Fit once; the residuals."""
        total = sum(weights)
        self._centres = [_product(weights, column) / total for column in zip(*rows, strict=True)]
        mean = _product(weights, values) / total
        rest = [value - mean for value in values]
        columns = [
            [value - centre for value in column]
            for column, centre in zip(zip(*rows, strict=True), self._centres, strict=True)
        ]
        weighted = [list(map(mul, column, weights)) for column in columns]
        matrix = [[_product(left, right) for right in columns] for left in weighted]
        for index, line in enumerate(matrix):
            line[index] += RIDGE
        self._inverse = inverse(matrix)
        moments = [_product(column, rest) for column in weighted]
        self._slopes = [_product(line, moments) for line in self._inverse]
        for slope, column in zip(self._slopes, columns, strict=True):
            rest = [value - slope * x for value, x in zip(rest, column, strict=True)]
        return rest

    def _form(self, row: list[float]) -> float:
        """How far a row is from the middle of the others, in the measure of their spread."""
        off: list[float] = list(map(sub, row, self._centres))
        if len(off) == 1:
            return off[0] * off[0] * self._inverse[0][0]
        return _product(off, [_product(line, off) for line in self._inverse])

    def shift(self, row: list[float]) -> float:
        """How far the line lies above its mean at these features."""
        total = 0.0
        for slope, value, centre in zip(self._slopes, row, self._centres, strict=True):
            total += slope * (value - centre)
        return total

    def doubt(self, row: list[float]) -> float:
        """The standard deviation of `shift` that the slopes' own uncertainty leaves."""
        return sqrt(self._noise * self._form(row))


def _product(left: Sequence[float], right: Sequence[float]) -> float:
    total: float = sum(map(mul, left, right))
    return total


def _usual(errors: list[float]) -> float:
    """The standard deviation that belongs to the median error."""
    return 1.5 * sorted(abs(error) for error in errors)[len(errors) // 2]


def _downweighted(errors: list[float], weights: list[float]) -> list[float]:
    usual = max(_usual(errors), 1e-3)
    return [weight / (1 + (error / usual) ** 2) for error, weight in zip(errors, weights, strict=True)]


def typical(errors: list[float], weights: list[float]) -> float:
    """The size of the errors: the square of the weighted mean of their roots, which no single one can dominate."""
    roots = sum(weight * sqrt(abs(error)) for error, weight in zip(errors, weights, strict=True))
    return (roots / sum(weights)) ** 2
