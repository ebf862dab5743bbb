"""Pacing: when a watcher gets the next frame, and what of a flood goes into it.

Theory of operation: a ``Pacer`` serves one kind of watcher of one run. It is fed every event of the log in order, and
asked when the next frame is due and what is in it. A frame settles a whole stretch of the log: each of its events
is in the frame, or has become pointless and is counted, and none of its CRITICAL and HIGH ones is still to come.

CRITICAL events and transitions of stages make a frame due at once, past the token bucket. HIGH ones wait for a
token, but never longer than ``HIGH_WAIT_S``. The others wait for a token; findings, while nothing else waits, also
for each other. A frame carries all that waits, so nothing low is ever crowded out: it is only replaced by newer.

What must not be left out is bounded by falling behind: when more waits than the bounds below, the pacer lets go of
everything, and its owner reads on from the store after ``settled``. It owns no clock: ``now`` is in seconds, of
a clock that should not jump; one that does can delay or hasten a frame, but loses nothing.
"""

from __future__ import annotations

from headway.errors import InvalidEvent
from headway.progress.backlog import Backlog, PacedFrame
from headway.progress.bucket import TokenBucket
from headway.protocol.events import Event

__all__ = ["BURST", "RATE", "PacedFrame", "Pacer", "TokenBucket"]

RATE = 5.0
"""Frames a second, of one run to one watcher: as many as people can follow."""

BURST = 10.0
"""Frames that may go at once after a quiet time."""

HIGH_WAIT_S = 0.9
"""The longest that a HIGH event waits: a tenth below the second that is promised, for the way to the watcher."""

FINDINGS_WAIT_S = 0.5
"""How long findings wait for each other while nothing else makes a frame due."""

FINDINGS_TOGETHER = 5
"""So many findings wait for no more."""

CURSOR_WAIT_S = 1.0
"""How long a watcher's cursor lags behind when nothing of what passes is for it."""

WAITING_EVENTS = 4_096
"""Events that may wait before the pacer falls behind: some of the largest batches."""

WAITING_BYTES = 4 * 1024 * 1024
"""Bytes that may wait before the pacer falls behind: the largest batch."""


class Pacer:
    """What one kind of watcher still has to get of one run. Not for several threads at once.

    Attributes:
        settled: The last event that a frame has settled; the next frame begins after it.
        behind: Whether too much waited: everything was let go and nothing is taken in any more. The owner has to
            read on from the store after ``settled``, and begin a new pacer where that leads.
    """

    __slots__ = ("_backlog", "_bucket", "_fed", "behind", "settled")

    def __init__(self, after: int, *, rate: float = RATE, burst: float = BURST) -> None:
        self.settled = after
        self.behind = False
        self._fed = after
        self._bucket = TokenBucket(rate, burst)
        self._backlog = Backlog()

    def feed(self, event: Event, body: bytes, now: float) -> None:
        """The next event of the log, with its bytes as stored.

        Raises:
            InvalidEvent: It is not the next one, or its data do not fit its type.
        """
        self._check_next(event.seq)
        if not self.behind:
            self._backlog.add(event, body, now)
            if self._backlog.count > WAITING_EVENTS or self._backlog.size > WAITING_BYTES:
                self.behind = True
                self._backlog.clear()
        self._fed = event.seq

    def pass_over(self, seq: int, now: float) -> None:
        """The next event of the log is not for this watcher: it only moves the cursor on.

        Raises:
            InvalidEvent: It is not the next one.
        """
        self._check_next(seq)
        if not self.behind:
            self._backlog.pass_over(seq, now)
        self._fed = seq

    def _check_next(self, seq: int) -> None:
        if seq != self._fed + 1:
            raise InvalidEvent(f"event {seq} cannot follow event {self._fed}: feed all of the log in order")

    def due(self, now: float) -> float | None:
        """When the next frame may go, ``now`` at the earliest; None while there is nothing to settle.

        What is fed later can only bring it forward.
        """
        if self._backlog.urgent:
            return now
        wanted = self._wanted_at(now)
        if wanted is None:
            return None
        at = max(wanted, self._bucket.ready_at(now))
        high_since = self._backlog.high_since
        if high_since is not None:
            at = min(at, high_since + HIGH_WAIT_S)
        return max(now, at)

    def _wanted_at(self, now: float) -> float | None:
        """When there is reason enough for a frame, tokens apart."""
        backlog = self._backlog
        if backlog.since is None:
            return None
        if backlog.count == 0:
            return backlog.since + CURSOR_WAIT_S
        if backlog.count > backlog.findings or backlog.findings >= FINDINGS_TOGETHER:
            return now
        return now if backlog.high_since is None else backlog.high_since + FINDINGS_WAIT_S

    def take(self, now: float, *, flush: bool = False) -> PacedFrame | None:
        """The next frame if it is due (ask again: there may be more at once), else None.

        Args:
            now: The time, as in ``feed``.
            flush: Whatever waits is due, for a last frame.
        """
        due = self.due(now)
        if due is None or (due > now and not flush):
            return None
        self._bucket.take(now)
        frame = self._backlog.pop()
        self.settled = frame.to
        return frame
