"""The thread that sends: from the outbox and from the stages that have progressed to the log.

Theory of operation. Each round takes what has announced itself, then what is in the outbox, makes drafts of both and
delivers them in batches; when the log has taken them they are folded, and whoever waits for a flush is told. While one
batch is on its way the next one gathers. A stage's progress is fetched only after its start was drafted and never after
its end was put into the outbox, so the log has them in order. Nothing is ever raised into the job.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from headway.ports import Appended, Digest
from headway.protocol import limits
from headway.protocol.events import Draft, StageStarted
from headway.reporter.delivery import Closed, Delivery
from headway.reporter.drafting import Drafted, Refused, make_drafts
from headway.reporter.mirror import Mirror
from headway.reporter.outbox import Item, Marker, Outbox, Report
from headway.reporter.sampling import INTERVAL_S, Progress

logger = logging.getLogger("headway")

BATCH_EVENTS = 500
"""Half of what a log takes: a batch is on its way for a shorter time, and the next one gathers meanwhile."""

BATCH_BYTES = limits.BATCH_BYTES // 2
"""As much again is left for what the log adds."""

ROUND_ITEMS = 5_000
"""Items drafted in one round; log lines become far fewer events."""

DIGEST_DELAY_S = 0.5
"""When nothing more comes for so long, lists are told what the last batch has changed."""


class _Flush(NamedTuple):
    marker: Marker
    waiting_for: set[Progress]


class Sender:
    """Sends one run's reports. Start it once; ``close`` ends it."""

    def __init__(
        self, outbox: Outbox, delivery: Delivery, mirror: Mirror, *, renew_s: float, on_cancel: Callable[[], None]
    ) -> None:
        self._outbox = outbox
        self._delivery = delivery
        self._mirror = mirror
        self._renew_s = renew_s
        self._on_cancel = on_cancel
        self._announced: deque[Progress] = deque()
        self._pending: dict[Progress, None] = {}
        self._started: set[str] = set()
        self._flushes: list[_Flush] = []
        self._shown: Digest | None = None
        self._show_at = float("inf")
        self._renew_at = 0.0
        self._stopping = False
        self._cancel_told = False
        self.refused = 0
        self.undelivered = 0
        self._thread = threading.Thread(target=self._run, name="headway-sender", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def announce(self, progress: Progress) -> None:
        """A stage has progressed; from any thread."""
        self._announced.append(progress)
        self._outbox.wake()

    def close(self, timeout_s: float) -> bool:
        """Send what is there and end; false if that took longer than ``timeout_s`` and was given up."""
        self._stopping = True
        self._outbox.wake()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._delivery.give_up()
            self._thread.join(1.0)
        return self.undelivered == 0 and not self._outbox

    def _run(self) -> None:
        try:
            self._open()
            while not (self._stopping and self._idle()):
                self._outbox.sleep(self._timeout_s())
                self._round()
            self._finish()
        except Closed:
            self._drain()
        except Exception:
            logger.exception("reporting ended by a defect")
            self._drain()
        finally:
            self._delivery.close()

    def _open(self) -> None:
        self._renew_at = time.monotonic() + self._renew_s
        self._delivery.do(self._mirror.catch_up)
        self._shown = self._mirror.digest()

    def _idle(self) -> bool:
        return not (self._outbox or self._announced or self._pending)

    def _timeout_s(self) -> float:
        if self._announced or (self._stopping and not self._pending):
            return 0.0
        due = [progress.sent_at + INTERVAL_S for progress in self._pending]
        return max(0.0, min([self._renew_at, self._show_at, *due]) - time.monotonic())

    def _round(self) -> None:
        # First the announcements, then the outbox: a stage's start was put there before it announced itself.
        while self._announced:
            self._pending[self._announced.popleft()] = None
        items = self._outbox.take(ROUND_ITEMS)
        drafted = list(self._draft(items))
        fetched = self._fetch_due()
        drafted += self._draft(report for _, report in fetched if report is not None)
        for batch in _batches(drafted):
            self._deliver(batch)
        self._tell_flushes(items, {progress for progress, _ in fetched})
        now = time.monotonic()
        if now >= self._show_at:
            self._show_digest()
        if now >= self._renew_at:
            self._renew()

    def _draft(self, items: list[Item] | Iterator[Report]) -> Iterator[Drafted]:
        kept = list(items)
        self._started.update(
            item.stage
            for item in kept
            if isinstance(item, Report) and item.stage and isinstance(item.data, StageStarted)
        )
        for drafted in make_drafts(kept):
            if isinstance(drafted, Refused):
                self._refuse(drafted)
            else:
                yield drafted

    def _refuse(self, refused: Refused) -> None:
        self.refused += 1
        logger.warning("a %r report was left out (%d so far): %s", refused.what, self.refused, refused.error)

    def _fetch_due(self) -> list[tuple[Progress, Report | None]]:
        now = time.monotonic()
        due = [
            progress
            for progress in self._pending
            if progress.closed or (progress.path in self._started and now >= progress.sent_at + INTERVAL_S)
        ]
        fetched = []
        for progress in due:
            del self._pending[progress]
            data = None if progress.closed else progress.fetch()
            progress.sent_at = now
            fetched.append((progress, None if data is None else Report(time.time(), progress.path, data)))
        return fetched

    def _deliver(self, drafts: tuple[Draft, ...]) -> None:
        dropped = self._outbox.take_dropped()
        digest = self._mirror.digest()
        self.undelivered += len(drafts)
        appended = self._delivery.append(drafts, dropped=dropped, digest=digest)
        self.undelivered -= len(drafts)
        self._shown = digest
        self._show_at = time.monotonic() + DIGEST_DELAY_S
        self._took(appended, drafts)

    def _took(self, appended: Appended, drafts: tuple[Draft, ...]) -> None:
        self._delivery.do(lambda sink: self._mirror.took(appended, drafts, sink))
        self._delivery.do(self._mirror.store_snapshot)
        if appended.cancel_requested:
            self._cancel()

    def _cancel(self) -> None:
        if not self._cancel_told:
            self._cancel_told = True
            self._on_cancel()

    def _tell_flushes(self, items: list[Item], fetched: set[Progress]) -> None:
        self._flushes += [_Flush(item, set(self._pending) - fetched) for item in items if isinstance(item, Marker)]
        for flush in self._flushes:
            flush.waiting_for.difference_update(fetched)
            if not flush.waiting_for:
                flush.marker.done.set()
        self._flushes = [flush for flush in self._flushes if flush.waiting_for]

    def _show_digest(self) -> None:
        digest = self._mirror.digest()
        self._show_at = float("inf")
        if digest != self._shown:
            self._delivery.append((), digest=digest)
            self._shown = digest

    def _renew(self) -> None:
        self._renew_at = time.monotonic() + self._renew_s
        if self._delivery.renew():
            self._cancel()

    def _finish(self) -> None:
        self._show_digest()
        self._delivery.do(lambda sink: self._mirror.store_snapshot(sink, at_least=1))

    def _drain(self) -> None:
        """Nothing can be delivered any more: keep the outbox empty for as long as the job goes on, and count."""
        while True:
            items = self._outbox.take(ROUND_ITEMS)
            markers = [item for item in items if isinstance(item, Marker)]
            self.undelivered += len(items) - len(markers)
            for marker in markers + [flush.marker for flush in self._flushes]:
                marker.fail()
            self._flushes.clear()
            self._announced.clear()
            if self._stopping and not items:
                return
            self._outbox.sleep(self._renew_s)


def _batches(drafted: list[Drafted]) -> Iterator[tuple[Draft, ...]]:
    batch: list[Draft] = []
    size = 0
    for each in drafted:
        if batch and (len(batch) >= BATCH_EVENTS or size + each.size > BATCH_BYTES):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(each.draft)
        size += each.size
    if batch:
        yield tuple(batch)
