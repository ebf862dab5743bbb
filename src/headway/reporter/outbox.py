"""The bounded buffer between a job's threads and the thread that sends.

Putting something in costs less than a microsecond and does not wait for a store: a deque takes it, and the sender is
woken only when it sleeps. Only a job that says more, for long, than a working sender can take is slowed down by it.
Progress never passes here, only the word that a stage has some, since the sender samples it; so only what must not be
conflated can pile up.

Lines of the log gather where the queue ends: a line is added to the newest item if that holds lines of its kind, and
many pass as one. When the sender takes the item no more can be added to it, and who was about to finds out and begins
another.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from headway.protocol.events import Data, Highlight, JsonObject, Note, Priority, RunCancelled, RunCompleted, RunFailed
from headway.reporter.bell import Bell

if TYPE_CHECKING:
    from headway.reporter.sampling import Progress

CAPACITY = 100_000
"""Reports that wait for a store that is out of reach: some tens of megabytes."""

CAPACITY_LOW = 50_000
"""From here on what matters least (LOW) is dropped, and counted, to keep room for the rest."""

CAPACITY_TEXT = 64 * 1024 * 1024
"""Characters of log text that wait: lines may be long."""

STALLED_S = 1.0
"""When nothing was taken for so long, there is no store to be had, and reports without room are dropped at once."""

PAUSE_S = 0.001
"""For how long who finds no room lets the sender work."""

CROWDED = 5_000
"""From here on, if the store is out of reach, reports go to the disk."""

CROWDED_TEXT = 8 * 1024 * 1024
"""The same for characters of log text."""

TAKEN_TEXT = 5 * 1024 * 1024 // 2
"""Characters of log text that are taken at once: with their JSON they go to the log at once, if they are usual ones."""

LINGER_S = 0.1
"""How long a few log lines wait for more."""

LINGER_LINES = 10
"""Log lines that are sent without waiting for more."""

GATHERED_LINES = 500
"""Log lines in one item: as many as an event has room for, if they are of the usual length."""


class Report(msgspec.Struct, frozen=True, gc=False):
    """Something that was reported, as the job's thread left it; ``data`` for a custom type is JSON.

    ``opens`` is the progress of the stage that the report starts: only after it may any be sent.
    """

    at: float
    stage: str | None
    data: Data | JsonObject
    type: str | None = None
    priority: Priority | None = None
    opens: Progress | None = None


class LogLines:
    """Text for the log, which the sender mends, splits and joins into events.

    Attributes:
        at: When the first of it was reported.
        texts: What was reported; the sender's once it has taken the item.
        open: The same, to be added to, until ``close``.
    """

    __slots__ = ("at", "level", "open", "stage", "stream", "texts")

    def __init__(self, at: float, stage: str | None, stream: str, level: str | None, text: str) -> None:
        self.at = at
        self.stage = stage
        self.stream = stream
        self.level = level
        self.texts = self.open = [text]

    def close(self) -> None:
        """Nothing more is to be added; who tries gets an AttributeError."""
        del self.open


class Marker:
    """Everything before it must be durable when ``done`` is set, unless ``failed`` says that it never will be."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.failed = False

    def fail(self) -> None:
        """Tell who waits that it waits in vain."""
        self.failed = True
        self.done.set()


