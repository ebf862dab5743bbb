"""The simple rules: how to condense past durations into the one to expect."""

from collections.abc import Sequence

from headway.progress.remaining.anchor import Rule

ALPHA = 0.2
"""How much the newest run counts in the exponential average."""


def mean(durations: Sequence[float]) -> float:
    """Their mean."""
    return sum(durations) / len(durations)


def median(durations: Sequence[float]) -> float:
    """Their median."""
    ordered, half = sorted(durations), len(durations) // 2
    return ordered[half] if len(durations) % 2 else (ordered[half - 1] + ordered[half]) / 2


def exponential(alpha: float = ALPHA) -> Rule:
    """The exponential moving average in which the newest duration counts `alpha`."""

    def average(durations: Sequence[float]) -> float:
        value = durations[0]
        for duration in durations[1:]:
            value += alpha * (duration - value)
        return value

    return average
