"""How long to wait between attempts: longer each time, and never in step with others."""

from __future__ import annotations

import random

FIRST_S = 0.05
LONGEST_S = 5.0


class Backoff:
    """Exponential with full jitter: a random part of a limit that doubles.

    >>> backoff = Backoff()
    >>> 0 <= backoff.next_delay() <= FIRST_S
    True
    """

    def __init__(self, random_source: random.Random | None = None) -> None:
        self._random = random_source or random.Random()  # noqa: S311 -- spreads load, keeps no secret
        self._failures = 0

    def next_delay(self) -> float:
        """Seconds to wait after one more failure."""
        limit = min(LONGEST_S, FIRST_S * 2 ** min(self._failures, 16))
        self._failures += 1
        return self._random.uniform(0, limit)

    def reset(self) -> None:
        """Something worked: begin anew."""
        self._failures = 0
