"""How progress gets from a job's loop to the sender: the loop leaves numbers, the sender fetches them.

The loop only adds to a counter and looks at one flag. When the flag is up the stage announces itself to the sender and
takes it down; the sender fetches the newest values, ten times a second at most, after it has put the flag up again. So
no value is lost, the last one least of all, and nothing on the loop's path takes a lock or asks for the time. Values
that are left together may be fetched apart; the flag sees to it that all of them are fetched in the end.

A stage that announces itself again before its turn has come is a steady one. The sender then leaves the flag down and
fetches by itself, in larger steps, until it finds nothing new: a loop that goes on for hours wakes nobody, and each
step costs one commit and no more. When nothing new was found the flag goes up, and only then does the sender look for
the last time, so what comes after that is announced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from headway.protocol.events import JsonObject, Number, StageProgress
from headway.reporter import plain

INTERVAL_S = 0.1
"""Between two progress events of one stage, at least: ten a second are more than anybody can read."""

STEADY_S = 0.2
"""The same for a stage that moves all the time, unless somebody waits for it: what watchers get by default."""


class Progress:
    """The newest progress of one stage. Safe in any thread, and in a signal handler: nothing here takes a lock.

    Attributes:
        current: How much is done. The job's threads add to it: in CPython an addition to a slot is not interrupted by
            another thread (and where it could be, a count would be off by one, not a run be harmed).
        total: How much there is to do, if it is known.
        attention: Up when the next change, or the next safe point, must take the slow way.
        closed: The stage is not open: the sender leaves its progress alone.
        counted: Whether ``current`` says anything.
        starts: How often the stage was started.
        starts_seen: How often the sender has seen that.
        sent_at: When the sender fetched last, on the monotonic clock.
        steady: The sender fetches by itself, whether or not the stage announces itself.
    """

    __slots__ = (
        "_announce",
        "_data",
        "_message",
        "_progress",
        "_sent",
        "_total_given",
        "_unit",
        "attention",
        "closed",
        "counted",
        "current",
        "path",
        "sent_at",
        "starts",
        "starts_seen",
        "steady",
        "total",
    )

    def __init__(self, path: str, announce: Callable[[Progress], None]) -> None:
        self.path = path
        self.current: Number = 0
        self.total: Number | None = None
        self.attention = True
        self.closed = True
        self.counted = False
        self.starts = 0
        self.starts_seen = 0
        self.sent_at = float("-inf")
        self.steady = False
        self._announce = announce
        self._total_given = False
        self._progress: Number | None = None
        self._unit: str | None = None
        self._message: str | None = None
        self._data: JsonObject | None = None
        self._sent: StageProgress | None = None

    def open(self, total: Number | None, unit: str | None) -> None:
        """The stage is about to start, and its first event says this much already."""
        self.starts += 1
        if total is not None:
            self.total, self._total_given = total, True
        self._unit = self._unit if unit is None else unit
        self.attention = True
        self.closed = False

    def announce(self) -> None:
        """Tell the sender that there is something to fetch."""
        self.attention = False
        self._announce(self)

    def add(self, n: Number) -> None:
        """So much more is done; what is no number is left out."""
        try:
            self.current += n
        except Exception:
            self.current += plain.number(n) or 0
        if self.attention:
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
        if current is not None:
            self.current, self.counted = plain.number(current) or 0, True
        if total is not None:
            self.total, self._total_given = plain.number(total), True
        if progress is not None:
            self._progress = plain.number(progress)
        if unit is not None:
            self._unit = plain.text(unit)
        if message is not None:
            self._message = plain.text(message)
        if data is not None:
            self._data = plain.frozen(data)
        if self.attention:
            self.announce()

    def loop_over(self, count: int | None) -> None:
        """A loop over so many more items begins; None if it does not know."""
        self.counted = True
        if count is not None and not self._total_given:
            self.total = (plain.number(self.current) or 0) + count
        if self.attention:
            self.announce()

    def fetch(self, *, announced: bool = True) -> StageProgress | None:
        """The newest values; None if there are none but those that were fetched before.

        Args:
            announced: From now on the stage is to announce its next change.
        """
        if announced:
            self.attention = True
        current = plain.number(self.current)
        newest = StageProgress(
            progress=self._progress,
            current=current if self.counted or current else None,
            total=plain.number(self.total),
            unit=self._unit,
            message=self._message,
            data=self._data,
        )
        if newest in (self._sent, StageProgress(total=newest.total, unit=newest.unit)):
            return None
        self._sent = newest
        return newest


class Sampler:
    """Which stages have something to fetch, and when. For the sender's thread."""

    def __init__(self) -> None:
        self._pending: dict[Progress, None] = {}

    def take(self, announced: Iterable[Progress], now: float) -> None:
        """These stages have progressed."""
        for progress in announced:
            progress.steady = progress.steady or now < progress.sent_at + INTERVAL_S
            self._pending[progress] = None

    @property
    def pending(self) -> set[Progress]:
        """The stages that are still to be fetched."""
        return set(self._pending)

    def due(self, now: float, *, hurry: bool = False) -> list[Progress]:
        """The stages whose turn it is, steady ones too if there is a ``hurry``; they are not pending any more."""
        due = [progress for progress in self._pending if progress.closed or self._due_at(progress, hurry) <= now]
        for progress in due:
            del self._pending[progress]
            progress.sent_at = now
        return due

    def fetch(self, progress: Progress, *, last: bool = False) -> StageProgress | None:
        """What a stage whose turn it is has to tell, if anything; a steady one gets another, unless it is the last."""
        if progress.closed:
            return None
        progress.steady = progress.steady and not last
        newest = progress.fetch(announced=not progress.steady)
        if not progress.steady:
            return newest
        if newest is None:
            progress.steady = False
            return progress.fetch()
        self._pending[progress] = None
        return newest

    def next_due(self, *, hurry: bool = False) -> float:
        """When the next stage's turn is, on the monotonic clock."""
        return min([self._due_at(progress, hurry) for progress in self._pending], default=float("inf"))

    def _due_at(self, progress: Progress, hurry: bool) -> float:
        # A stage whose start is still in the outbox must not be before it in the log.
        if progress.starts_seen < progress.starts:
            return float("inf")
        return progress.sent_at + (STEADY_S if progress.steady and not hurry else INTERVAL_S)
