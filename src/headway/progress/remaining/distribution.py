"""A weighted sample with a prior: location, percentiles, and what is left of it after surviving so far.

Everything here is on a logarithmic scale, where the spread of durations does not depend on their length.

The distribution is a mixture. The sample has the weight of its runs; `PRIOR_RUNS` more runs are spread around the
location with heavy tails. So few runs give an interval as wide as runs usually vary, many give their own,
and there is always something left beyond the longest run that was ever seen.
"""

from bisect import bisect_right
from math import exp, log

PRIOR_RUNS = 2.0
"""How many runs the prior is worth: two are the fewest that say anything about spread themselves."""
USUAL_SPREAD = 0.2
"""How far apart runs of a kind are, as a logarithm, before anything is known: the twenty percent people accept."""
RESOLUTION = 0.01
"""Differences below one in a hundred are noise: durations are kept in whole units somewhere."""
TAIL = 1.5
"""Index of the prior's Lomax tails: between 1 (no mean any more) and 2 (an outlier is still a surprise)."""
REACH = 0.5
"""How far a single run speaks for its neighbourhood, in usual deviations."""
CANDIDATES = 20
"""Places where the peak is looked for before climbing it: every twentieth of the sample."""
PRIOR_STEPS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Where the prior is tabulated, in scales from the location; between them it is a straight line."""
CLIMB = 10
"""Steps up the peak; it is reached within the resolution in three or four."""

Weighted = list[tuple[float, float]]
"""Values with their weights."""


def quantile(sample: Weighted, p: float) -> float:
    """The weighted quantile of a sorted sample, interpolated between the middles of the weights."""
    total = 0.0
    for _, weight in sample:
        total += weight
    wanted = p * total
    before, reached, below = sample[0][0], 0.0, 0.0
    for value, weight in sample:
        middle = below + weight / 2
        if middle >= wanted:
            part = (wanted - reached) / (middle - reached) if below else 1.0
            return before + (value - before) * part
        before, reached, below = value, middle, below + weight
    return before


def deviation(sample: Weighted, prior: float) -> float:
    """The weighted median distance from the median, blended with the prior's by how many runs each is worth."""
    centre = quantile(sample, 0.5)
    own = quantile(sorted((abs(value - centre), weight) for value, weight in sample), 0.5)
    runs = sum(weight for _, weight in sample)
    blend = PRIOR_RUNS * log(max(prior, RESOLUTION)) + runs * log(max(own, RESOLUTION))
    return exp(blend / (PRIOR_RUNS + runs))


