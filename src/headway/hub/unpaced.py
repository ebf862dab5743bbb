"""Pacing for those who want every event: a frame is due as soon as there is something for them."""

from __future__ import annotations

from headway.hub.stretch import ROOM_BYTES
from headway.progress.backlog import PacedFrame
from headway.progress.pacing import CURSOR_WAIT_S
from headway.protocol.events import Event


class Unpaced:
    """As a ``Pacer``, but everything goes at once, and nothing is left out.

    Attributes:
        settled: The last event that a frame has settled.
        behind: Never.
    """

    __slots__ = ("_bodies", "_fed", "_seqs", "_since", "behind", "settled")

    def __init__(self, after: int) -> None:
        self.settled = self._fed = after
        self.behind = False
        self._bodies: list[bytes] = []
        self._seqs: list[int] = []
        self._since: float | None = None

    def feed(self, event: Event, body: bytes, now: float) -> None:
        """The next event of the log."""
        self._bodies.append(body)
        self._seqs.append(event.seq)
        self.pass_over(event.seq, now)

    def pass_over(self, seq: int, now: float) -> None:
        """The next event of the log is not wanted: it only moves the cursor on."""
        self._fed = seq
        if self._since is None:
            self._since = now

    def due(self, now: float) -> float | None:
        """When the next frame may go; None while there is nothing to settle."""
        if self._since is None:
            return None
        return now if self._bodies else max(now, self._since + CURSOR_WAIT_S)

    def take(self, now: float, *, flush: bool = False) -> PacedFrame | None:
        """The next frame if it is due."""
        due = self.due(now)
        if due is None or (due > now and not flush):
            return None
        count = self._that_fit()
        from_, bodies = self.settled + 1, tuple(self._bodies[:count])
        all_of_it = count == len(self._bodies)
        self.settled = self._fed if all_of_it else self._seqs[count - 1]
        self._since = None if all_of_it else self._since
        del self._bodies[:count], self._seqs[:count]
        return PacedFrame(from_=from_, to=self.settled, events=bodies, conflated={})

    def _that_fit(self) -> int:
        size = 0
        for count, body in enumerate(self._bodies):
            size += len(body) + 1
            if count and size > ROOM_BYTES:
                return count
        return len(self._bodies)
