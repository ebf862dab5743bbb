"""How much each past run still says: newer runs more, runs from before a change of level almost nothing."""

from itertools import pairwise
from math import log

HALF_LIFE = 30.0
"""Runs after which a run counts half; the usual span of ten to thirty recent runs, without an edge."""
HAZARD = 0.01
"""How likely the level is to change at a run: about once in the hundred that are kept."""
LOOKBACK = 30
"""Changes further back than this are left to the half-life."""
USUAL_STEPS = 1.5
"""How near is near, in median steps from run to run: about what two runs of one level differ by."""
SAME = 0.05
"""As a logarithm: levels nearer than a twentieth are one level, for an estimate is not much better than that."""
FIRST = 0.1
"""How likely the first run after a change is to fall where it fell: anywhere within some ten widths."""


def recency(durations: list[float]) -> list[float]:
    """Weights for runs given oldest first: half-life times the probability of belonging to today's level."""
    count = len(durations)
    same = _membership([log(max(duration, 1e-9)) for duration in durations])
    return [0.5 ** ((count - 1 - index) / HALF_LIFE) * same[index] for index in range(count)]


def _membership(logs: list[float]) -> list[float]:
    """For each run the probability that the level has not changed since.

    Every split into "before" and "since" is weighed by Bayes' rule. Each later run is as likely under the old level as
    runs near it were frequent before, and under the new level as they are frequent since. So one outlier, or
    a second way through that was always there, changes nothing; two or three runs in a row where none ever fell do.
    """
    count = len(logs)
    near = _neighbours(logs)
    odds = {split: HAZARD * _ratio(near, split, count) for split in range(max(2, count - LOOKBACK), count)}
    total = 1.0 + sum(odds.values())
    member, reached = [], 1.0
    for index in range(count):
        reached += odds.get(index, 0.0)
        member.append(reached / total)
    return member


def _neighbours(logs: list[float]) -> list[list[int]]:
    """For each run the runs before it that took about as long: within the usual step from run to run."""
    steps = sorted(abs(b - a) for a, b in pairwise(logs))
    reach = max(USUAL_STEPS * steps[len(steps) // 2], SAME) if steps else SAME
    return [[j for j in range(i) if abs(logs[j] - logs[i]) <= reach] for i in range(len(logs))]


def _ratio(near: list[list[int]], split: int, count: int) -> float:
    ratio = 1.0
    for index in range(split, count):
        old = sum(1 for other in near[index] if other < split)
        new = len(near[index]) - old
        since = index - split
        fresh = FIRST if since == 0 else (new + FIRST) / (since + 1)
        ratio *= fresh / ((old + 0.5) / (split + 1))
    return ratio