def most_likely(sample: Weighted, prior: float = USUAL_SPREAD) -> float:
    """Where a sorted sample is densest: the highest peak of a Cauchy kernel as wide as the deviation.

    Two or three values that lie close together give their mean. It ignores what lies far off and, of two groups, takes
    the larger; where there is one group it is as steady as the median and nearer to where the next value falls.
    """
    if len(sample) == 1:
        return sample[0][0]
    width = deviation(sample, prior) ** 2
    candidates = sample[:: max(1, len(sample) // CANDIDATES)]
    peak = max(candidates, key=lambda candidate: _density(sample, candidate[0], width))[0]
    return _climbed(sample, peak, width)


def _density(sample: Weighted, at: float, width: float) -> float:
    total = 0.0
    for value, weight in sample:
        total += weight / (width + (value - at) * (value - at))
    return total


def _climbed(sample: Weighted, peak: float, width: float) -> float:
    for _ in range(CLIMB):
        mass = moment = 0.0
        for value, weight in sample:
            near = width + (value - peak) * (value - peak)
            pull = weight / (near * near)
            mass += pull
            moment += pull * value
        moved, peak = moment / mass - peak, moment / mass
        if abs(moved) < RESOLUTION / 100:
            break
    return peak


class Distribution:
    """The mixture of a sample and the prior, tabulated for fast answers.

    Attributes:
        location: The value to expect.
        level: Which quantile the location is.
        runs: The weight of the sample.
        width: From the 10th to the 90th percentile.
        breadth: The same, not as logarithms.
    """

    __slots__ = ("_levels", "_scale", "_share", "_values", "breadth", "level", "location", "runs", "width")

    def __init__(self, sample: Weighted, prior: float, location: float | None = None) -> None:
        """Tabulate it.

        Args:
            sample: Logarithms of durations, with weights; not empty.
            prior: How far apart runs usually are.
            location: Where to centre it, if not at the most likely value.
        """
        sample = sorted(sample)
        runs = self.runs = sum(weight for _, weight in sample)
        self.location = most_likely(sample, prior) if location is None else location
        self._scale: float = max(prior, RESOLUTION)
        self._share: float = PRIOR_RUNS / (runs + PRIOR_RUNS)
        self._tabulate(_spread_out(sample, runs, REACH * deviation(sample, prior)))
        self.level = self.place(self.location)
        self.width = self.at(0.9) - self.at(0.1)
        self.breadth = exp(self.at(0.9)) - exp(self.at(0.1))

    def _tabulate(self, points: Weighted) -> None:
        steps = [step * self._scale for step in (0.0, *PRIOR_STEPS)]
        extra = {self.location + step for step in steps} | {self.location - step for step in steps}
        self._values = sorted({value for value, _ in points} | extra)
        own = _interpolated(points, self._values)
        self._levels = [
            (1 - self._share) * level + self._share * self._prior(value)
            for level, value in zip(own, self._values, strict=True)
        ]

    def _prior(self, value: float) -> float:
        off = (value - self.location) / self._scale
        tail: float = 0.5 / (1 + abs(off)) ** TAIL
        return tail if off < 0 else 1 - tail

    def place(self, value: float) -> float:
        """Which share of the distribution lies below the value; never quite one."""
        values, levels = self._values, self._levels
        index = bisect_right(values, value)
        if index == 0:
            return self._share * self._prior(value)
        if index == len(values):
            return 1 - self._share * (1 - self._prior(value))
        low, high = values[index - 1], values[index]
        return levels[index - 1] + (levels[index] - levels[index - 1]) * (value - low) / (high - low)

    def at(self, p: float) -> float:
        """The value below which the share `p` lies."""
        values, levels = self._values, self._levels
        index = bisect_right(levels, p)
        if index == 0:
            return self.location - self._beyond(p)
        if index == len(levels):
            return self.location + self._beyond(1 - p)
        low, high = levels[index - 1], levels[index]
        return values[index - 1] + (values[index] - values[index - 1]) * (p - low) / (high - low)

    def _beyond(self, tail: float) -> float:
        return self._scale * (exp(log(0.5 * self._share / max(tail, 1e-12)) / TAIL) - 1)


def _spread_out(sample: Weighted, runs: float, reach: float) -> Weighted:
    """The sample's share below each point: a value is spread to the middle of its neighbours, at most by `reach`."""
    points: Weighted = []
    below = 0.0
    edge = min(reach, RESOLUTION)
    for index, (value, weight) in enumerate(sample):
        left = min(reach, (value - sample[index - 1][0]) / 2) if index else edge
        right = min(reach, (sample[index + 1][0] - value) / 2) if index + 1 < len(sample) else edge
        points.append((value - left, below / runs))
        below += weight
        points.append((value + right, below / runs))
    return points


def _interpolated(points: Weighted, values: list[float]) -> list[float]:
    """The height of a rising line of points at rising values: 0 before it, 1 after it."""
    heights, index = [], 0
    for value in values:
        while index < len(points) and points[index][0] <= value:
            index += 1
        if index == 0:
            heights.append(0.0)
        elif index == len(points):
            heights.append(1.0)
        else:
            (x0, y0), (x1, y1) = points[index - 1], points[index]
            heights.append(y0 + (y1 - y0) * (value - x0) / (x1 - x0))
    return heights
