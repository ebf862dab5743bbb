"""A token bucket that is told the time."""

from __future__ import annotations

_TOKEN = 1.0 - 1e-4
"""What counts as one token. Rounding can leave a bucket short at the very time for which it promised one: by 1e-5 with
seconds since 1970 and 50 tokens a second. What is lent stays owed, so the rate is kept all the same."""


class TokenBucket:
    """Allows ``rate`` a second on average, and ``burst`` at once; it is full at first.

    A clock that goes back neither gives nor takes tokens; time counts on from where it went.
    """

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at: float | None = None

    def ready_at(self, now: float) -> float:
        """The time from which a token is there; ``now`` if one is."""
        self._refill(now)
        return now if self._tokens >= _TOKEN else now + (1.0 - self._tokens) / self.rate

    def take(self, now: float) -> bool:
        """Take a token; False, and nothing taken, when there is none."""
        self._refill(now)
        if self._tokens < _TOKEN:
            return False
        self._tokens -= 1.0
        return True

    def _refill(self, now: float) -> None:
        if self._at is not None and now > self._at:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
