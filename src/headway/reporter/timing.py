"""How long a run and its stages took, on the monotonic clock; waiting for people is kept apart from work."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Timing:
    """What the last event of a run tells of durations. Seconds, to the microsecond. Safe in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._durations: dict[str, float] = {}
        self._spans: dict[str, tuple[float, float]] = {}
        self.begin()

    def begin(self) -> None:
        """The run begins now."""
        self._began = time.monotonic()
        self._waits = 0
        self._waited = 0.0
        self._waiting_since = 0.0

    def elapsed(self) -> float:
        """Since the beginning."""
        return round(time.monotonic() - self._began, 6)

    def waited(self) -> float | None:
        """How much of that was waiting; None if there was none."""
        return round(self._waited, 6) or None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The block waits for people. Waits side by side count once."""
        with self._lock:
            self._waits += 1
            if self._waits == 1:
                self._waiting_since = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._waits -= 1
                if self._waits == 0:
                    self._waited += time.monotonic() - self._waiting_since

    def ended(self, path: str, duration_s: float) -> None:
        """A stage has ended; one that was opened several times adds up."""
        end = round(max(0.0, self.elapsed() - self._waited), 6)
        begin = self._spans.get(path, (round(max(0.0, end - duration_s), 6), end))[0]
        self._spans[path] = (begin, max(begin, end))
        self._durations[path] = round(self._durations.get(path, 0.0) + duration_s, 6)

    def durations(self) -> dict[str, float] | None:
        """Stage → seconds in it; None if there were none."""
        return dict(self._durations) or None

    def spans(self) -> dict[str, tuple[float, float]] | None:
        """Stage → first start and last end, in seconds of work from the run's beginning; None if there were none."""
        return dict(self._spans) or None
