"""The tree of a plan, and its weighted sums, kept as integers and up to date at every change.

Theory of operation: a node's value is its progress in whole millionths. A parent's value is the weighted mean of its
children's values, rounded down, where weights are whole thousandths and a child without one counts as much as the
mean of its siblings' weights, rounded down; where that leaves no weight at all, all children count the same. Each
parent keeps six sums over its children, so that a change costs as many steps as the path has parts, however many
stages there are. A value that has been shown never decreases: what is computed only raises it. A closed node (one
that has ended) keeps its value whatever its children do.

All sums stay below 2**53 (``limits.WEIGHT_MAX`` says why), so that every language gets the same ones.
"""

from __future__ import annotations

from typing import Self

from headway.protocol import limits
from headway.protocol.events import Number

FULL = 1_000_000
"""The value of what is done: progress 1 in millionths."""

_WEIGHT_UNITS = 1_000
_WEIGHT_LIMIT = limits.WEIGHT_MAX * _WEIGHT_UNITS


def rounded(scaled: float, limit: int) -> int:
    """The whole number nearest to ``scaled`` (halves go up), from 0 to ``limit``; 0 for what is not a number."""
    if scaled >= limit:
        return limit
    return int(scaled + 0.5) if scaled > 0 else 0


def value_of(progress: Number) -> int:
    """A reported or shown fraction as millionths."""
    return rounded(progress * FULL, FULL)


def value_of_part(current: Number, total: Number) -> int:
    """``current`` of ``total`` as millionths, rounded down; 0 when the total is unknown."""
    if not total > 0:
        return 0
    try:
        scaled = float(current) * FULL / float(total)
    except OverflowError:  # an integer that no double can hold
        return 0
    if scaled >= FULL:
        return FULL
    return int(scaled) if scaled > 0 else 0


def weight_of(weight: Number) -> int:
    """A reported weight as thousandths."""
    return rounded(weight * _WEIGHT_UNITS, _WEIGHT_LIMIT)


class Node:
    """A place in the plan: the run itself, or one of its stages.

    Attributes:
        parent: The node above, None for the run.
        children: In the order in which they became known.
        weight: In thousandths; None when none was given.
        value: The progress that is shown, in millionths.
        closed: Whether the value no longer follows the children's.
    """

    __slots__ = (
        "_given",
        "_given_weight",
        "_given_work",
        "_open",
        "_open_value",
        "_plain",
        "children",
        "closed",
        "parent",
        "value",
        "weight",
    )

    def __init__(self, parent: Self | None) -> None:
        self.parent = parent
        self.children: list[Self] = []
        self.weight: int | None = None
        self.value = 0
        self.closed = False
        self._given = 0  # children with a weight,
        self._given_weight = 0  # the sum of their weights,
        self._given_work = 0  # and of weight times value
        self._open = 0  # children without a weight,
        self._open_value = 0  # and the sum of their values
        self._plain = 0  # the sum of all children's values

    def adopt(self, child: Self) -> None:
        """Take in a new child, which has no weight and no value yet; this raises nothing."""
        self.children.append(child)
        self._open += 1

    def weigh(self, weight: int) -> None:
        """Give this node its weight; whoever calls settles the parent when the whole event is applied."""
        parent = self.parent
        assert parent is not None, "a run has no weight"
        if self.weight is None:
            parent._open -= 1
            parent._open_value -= self.value
            parent._given += 1
        else:
            parent._given_weight -= self.weight
            parent._given_work -= self.weight * self.value
        parent._given_weight += weight
        parent._given_work += weight * self.value
        self.weight = weight

    def place(self, value: int) -> None:
        """Give a new node the value that it had elsewhere, without raising anything above it."""
        self.value = value
        if self.parent is not None:
            self.parent._risen(self.weight, value)

    def computed(self) -> int:
        """The weighted mean of the children's values, in millionths, rounded down; only for one that has children."""
        mean = self._given_weight // self._given if self._given else 0
        weights = self._given_weight + mean * self._open
        if weights:
            return (self._given_work + mean * self._open_value) // weights
        return self._plain // len(self.children)

    def settle(self) -> None:
        """Bring the value up to what the children come to, unless it is closed or already higher."""
        if self.children and not self.closed:
            self.raise_to(self.computed())

    def raise_to(self, value: int) -> None:
        """Raise the value to this one, if it is higher, and with it the values of all that are above."""
        node = self
        while value > node.value:
            risen = value - node.value
            node.value = value
            if node.parent is None:
                return
            node.parent._risen(node.weight, risen)
            node = node.parent
            if node.closed:
                return
            value = node.computed()

    def _risen(self, weight: int | None, risen: int) -> None:
        self._plain += risen
        if weight is None:
            self._open_value += risen
        else:
            self._given_work += weight * risen
