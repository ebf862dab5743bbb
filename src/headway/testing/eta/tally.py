"""What was seen of a kind, and the figures that it makes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

MOMENTS = (0.25, 0.5, 0.75)
WINDOWS = (1, 2, 3)


@dataclass(slots=True)
class Tally:
    """What was seen of one kind, or of all."""

    submit: list[float] = field(default_factory=list)
    at: dict[float, list[float]] = field(default_factory=lambda: {moment: [] for moment in MOMENTS})
    cold: dict[int, list[bool]] = field(default_factory=lambda: {window: [] for window in WINDOWS})
    few: list[bool] = field(default_factory=list)
    many: list[bool] = field(default_factory=list)
    negative: int = 0
    steps_back: int = 0
    reversals: list[int] = field(default_factory=list)
    raw: list[int] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take over what another has seen."""
        self.submit += other.submit
        for moment, errors in other.at.items():
            self.at[moment] += errors
        for window, hits in other.cold.items():
            self.cold[window] += hits
        self.few += other.few
        self.many += other.many
        self.negative += other.negative
        self.steps_back += other.steps_back
        self.reversals += other.reversals
        self.raw += other.raw

    def figures(self) -> dict[str, object]:
        """The figures of the JSON form."""
        return {
            "n": len(self.submit),
            "submit": {"median": percentile(self.submit, 0.5), "off2x": share(error > 1 for error in self.submit)},
            "at": {
                f"{moment:.0%}"[:-1]: {"median": percentile(errors, 0.5), "p90": percentile(errors, 0.9)}
                for moment, errors in self.at.items()
            },
            "cold": {str(window): share(hits) for window, hits in self.cold.items()},
            "coverage": {"few": share(self.few), "many": share(self.many)},
            "negative": self.negative,
            "steps_back": self.steps_back,
            "reversals": average(self.reversals),
        }


def percentile(values: Sequence[float], p: float) -> float | None:
    """The percentile, interpolated between the values on either side; None of nothing."""
    if not values:
        return None
    ordered, place = sorted(values), (len(values) - 1) * p
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def share(hits: Iterable[bool]) -> float | None:
    """The share that is true; None of nothing."""
    all_hits = list(hits)
    return sum(all_hits) / len(all_hits) if all_hits else None


def average(counts: Sequence[int]) -> float | None:
    """Their mean; None of nothing."""
    return sum(counts) / len(counts) if counts else None
