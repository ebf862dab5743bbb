"""On which scale an author's number is looked at."""

from math import log
from sys import float_info

LITTLE = 0.01
"""Of a number that may be zero, differences below a hundredth of its usual height do not matter."""
LEAST = 1e-3
"""A number is taken for no less than a thousandth of the smallest that is known: it may be zero for once."""


class Scale:
    """The logarithm of a number; where it may be zero or negative, of its height above the lowest and a little more.

    Whatever its unit is: bytes and gigabytes have the same differences.

    Attributes:
        centre: The mean of past runs on this scale.
    """

    __slots__ = ("_added", "_least", "_lowest", "centre")

    def __init__(self, values: list[float]) -> None:
        """Learn from the numbers of past runs; at least one."""
        smallest = min(values)
        self._lowest, self._added, self._least = 0.0, 0.0, LEAST * smallest
        if smallest <= 0:
            heights = sorted(_height(value, smallest) for value in values if value > smallest)
            self._lowest, self._least = smallest, 0.0
            self._added = max(LITTLE * heights[len(heights) // 2], float_info.min) if heights else 1.0
        self.centre = sum(map(self.of, values)) / len(values)

    def of(self, value: float) -> float:
        """The number on this scale."""
        return log(max(_height(value, self._lowest) + self._added, self._least, float_info.min))


def _height(value: float, lowest: float) -> float:
    """How far it is above the lowest; the difference of two numbers may be too large for a number."""
    return min(max(value - lowest, 0.0), float_info.max / 2)
