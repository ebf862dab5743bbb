"""What an estimator says, and the shape of an estimator."""

from typing import Literal, Protocol

import msgspec

from headway.progress.remaining.history import History
from headway.progress.remaining.situation import Situation
from headway.protocol.ready import ready

Basis = Literal["history", "rate", "plan", "queue"]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """How long a run still takes.

    Attributes:
        remaining: Seconds, above zero as long as the run has not ended.
        low: The 10th percentile of the same.
        high: The 90th percentile.
        basis: What it rests on.
        runs: How many past runs it rests on.
        overdue: The run takes longer than nine in ten did; say "longer than usual".
        explanation: One line for people.
    """

    remaining: float
    low: float
    high: float
    basis: Basis
    runs: int = 0
    overdue: bool = False
    explanation: str = ""


class Estimator(Protocol):
    """Anything that can say how long a run still takes; register it to make it selectable by name."""

    def estimate(self, situation: Situation, history: History) -> Estimate | None:
        """The estimate, or None when nothing is known. Must be pure: time is in the situation."""
        ...


ready(Estimate)
