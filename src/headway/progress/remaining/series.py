"""Many like stages in a row (epochs, chunks, passes): how many there will be, and how fast this run does them."""

from math import exp, log
from re import compile as pattern

import msgspec

from headway.progress.remaining.distribution import Distribution, Weighted, most_likely
from headway.progress.remaining.size import Size, SizeModel

FEWEST = 4
"""Members that make a series: with fewer, each stage's own history says more."""
FARTHEST_COUNT = 1000
"""No run is expected to have more than a thousand times as many members as any that is known."""
QUARTERS = (0.25, 0.5, 0.75)
"""How much of a past series had ended when its pace is put to the test."""
NUMBERS = pattern(r"\d+")


def family(path: str) -> str:
    """What stages of a series have in common: their path without its numbers."""
    return NUMBERS.sub("#", path)


def pace(ends: list[float]) -> float:
    """Seconds for each member, from the newer half of those that have ended: the older half may be a warm-up."""
    count = len(ends)
    older = (count - 1) // 2
    return (ends[-1] - ends[older]) / max(count - 1 - older, 1)


class Member(msgspec.Struct, frozen=True):
    """One past run's part in a series: when its members ended, in order, and how much it says."""

    size: Size
    duration: float
    ends: list[float]
    weight: float


class Series:
    """One family of stages in the past runs.

    Attributes:
        distribution: Of the logarithm of the true time left over what `expected` said, at three moments of each run.
    """

    __slots__ = ("_after", "_count", "_counts", "_floor", "_given", "_lengths", "distribution")

    def __init__(self, members: list[Member], prior: float, floor: float) -> None:
        """Learn from past runs.

        Args:
            members: Of the runs that had the series; at least one.
            prior: How far apart runs usually are.
            floor: Seconds that do not matter.
        """
        self._floor = floor
        logs = [log(len(member.ends)) for member in members]
        weights = [member.weight for member in members]
        self._given = _named_count(members)
        self._lengths = {len(member.ends) for member in members}
        self._counts = SizeModel([member.size for member in members], logs, weights)
        rest = [y - self._counts.of(member.size).whole for y, member in zip(logs, members, strict=True)]
        self._count = most_likely(sorted(zip(rest, weights, strict=True)))
        after = [(log(max(m.duration - m.ends[-1], 0.0) + floor), m.weight) for m in members]
        self._after = exp(most_likely(sorted(after))) - floor
        self.distribution = Distribution([error for member in members for error in self._errors(member)], prior)

    def _errors(self, member: Member) -> Weighted:
        errors = []
        for quarter in QUARTERS:
            done = max(2, round(quarter * len(member.ends)))
            left = max(member.duration - member.ends[done - 1], 0.0)
            said = self.expected(member.size, member.ends[:done])
            errors.append((log((left + self._floor) / (said + self._floor)), member.weight / len(QUARTERS)))
        return errors

    def expected(self, size: Size, ends: list[float]) -> float:
        """The time left when the last of the members ended, at this run's pace."""
        return max(self.members(size) - len(ends), 0) * pace(ends) + self._after

    def members(self, size: Size) -> int:
        """How many members a run of this size has."""
        if self._given in size:
            return round(min(max(size[self._given], 0.0), FARTHEST_COUNT * max(self._lengths)))
        return round(exp(self._count + self._counts.of(size).whole))

    def incomparable(self, size: Size) -> bool:
        """Whether a run of this size is known to have another number of members than past runs.

        Then what those took after the same member says nothing: it was not as far from their end.
        """
        return self._given in size and self._lengths != {self.members(size)}


def _named_count(members: list[Member]) -> str:
    """The number of the author's that was the count in every past run, or the empty string."""
    for name in sorted(members[0].size):
        if all(member.size.get(name) == len(member.ends) for member in members):
            return name
    return ""