class Dropped:
    """Stands where so many reports would have been that there was no room for."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


Item = Report | LogLines | Marker | Dropped


def reports_in(items: Iterable[Item]) -> int:
    """How many reports the items hold."""
    return sum(len(item.texts) if isinstance(item, LogLines) else isinstance(item, Report) for item in items)


class Outbox:
    """What waits to be sent. Any thread may put, and so may a signal handler; one thread takes.

    Attributes:
        closed: The end was put in: nothing more is taken.
        taken: How many reports were taken since ``account``: who gives up meanwhile must know of them.
    """

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._announced: deque[Progress] = deque()
        self._bell = Bell()
        self._dropping = threading.RLock()
        self._newest_drop: Dropped | None = None
        self._sleeping = False
        self._lingering = False
        self._urgent = False
        self._gathering = 0
        self._lines = 0
        self._text = 0
        self._taken_at = time.monotonic()
        self.taken = 0
        self.closed = False

    def put(self, item: Report | Marker) -> bool:
        """Put something in, at once; false if it was dropped."""
        if self.closed or (len(self._items) + self._lines >= CAPACITY_LOW and not self._wait_for_room(item)):
            self._drop(item)
            return False
        self._items.append(item)
        if self._sleeping:
            self._bell.ring()
        return True

    def put_line(self, stage: str | None, stream: str, level: str | None, text: str) -> bool:
        """Put a line of the log in, which may wait a moment for others; false if it was dropped."""
        size = len(text)
        try:
            newest: LogLines = self._items[-1]  # type: ignore[assignment]  # other items have no such attributes
            fits = (
                newest.stage is stage  # which costs less than asking whether they are equal
                and (newest.stream is stream or newest.stream == stream)
                and (newest.level is level or newest.level == level)
                and len(newest.open) < GATHERED_LINES
                and self._text <= CAPACITY_TEXT
                and not self.closed
            )
            if fits:
                newest.open.append(text)
        except (IndexError, AttributeError):  # there are none, or the sender has just taken them
            fits = False
        if not fits and not self._begin_lines(LogLines(time.time(), stage, stream, level, text)):
            return False
        # Nothing is called between reading and writing, so that no other thread of CPython comes between.
        self._lines += 1
        self._text += size
        if self._sleeping and (not self._lingering or self._lines >= LINGER_LINES):
            self._bell.ring()
        return True

    def _begin_lines(self, lines: LogLines) -> bool:
        if self.closed or (self._no_room_for(lines) and not self._wait_for_room(lines)):
            self._drop(lines)
            return False
        self._gathering += 1
        self._items.append(lines)
        return True

    def _wait_for_room(self, item: Item) -> bool:
        # Who says more than a disk takes is slowed down, as by a file; who has no disk is not.
        while self._no_room_for(item):
            if time.monotonic() - self._taken_at > STALLED_S:
                return False
            time.sleep(PAUSE_S)
        return not self.closed

    def _no_room_for(self, item: Item) -> bool:
        if isinstance(item, LogLines):
            return self.waiting >= CAPACITY_LOW or self._text > CAPACITY_TEXT
        if isinstance(item, Report) and isinstance(item.data, RunCompleted | RunFailed | RunCancelled):
            return False
        if self.waiting >= CAPACITY:
            return True
        return isinstance(item, Report) and (item.priority == "low" or isinstance(item.data, Highlight | Note))

    def _drop(self, item: Item) -> None:
        if self.closed or isinstance(item, Marker):
            return
        with self._dropping:
            drop = self._newest_drop
            if drop is None or self._items[-1] is not drop:
                drop = self._newest_drop = Dropped()
                self._items.append(drop)
            drop.count += 1

    def announce(self, progress: Progress) -> None:
        """A stage has progressed: the sender is to fetch it."""
        self._announced.append(progress)
        self.wake()

    def wake(self) -> None:
        """Wake the sender for something else than items."""
        self._urgent = True
        if self._sleeping:
            self._bell.ring()

    def sleep(self, timeout_s: float) -> None:
        """Wait until something is in, ``wake`` is called or the time is over; a few log lines wait for more."""
        self._sleeping = True
        # What came before the flag was set did not ring; it is seen here.
        if not self._items and not self._urgent:
            self._bell.wait(timeout_s)
        self._bell.hush()
        self._linger()
        self._sleeping = self._urgent = False

    def _linger(self) -> None:
        self._lingering = True
        until = time.monotonic() + LINGER_S
        while self._only_lines():
            left = until - time.monotonic()
            if left <= 0 or not self._bell.wait(left):
                break
        self._lingering = False

    def _only_lines(self) -> bool:
        return 0 < self._lines < LINGER_LINES and len(self._items) == self._gathering and not self._urgent

    def take(self, limit: int) -> list[Item]:
        """The oldest items, ``limit`` at most; no lines can be added to them from now on."""
        self._taken_at = time.monotonic()
        taken: list[Item] = []
        gathered = lines = text = 0
        while self._items and len(taken) < limit and text < TAKEN_TEXT:
            self.taken += reports_in((self._items[0],))  # before it is out of sight
            item = self._items.popleft()
            taken.append(item)
            if isinstance(item, LogLines):
                item.close()
                gathered += 1
                lines += len(item.texts)
                text += sum(map(len, item.texts))
        self._gathering -= gathered
        self._lines -= lines
        self._text -= text
        if self._newest_drop is not None:
            with self._dropping:
                if any(item is self._newest_drop for item in taken):
                    self._newest_drop = None  # it has its count, and a further drop makes another
        return taken

    def account(self) -> None:
        """What was taken is counted elsewhere now, or need not be."""
        self.taken = 0

    def take_announced(self) -> list[Progress]:
        """The stages that have progressed since the last call."""
        return [self._announced.popleft() for _ in range(len(self._announced))]

    @property
    def waiting(self) -> int:
        """About how many reports wait."""
        return len(self._items) + self._lines

    @property
    def crowded(self) -> bool:
        """Whether so much waits that some should be kept elsewhere."""
        return self.waiting >= CROWDED or self._text >= CROWDED_TEXT

    @property
    def busy(self) -> bool:
        """Whether there is anything to take."""
        return bool(self._items or self._announced)

    def reports(self) -> int:
        """How many reports wait."""
        return reports_in(list(self._items))
