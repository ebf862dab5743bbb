"""What became of reports that could not be delivered as they were made."""

from __future__ import annotations

import logging

logger = logging.getLogger("headway")


class Tally:
    """Counts by reason, and says each reason once. Safe in any thread (a count may be off by one).

    Attributes:
        counts: Reason → how many reports.
    """

    def __init__(self, run_id: str) -> None:
        self.counts: dict[str, int] = {}
        self._run_id = run_id

    def add(self, reason: str, detail: object, n: int = 1) -> None:
        """So many more reports; ``detail`` says more about the first of them."""
        before = self.counts.get(reason, 0)
        self.counts[reason] = before + n
        if before == 0:
            logger.warning("run %s: a report was %s (further ones are only counted): %s", self._run_id, reason, detail)

    def say(self) -> None:
        """At the end: the counts of what happened more than once."""
        counts = dict(self.counts)  # other threads may still be counting
        if any(count > 1 for count in counts.values()):
            told = ", ".join(f"{count} {reason}" for reason, count in counts.items())
            logger.warning("run %s: of its reports, %s", self._run_id, told)
