"""What one source says about the time left, and how several sources agree."""

from math import exp, log, sqrt
from typing import NamedTuple

from headway.progress.remaining.distribution import Distribution

SMALLEST = 1e-3
"""A percentile may come this close to zero, as a share of the estimate, but not to it."""


class Outlook(NamedTuple):
    """Time left in seconds with its 10th and 90th percentile.

    `past` is the share of past runs that were over by now. Of the source itself, and not changing while nothing
    happens: `width` is how far its percentiles are apart, as a logarithm; `weight` how sure it is, its runs over the
    square of its interval.
    """

    remaining: float
    low: float
    high: float
    past: float
    width: float
    weight: float


def surviving(spread: Distribution, shift: float, silence: float, floor: float) -> Outlook:
    """What is left after a silence; `shift` and `floor` as in the anchor.

    Every percentile keeps its place among what is left of the distribution: a run that has outlived a share of the
    past is compared with the rest of it. So the expected end only ever moves later while nothing happens, and is
    never reached before the run ends.
    """
    gone = silence + floor
    past = spread.place(log(gone) - shift)
    rest = 1 - past
    middle = exp(spread.at(past + rest * spread.level) + shift) - gone
    return Outlook(
        remaining=middle,
        low=exp(spread.at(past + rest * 0.1) + shift) - gone,
        high=exp(spread.at(past + rest * 0.9) + shift) - gone,
        past=past,
        width=spread.width,
        weight=spread.runs / (exp(shift) * spread.breadth + floor) ** 2,
    )


def doubted(outlook: Outlook, doubt: float) -> Outlook:
    """The same with percentiles further apart, by a doubt given as a logarithm."""
    if doubt <= 0 or outlook.remaining <= 0:
        return outlook
    middle = outlook.remaining
    below = log(middle / max(outlook.low, middle * SMALLEST))
    above = log(max(outlook.high, middle) / middle)
    low, high = middle * exp(-sqrt(below**2 + doubt**2)), middle * exp(sqrt(above**2 + doubt**2))
    return Outlook(middle, low, high, outlook.past, outlook.width, outlook.weight)


def agreed(outlooks: list[Outlook]) -> Outlook:
    """The weighted mean of several outlooks, percentile by percentile.

    The weights do not change while nothing happens: if no outlook falls it does not fall either, whichever of them
    overtake others, and there is no leap. (A median leaps when they do.)
    """
    if len(outlooks) == 1:
        return outlooks[0]
    total = remaining = low = high = past = width = 0.0
    for outlook in outlooks:
        weight = outlook.weight
        total += weight
        remaining += weight * outlook.remaining
        low += weight * outlook.low
        high += weight * outlook.high
        past += weight * outlook.past
        width += weight * outlook.width
    return Outlook(remaining / total, low / total, high / total, past / total, width / total, total)
