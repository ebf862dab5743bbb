"""How long to wait between attempts: longer each time, and never in step with others."""

from __future__ import annotations

import os

FIRST_S = 0.05
LONGEST_S = 5.0


class Backoff:
    """Exponential with full jitter: a random part of a limit that doubles.

    >>> backoff = Backoff()
    >>> 0 <= backoff.next_delay() <= FIRST_S
    True
    """

    def __init__(self) -> None:
        self._failures = 0

    def next_delay(self) -> float:
        """Seconds to wait after one more failure."""
        limit = min(LONGEST_S, FIRST_S * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return limit * (int.from_bytes(os.urandom(4), "big") / 2**32)

    def reset(self) -> None:
        """Something worked: begin anew."""
        self._failures = 0
