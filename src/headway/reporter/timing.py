"""How long a run and its stages took, on the monotonic clock."""

from __future__ import annotations

import time


class Timing:
    """What the last event of a run tells of durations. Seconds, to the microsecond."""

    def __init__(self) -> None:
        self.begin()
        self._durations: dict[str, float] = {}
        self._spans: dict[str, tuple[float, float]] = {}

    def begin(self) -> None:
        """The run begins now."""
        self._began = time.monotonic()

    def elapsed(self) -> float:
        """Since the beginning."""
        return round(time.monotonic() - self._began, 6)

    def ended(self, path: str, duration_s: float) -> None:
        """A stage has ended; one that was opened several times adds up."""
        end = self.elapsed()
        begin = self._spans.get(path, (round(end - duration_s, 6), end))[0]
        self._spans[path] = (max(0.0, begin), end)
        self._durations[path] = round(self._durations.get(path, 0.0) + duration_s, 6)

    def durations(self) -> dict[str, float] | None:
        """Stage → seconds in it; None if there were none."""
        return dict(self._durations) or None

    def spans(self) -> dict[str, tuple[float, float]] | None:
        """Stage → its first start and last end, from the run's beginning; None if there were none."""
        return dict(self._spans) or None
