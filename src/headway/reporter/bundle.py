"""What goes to the log at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from headway.protocol import limits
from headway.protocol.events import TERMINAL, Draft
from headway.reporter.outbox import Dropped

if TYPE_CHECKING:
    from headway.reporter.drafting import Drafted

BUNDLE_EVENTS = 500
"""Half of what a log takes: a bundle is on its way for a shorter time, and the next one gathers meanwhile."""

BUNDLE_BYTES = limits.BATCH_BYTES * 3 // 4
"""The rest is left for what the log adds."""


class Bundle(NamedTuple):
    """Drafts in order, on their way to the log.

    Attributes:
        drafts: The events.
        dropped: How many reports were dropped before the first.
        reports: How many reports the drafts are made of.
        first: The reporter's number of the first draft.
    """

    drafts: tuple[Draft, ...]
    dropped: int
    reports: int
    first: int = 0

    @property
    def next(self) -> int:
        """The reporter's number after the last draft."""
        return self.first + len(self.drafts)

    @property
    def ends(self) -> bool:
        """Whether the run's last event is in it."""
        return bool(self.drafts) and self.drafts[-1].type in TERMINAL

    def halves(self) -> tuple[Bundle, Bundle]:
        """The same in two."""
        middle = len(self.drafts) // 2
        first, second = self.drafts[:middle], self.drafts[middle:]
        return Bundle(first, self.dropped, min(len(first), self.reports), self.first), Bundle(
            second, 0, max(0, self.reports - len(first)), self.first + middle
        )


def bundles(drafted: Iterable[Drafted | Dropped]) -> Iterator[Bundle]:
    """Everything in order, up to the run's end.

    What was dropped is told before the next bundle, and before the run's end at the latest.
    """
    drafts: list[Draft] = []
    size = reports = dropped = before = 0
    for each in drafted:
        if isinstance(each, Dropped):
            dropped += each.count
            continue
        full = len(drafts) >= BUNDLE_EVENTS or size + each.size > BUNDLE_BYTES
        if drafts and (full or (dropped and each.draft.type in TERMINAL)):
            yield Bundle(tuple(drafts), before, reports)
            drafts, size, reports = [], 0, 0
        if not drafts:
            before, dropped = dropped, 0
        drafts.append(each.draft)
        size += each.size
        reports += each.reports
        if each.draft.type in TERMINAL:
            dropped = 0
            break
    if drafts:
        yield Bundle(tuple(drafts), before, reports)
    if dropped:
        yield Bundle((), dropped, 0)
