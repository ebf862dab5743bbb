"""How long a run and its stages took, on the monotonic clock; waiting for people is kept apart from work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Timing:
    """What the last event of a run tells of durations. Seconds, to the microsecond. Safe in any thread.

    Args:
        clock: In seconds, that never jumps.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._durations: dict[str, float] = {}
        self._spans: dict[str, tuple[float, float]] = {}
        self.begin()

    def begin(self) -> None:
        """The run begins now."""
        self._began = self._clock()
        self._waits = 0
        self._waiting_since = 0.0
        self._waited: list[tuple[float, float]] = []

    def elapsed(self) -> float:
        """Since the beginning."""
        return round(self._clock() - self._began, 6)

    def waited(self) -> float | None:
        """How much of that was waiting; None if there was none."""
        with self._lock:
            return round(sum(end - begin for begin, end in self._waited), 6) or None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The block waits for people. Waits side by side count once."""
        with self._lock:
            self._waits += 1
            if self._waits == 1:
                self._waiting_since = self.elapsed()
        try:
            yield
        finally:
            with self._lock:
                self._waits -= 1
                if self._waits == 0:
                    self._waited.append((self._waiting_since, self.elapsed()))

    def ended(self, path: str, duration_s: float) -> None:
        """A stage has ended; one that was opened several times adds up."""
        now = self.elapsed()
        begin = self._spans[path][0] if path in self._spans else self._worked(now - duration_s)
        self._spans[path] = (begin, max(begin, self._worked(now)))
        self._durations[path] = round(self._durations.get(path, 0.0) + duration_s, 6)

    def _worked(self, moment: float) -> float:
        """The work done by a moment, in seconds from the beginning: what was waited until then is left out."""
        with self._lock:
            waits = [*self._waited, (self._waiting_since, moment)] if self._waits else self._waited
            waited = sum(max(0.0, min(end, moment) - begin) for begin, end in waits)
        return round(max(0.0, moment - waited), 6)

    def durations(self) -> dict[str, float] | None:
        """Stage → seconds in it; None if there were none."""
        return dict(self._durations) or None

    def spans(self) -> dict[str, tuple[float, float]] | None:
        """Stage → first start and last end, in seconds of work from the run's beginning; None if there were none."""
        return dict(self._spans) or None
