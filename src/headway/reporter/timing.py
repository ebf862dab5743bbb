"""How long a run and its stages took, on the monotonic clock; waiting for people is kept apart from work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Wait:
    """From when until when somebody was waited for; ``end`` is None for as long as that goes on."""

    __slots__ = ("begin", "end")

    def __init__(self, begin: float) -> None:
        self.begin = begin
        self.end: float | None = None


class Timing:
    """What the last event of a run tells of durations. Seconds, to the microsecond.

    Safe in any thread, in a signal handler, and in a child that was forked at any moment: nothing here takes a lock.

    Args:
        clock: In seconds, that never jumps.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._durations: dict[str, float] = {}
        self._spans: dict[str, tuple[float, float]] = {}
        self.begin()

    def begin(self) -> None:
        """The run begins now."""
        self._began = self._clock()
        self._waits: list[_Wait] = []

    def elapsed(self) -> float:
        """Since the beginning."""
        return self._since_begin(self._clock())

    def _since_begin(self, at: float) -> float:
        return round(at - self._began, 6)

    def waited(self) -> float | None:
        """How much of that was waiting; None if there was none."""
        return round(self._waited_by(self.elapsed()), 6) or None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The block waits for people. Waits side by side count once."""
        wait = _Wait(self.elapsed())
        self._waits.append(wait)
        try:
            yield
        finally:
            wait.end = self.elapsed()

    def ended(self, path: str, duration_s: float, at: float | None = None) -> None:
        """A stage has ended; one that was opened several times adds up.

        Args:
            path: Which.
            duration_s: How long it was open.
            at: When it has ended, by the clock; now by default.
        """
        end = self._since_begin(self._clock() if at is None else at)
        begin = self._spans[path][0] if path in self._spans else self._worked(end - duration_s)
        self._spans[path] = (begin, max(begin, self._worked(end)))
        self._durations[path] = round(self._durations.get(path, 0.0) + duration_s, 6)

    def _worked(self, moment: float) -> float:
        """The work done by a moment, in seconds from the beginning: what was waited until then is left out."""
        return round(max(0.0, moment - self._waited_by(moment)), 6)

    def _waited_by(self, moment: float) -> float:
        waited = counted_to = 0.0
        for begin, end in sorted((wait.begin, moment if wait.end is None else wait.end) for wait in self._waits):
            until = min(end, moment)
            waited += max(0.0, until - max(begin, counted_to))
            counted_to = max(counted_to, until)
        return waited

    def durations(self) -> dict[str, float] | None:
        """Stage → seconds in it; None if there were none."""
        return dict(self._durations) or None

    def spans(self) -> dict[str, tuple[float, float]] | None:
        """Stage → first start and last end, in seconds of work from the run's beginning; None if there were none."""
        return dict(self._spans) or None
