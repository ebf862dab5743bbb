"""The clock of a run's work."""

from __future__ import annotations

from collections.abc import Sequence

from headway.progress.state import InputEntry
from headway.progress.view import unix_s


class Work:
    """Seconds of work since a run's start: while it waits for people the clock stands, as it does in histories.

    Args:
        began_unix_s: When it started; None if it has not, and then it has done no work at any moment.
        inputs: Its questions, of which any number may be open at a time.
    """

    def __init__(self, began_unix_s: float | None, inputs: Sequence[InputEntry]) -> None:
        self._began = began_unix_s
        self._waits = sorted(wait for wait in map(_wait, inputs) if wait is not None)

    def until(self, moment_unix_s: float | None) -> float:
        """The work done by a moment; none by one that is not known."""
        if self._began is None or moment_unix_s is None:
            return 0.0
        waited, over = 0.0, self._began
        for asked, settled in self._waits:
            waited += max(0.0, min(settled, moment_unix_s) - max(asked, over))
            over = max(over, settled)
        return max(0.0, moment_unix_s - self._began - waited)


def _wait(entry: InputEntry) -> tuple[float, float] | None:
    """From when to when the job waited: nobody waits beyond the deadline, whether or not there was an answer."""
    asked = unix_s(entry.at)
    ends = [end for end in (unix_s(entry.given_at), unix_s(entry.deadline)) if end is not None]
    return None if asked is None else (asked, min(ends, default=float("inf")))
