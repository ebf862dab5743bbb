"""The bounded buffer between a job's threads and the thread that sends.

Putting something in costs about a microsecond and never waits: a deque takes it, and the sender is woken only when it
sleeps. Progress never passes here, since the sender samples it; so only what must not be conflated can pile up.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import NamedTuple

from headway.protocol.events import Data, Highlight, JsonObject, Note, Priority

CAPACITY = 100_000
"""Reports that wait for a store that is out of reach: some tens of megabytes."""

CAPACITY_LOW = 50_000
"""From here on what matters least (LOW) is dropped, and counted, to keep room for the rest."""

LINGER_S = 0.1
"""How long a few log lines wait for more."""

LINGER_LINES = 10
"""Log lines that are sent without waiting for more."""


class Report(NamedTuple):
    """Something that was reported, as the job's thread left it; ``data`` for a custom type is JSON."""

    at: float
    stage: str | None
    data: Data | JsonObject
    type: str | None = None
    priority: Priority | None = None


class LogLine(NamedTuple):
    """Text for the log, which the sender splits and joins into events."""

    at: float
    stage: str | None
    stream: str
    level: str | None
    text: str


class Marker:
    """Everything before it must be durable when ``done`` is set, unless ``failed`` says that it never will be."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.failed = False

    def fail(self) -> None:
        """Tell who waits that it waits in vain."""
        self.failed = True
        self.done.set()


Item = Report | LogLine | Marker


class Outbox:
    """What waits to be sent. Any thread may put; one takes."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._wake = threading.Event()
        self._sleeping = False
        self._lingering = False
        self._urgent = False
        self._lines = 0
        self._dropped = 0

    def put(self, item: Report | Marker) -> None:
        """Put something in, at once."""
        if len(self._items) >= CAPACITY_LOW and self._no_room_for(item):
            self._dropped += 1
            return
        self._items.append(item)
        if self._sleeping:
            self._wake.set()

    def put_line(self, line: LogLine) -> None:
        """Put a line of the log in; it may wait a moment for others."""
        if len(self._items) >= CAPACITY_LOW:
            self._dropped += 1
            return
        self._items.append(line)
        self._lines += 1
        if self._sleeping and (not self._lingering or self._lines >= LINGER_LINES):
            self._wake.set()

    def _no_room_for(self, item: Report | Marker) -> bool:
        if isinstance(item, Marker):
            return False
        return item.priority == "low" or isinstance(item.data, Highlight | Note) or len(self._items) >= CAPACITY

    def wake(self) -> None:
        """Wake the sender for something that is not in here: progress to fetch, or the end."""
        self._urgent = True
        if self._sleeping:
            self._wake.set()

    def sleep(self, timeout_s: float) -> None:
        """Wait until something is in, ``wake`` is called or the time is over; a few log lines wait for more."""
        self._sleeping = True
        # What came before the flag was set did not ring; it is seen here.
        if not self._items and not self._urgent:
            self._wake.wait(timeout_s)
        self._wake.clear()
        self._linger()
        self._sleeping = self._urgent = False

    def _linger(self) -> None:
        self._lingering = True
        while self._only_lines():
            waited = time.time() - self._items[0].at  # type: ignore[union-attr]  # they are all lines
            if not (0 <= waited < LINGER_S and self._wake.wait(LINGER_S - waited)):
                break
            self._wake.clear()
        self._lingering = False

    def _only_lines(self) -> bool:
        return 0 < len(self._items) == self._lines < LINGER_LINES and not self._urgent

    def take(self, limit: int) -> list[Item]:
        """The oldest items, ``limit`` at most."""
        taken = [self._items.popleft() for _ in range(min(limit, len(self._items)))]
        self._lines = max(0, self._lines - sum(isinstance(item, LogLine) for item in taken))
        return taken

    def take_dropped(self) -> int:
        """How many reports were dropped since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def __len__(self) -> int:
        return len(self._items)
