"""How progress gets from a job's loop to the sender: the loop leaves numbers, the sender fetches them.

The loop only adds to a counter and looks at one flag. When the flag is up the stage announces itself to the sender and
takes it down; the sender fetches the newest values, ten times a second at most, after it has put the flag up again. So
no value is lost, the last one least of all, and nothing on the loop's path takes a lock or asks for the time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from headway.protocol.events import JsonObject, Number, StageProgress

INTERVAL_S = 0.1
"""Between two progress events of one stage: ten a second are more than anybody can read."""


class Progress:
    """The newest progress of one stage.

    Attributes:
        current: How much is done. The job's thread adds to it without a lock: in CPython an addition to a slot is not
            interrupted by another thread (and where it could be, a count would be off by one, not a run be harmed).
        attention: Up when the next change, or the next safe point, must take the slow way.
        sent_at: When the sender fetched last, on the monotonic clock.
    """

    __slots__ = (
        "__weakref__",
        "_announce",
        "_data",
        "_lock",
        "_message",
        "_progress",
        "_sent",
        "_total",
        "_unit",
        "attention",
        "closed",
        "counted",
        "current",
        "path",
        "sent_at",
    )

    def __init__(self, path: str, announce: Callable[[Progress], None], total: Number | None, unit: str | None) -> None:
        self.path = path
        self.current: Number = 0
        self.attention = True
        self.closed = False
        self.counted = False
        self.sent_at = float("-inf")
        self._announce = announce
        self._lock = threading.Lock()
        self._progress: Number | None = None
        self._total = total
        self._unit = unit
        self._message: str | None = None
        self._data: JsonObject | None = None
        self._sent: StageProgress | None = None

    @property
    def total(self) -> Number | None:
        """How much there is to do, if it is known."""
        return self._total

    def announce(self) -> None:
        """Tell the sender that there is something to fetch."""
        self.attention = False
        self._announce(self)

    def add(self, n: Number) -> None:
        """So much more is done."""
        self.current += n
        if self.attention:
            self.counted = True
            self.announce()

    def update(
        self,
        *,
        progress: Number | None = None,
        current: Number | None = None,
        total: Number | None = None,
        unit: str | None = None,
        message: str | None = None,
        data: JsonObject | None = None,
    ) -> None:
        """Leave what is given for the sender; what is not given stays."""
        with self._lock:
            if progress is not None:
                self._progress = progress
            if current is not None:
                self.current, self.counted = current, True
            self._total = self._total if total is None else total
            self._unit = self._unit if unit is None else unit
            self._message = self._message if message is None else message
            self._data = self._data if data is None else data
        self.announce()

    def fetch(self) -> StageProgress | None:
        """The newest values; None if they were fetched before."""
        self.attention = True
        with self._lock:
            newest = StageProgress(
                progress=self._progress,
                current=self.current if self.counted else None,
                total=self._total,
                unit=self._unit,
                message=self._message,
                data=self._data,
            )
            if newest == self._sent or newest == StageProgress(total=self._total, unit=self._unit):
                return None
            self._sent = newest
        return newest
