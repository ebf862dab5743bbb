"""What a watcher sees of the estimates: a clock that counts down and is seldom set."""

from headway.progress.remaining.estimate import Estimate

MATTERS = 0.05
"""Set the clock when it is off by a twentieth of the whole run,"""
OUTSIDE = 0.01
"""or outside the estimate's interval by a hundredth of the run, and by more than the least that is shown."""
TURN = 2.0
"""To turn back (longer after shorter, or the reverse) takes twice the difference: what flaps is noise."""
LEAST_S = 1.0
"""What is shown while the run has not ended though its time is over."""


class Countdown:
    """The shown time of one run.

    Feed it every estimate with `update`, ask it at any time. Times are seconds from the run's start and never decrease.
    """

    __slots__ = ("_end", "_estimate", "_later")

    def __init__(self) -> None:
        self._end: float | None = None
        self._estimate: Estimate | None = None
        self._later: bool | None = None

    def update(self, estimate: Estimate | None, now: float) -> None:
        """Take a new estimate; it is shown only if it matters."""
        if estimate is None:
            return
        end = now + estimate.remaining
        if self._end is None or self._estimate is None or estimate.basis != self._estimate.basis:
            self._end = end
        elif self._matters(estimate, end, now):
            self._set(end)
        self._estimate = estimate

    def _matters(self, estimate: Estimate, end: float, now: float) -> bool:
        assert self._end is not None
        off = abs(end - self._end)
        turning = self._later is not None and (end > self._end) != self._later
        if off > MATTERS * end * (TURN if turning else 1.0):
            return True
        shown = self._end - now
        outside = max(estimate.low - shown, shown - estimate.high)
        return outside > max(LEAST_S, OUTSIDE * end) * (TURN if turning else 1.0)

    def _set(self, end: float) -> None:
        assert self._end is not None
        self._later, self._end = end > self._end, end

    def remaining(self, now: float) -> float | None:
        """What to show, in seconds: at least one until the run has ended; None before the first estimate."""
        return None if self._end is None else max(self._end - now, LEAST_S)
