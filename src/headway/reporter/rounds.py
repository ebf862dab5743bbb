"""What the sending thread does, round by round: from the outbox and the stages that have progressed to the log.

Theory of operation. Each round takes what is in the outbox, then which stages have announced themselves, makes drafts
of both and delivers them in bundles; when the log has taken them they are folded, and whoever waits for a flush is
told. While one bundle is on its way the next one gathers. A stage's progress is fetched only after its start was
drafted and never after its end was put into the outbox, so the log has them in order. The run's last event ends the
sending, whatever was put in behind it. Nothing is ever raised into the job.

What cannot be sent in time is kept on disk: by this thread if it is told to give up and hears it, or else, if it waits
for a log that does not answer, by the thread that gives up. What the log takes all the same is then kept in vain:
nothing is stored twice under one number.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from headway.errors import InvalidInput
from headway.ports import Appended, Digest, EventSink
from headway.reporter.bundle import Bundle, bundles
from headway.reporter.delivery import Closed, Delivery
from headway.reporter.drafting import Drafted, Refused, make_drafts
from headway.reporter.errand import Errand
from headway.reporter.leftovers import deliver_left_behind
from headway.reporter.loading import loading
from headway.reporter.mirror import Mirror
from headway.reporter.opener import Opener
from headway.reporter.outbox import Dropped, Item, Marker, Report
from headway.reporter.overflow import Overflow
from headway.reporter.sampling import Progress, Sampler
from headway.reporter.spool import Spool, SpoolHeader

if TYPE_CHECKING:
    from headway.reporter.signs import Signs

logger = logging.getLogger("headway")

ROUND_ITEMS = 5_000
"""Items drafted in one round; log lines become far fewer events."""

DIGEST_DELAY_S = 0.5
"""When nothing more comes for so long, lists are told what the last bundle has changed."""


class _Flush(NamedTuple):
    marker: Marker
    waiting_for: set[Progress]


class Rounds:
    """Runs an errand, in the thread that calls ``run``.

    Attributes:
        ended: The log has the run's last event.
        undelivered: How many reports the log has not taken, of those that are not in the outbox any more.
    """

    def __init__(self, errand: Errand) -> None:
        self._outbox = errand.outbox
        self._mirror = errand.mirror
        self._tally = errand.tally
        self._renew_s = errand.lease_s / 3
        self._on_stop = errand.on_stop
        self._left = errand.left
        self._delivery = Delivery(
            errand.open_sink, errand.run, errand.reporter, errand.lease_s, helps=errand.mirror is None
        )
        self._delivery.on_wait = self._relieve
        self._overflow = _overflow(errand, self._delivery)
        self._in_hand: list[Bundle] = []
        self._next = 1
        self._signs: Signs | None = None
        self._sampler = Sampler()
        self._flushes: list[_Flush] = []
        self._shown: Digest | None = None
        self._show_at = float("inf")
        self._renew_at = 0.0
        self._cancel_told = False
        self.ended = False
        self.undelivered = 0

    @property
    def abandoned(self) -> bool:
        """The thread of ``run`` has found out that another one has kept, or is keeping, what is left."""
        return self._delivery.abandoned

    def run(self) -> None:
        """Send until the outbox is closed and everything is sent, or the log takes nothing more."""
        try:
            self._begin()
            while not (self._outbox.closed and self._idle()):
                self._outbox.sleep(self._timeout_s())
                self._round()
            self._finish()
        except Closed:
            if not self._delivery.abandoned:
                self._stow()
            if self._delivery.fenced:
                self._on_stop("another owner has taken it over")
        finally:
            self._fail_flushes()
            self._delivery.close()

    def give_up(self) -> None:
        """End what is being tried, from another thread."""
        self._delivery.give_up()

    def keep(self) -> bool:
        """After ``give_up``: keep what is left, here and now, if the sending thread waits for the log; else false."""
        abandoned = self._delivery.abandon()
        if abandoned:
            self._stow()
            self._fail_flushes()
        return abandoned

    def _fail_flushes(self) -> None:
        for flush in self._flushes:
            flush.marker.fail()

    def _relieve(self) -> None:
        """The log cannot be reached: move what is crowding the outbox to the disk."""
        while self._outbox.crowded and self._overflow.open:
            self._set_aside()

    def _set_aside(self) -> None:
        """Move some of the outbox to the disk."""
        items = self._outbox.take(ROUND_ITEMS)
        self._flushes += [_Flush(item, set()) for item in items if isinstance(item, Marker)]
        for bundle in self._bundled(self._draft(items)):
            self._overflow.keep(bundle)
        self._outbox.account()

    def _stow(self) -> None:
        """Given up on: keep what was not delivered for a later process. If the log refuses it, nobody needs it."""
        if self._delivery.closed_by is not None:
            self._overflow.discard()
            return
        for bundle in self._in_hand:
            if self._overflow.open and self._overflow.keep(bundle):
                self.undelivered -= bundle.reports
        while self._outbox.busy and self._overflow.open:
            self._outbox.take_announced()
            self._set_aside()
        if self._overflow.leave():
            logger.warning("reports were kept on disk: the next run that reports to the same store delivers them")

    def _begin(self) -> None:
        self._renew_at = time.monotonic() + self._renew_s
        if self._mirror is None:
            self._delivery.renew()
        else:
            with loading():
                from headway.reporter.signs import Signs

            self._signs = Signs(time.monotonic())
            self._delivery.do(self._mirror.catch_up)
            self._shown = self._mirror.digest()
        self._overflow.look_back()

    def _idle(self) -> bool:
        return not self._outbox.busy and not self._overflow and (self.ended or not self._sampler.pending)

    def _timeout_s(self) -> float:
        if self._outbox.closed and not self._sampler.pending:
            return 0.0
        sign_at = float("inf") if self._signs is None or self.ended else self._signs.due_at
        fetch_at = self._sampler.next_due(hurry=bool(self._flushes))
        due = min(self._renew_at, self._show_at, sign_at, fetch_at, self._left.due_at)
        return max(0.0, due - time.monotonic())

    def _round(self) -> None:
        self._deliver_kept()
        # First the outbox, then the announcements: what progressed before a flush was asked for is among them then.
        items = self._outbox.take(ROUND_ITEMS)
        now = time.monotonic()
        # It puts something into the outbox too, and in a full one would wait for this thread to take some.
        self._left.look(now)
        self._sampler.take(self._outbox.take_announced(), now)
        self._flushes += [_Flush(item, self._sampler.pending) for item in items if isinstance(item, Marker)]
        drafted = list(self._draft(items))
        last = self._outbox.closed and not self._outbox.busy
        fetched = self._sampler.due(float("inf") if last else now, hurry=bool(self._flushes))
        drafted += self._draft(list(self._newest(fetched, last=last)))
        self._deliver_all(drafted)
        self._tell_flushes(fetched)
        now = time.monotonic()
        if now >= self._show_at:
            self._show_digest()
        if now >= self._renew_at and not self.ended:
            self._renew()
        if self._signs is not None and now >= self._signs.due_at and not (self.ended or self._outbox.closed):
            self._give_sign(self._signs)

    def _newest(self, stages: Iterable[Progress], *, last: bool) -> Iterator[Report]:
        for stage in stages:
            newest = self._sampler.fetch(stage, last=last)
            if newest is not None:
                yield Report(time.time(), stage.path, newest)

    def _give_sign(self, signs: Signs) -> None:
        """The job is silent: say that it is alive, and what it is at."""
        mirror = self._mirror
        assert mirror is not None
        self._delivery.do(mirror.catch_up)  # helpers' stages count, too
        sign = signs.sign(mirror.state(), time.monotonic())
        if sign is not None:
            self._deliver_all(list(self._draft([sign.report(time.time())])))

    def _draft(self, items: Sequence[Item]) -> Iterator[Drafted | Dropped]:
        for item in items:
            if isinstance(item, Report) and item.opens is not None:
                item.opens.starts_seen += 1
                self._note_begin(item.opens.path, item.at)
        for drafted in make_drafts(items):
            if isinstance(drafted, Refused):
                self._tally.add("refused", f"{drafted.what}: {drafted.error}")
                continue
            if isinstance(drafted, Dropped):
                self._tally.add("dropped", "too many were waiting for the store", drafted.count)
            elif drafted.flaw is not None:
                self._tally.add("changed to what a log takes", drafted.flaw)
            yield drafted

    def _note_begin(self, path: str, at: float) -> None:
        if self._signs is not None:
            self._signs.began(path, time.monotonic() - max(0.0, time.time() - at))

    def _bundled(self, drafted: Iterable[Drafted | Dropped]) -> Iterator[Bundle]:
        """Bundles with their numbers: a number is given once, wherever the bundle goes."""
        for bundle in bundles(drafted):
            numbered = bundle._replace(first=self._next + bundle.dropped)
            self._next = numbered.next
            yield numbered

    def _deliver_all(self, drafted: list[Drafted | Dropped]) -> None:
        self._in_hand = list(self._bundled(drafted))
        self.undelivered += sum(bundle.reports for bundle in self._in_hand)
        self._outbox.account()
        while self._in_hand:
            if not self.ended:
                self._deliver(self._in_hand[0])
            self.undelivered -= self._in_hand.pop(0).reports

    def _deliver_kept(self) -> None:
        """What was kept on disk came before what is in the outbox now."""
        while (bundle := self._overflow.next()) is not None:
            self._deliver(bundle)
            self._overflow.delivered()

    def _deliver(self, bundle: Bundle) -> None:
        digest = None if self._mirror is None else self._mirror.digest()
        try:
            appended = self._delivery.append(bundle.first, bundle.drafts, dropped=bundle.dropped, digest=digest)
        except InvalidInput as error:
            self._deliver_less(bundle, error)
            return
        self.ended = bundle.ends
        if self._signs is not None:
            self._signs.heard(time.monotonic())
        if self._mirror is not None:
            self._follow(self._mirror, appended, bundle)
            self._shown = digest
        if appended.cancel_requested:
            self._cancel()

    def _follow(self, mirror: Mirror, appended: Appended, bundle: Bundle) -> None:
        self._show_at = time.monotonic() + DIGEST_DELAY_S

        def fold(sink: EventSink) -> None:
            mirror.took(appended, bundle.drafts, sink)
            mirror.store_snapshot(sink)

        self._delivery.do(fold)

    def _deliver_less(self, bundle: Bundle, error: InvalidInput) -> None:
        """A log with stricter limits than ours has refused it: find the one that it does not take, and leave it out."""
        if len(bundle.drafts) < 2:
            self._tally.add("refused", f"{bundle.drafts[0].type}: {error}" if bundle.drafts else error)
            return
        for half in bundle.halves():
            self._deliver(half)

    def _cancel(self) -> None:
        if not self._cancel_told:
            self._cancel_told = True
            self._on_stop(None)

    def _tell_flushes(self, fetched: list[Progress]) -> None:
        for flush in self._flushes:
            flush.waiting_for.difference_update(fetched)
            if not flush.waiting_for or self.ended:
                flush.marker.done.set()
        self._flushes = [flush for flush in self._flushes if not flush.marker.done.is_set()]

    def _show_digest(self) -> None:
        digest = None if self._mirror is None else self._mirror.digest()
        self._show_at = float("inf")
        if digest is not None and digest != self._shown:
            self._delivery.append(self._next, (), digest=digest)
            self._shown = digest

    def _renew(self) -> None:
        self._renew_at = time.monotonic() + self._renew_s
        if self._delivery.renew():
            self._cancel()

    def _finish(self) -> None:
        self._show_digest()
        mirror = self._mirror
        if mirror is not None:
            self._delivery.do(lambda sink: mirror.store_snapshot(sink, at_least=1))
        if not self.ended:
            self._delivery.release()
        self._overflow.finish_looking_back()


def _overflow(errand: Errand, delivery: Delivery) -> Overflow:
    place = errand.open_sink.spool if isinstance(errand.open_sink, Opener) else None
    if place is None:
        return Overflow(None, errand.tally)

    def make() -> Spool:
        header = SpoolHeader(
            target=place.target,
            run=errand.run,
            reporter=errand.reporter,
            attempt=delivery.attempt,
            helper=errand.mirror is None,
        )
        return Spool(place.folder, header)

    return Overflow(make, errand.tally, lambda: deliver_left_behind(place.folder, place.target, errand.open_sink))
