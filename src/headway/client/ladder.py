"""Which transport to take next, and when: pure.

A WebSocket is the best, but proxies refuse it; a stream of events passes more of them, but some hold it back; polling
passes everywhere. So who gets no first frame goes one step down at once; from below the best is tried again after a
while. A server that is gone is no reason to go down: nothing would pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from headway.client.backoff import Backoff

TransportName = Literal["websocket", "sse", "polling"]
TRANSPORTS: tuple[TransportName, ...] = ("websocket", "sse", "polling")

CLIMB_S = 60.0
"""How long a lesser transport is used before the best one is tried again: networks change when laptops move."""


class ConnectionLost(Exception):
    """A connection ended; whoever watches comes back, so no caller ever sees this.

    Args:
        message: Why.
        answered: Whether the server was heard of at all.
        retry_after_s: When to come back, if the server said so.
    """

    def __init__(self, message: str, *, answered: bool, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.answered = answered
        self.retry_after_s = retry_after_s


class Ladder:
    """The transports from the best to the last, and where on them a watcher stands.

    Args:
        transports: Those that may be used, the best first.
        backoff: How long to wait between attempts.
    """

    def __init__(self, transports: Sequence[TransportName] = TRANSPORTS, backoff: Backoff | None = None) -> None:
        if not transports:
            raise ValueError("give at least one transport")
        self._transports = tuple(transports)
        self._backoff = backoff or Backoff()
        self._step = 0
        self._stepped_at = 0.0
        self._had_frame = False

    def next(self, now: float) -> TransportName:
        """The transport to try; ``now`` in seconds, of a clock that never jumps."""
        if self._step and now - self._stepped_at >= CLIMB_S:
            self._step = 0
        self._had_frame = False
        return self._transports[self._step]

    def worked(self) -> None:
        """A frame came."""
        self._had_frame = True
        self._backoff.reset()

    def failed(self, lost: ConnectionLost, now: float) -> float:
        """The connection is gone; seconds to wait before ``next``."""
        if lost.answered and not self._had_frame and self._step + 1 < len(self._transports):
            self._step += 1
            self._stepped_at = now
            return 0.0
        delay = self._backoff.next_delay()
        return delay if lost.retry_after_s is None else max(delay, lost.retry_after_s)
