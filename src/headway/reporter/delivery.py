"""Delivering batches to a log: numbered once, sent until acknowledged, or until the log says never.

The states of a delivery: *new* (the run is not claimed yet, or not any more), *open* (its events are taken), *closed*
(the log refuses everything from now on, since the run has ended or was taken over, or there is no such log to be had).
A log that is gone is made anew; one that was restored from an old copy is claimed again; one that somebody else made
anew belongs to them.

A log may keep its thread waiting for longer than anybody wants to wait for it: a lock, a peer that is gone, a disk. So
whoever gives up may abandon the delivery while that goes on; when the thread comes back it finds that out, and touches
nothing any more.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar, runtime_checkable

from headway.errors import Fenced, Gap, HeadwayError, InvalidInput, LogRefused, NotFound, ReporterGap
from headway.ports import Appended, Batch, Digest, EventSink, Lease, NewRun, PastRun
from headway.protocol.cursor import Cursor
from headway.protocol.events import Draft, ReporterInfo
from headway.reporter.backoff import Backoff

T = TypeVar("T")

logger = logging.getLogger("headway")

SAID_AGAIN_S = 60.0
"""Troubles that come more often than this are told once."""


@runtime_checkable
class Remembering(Protocol):
    """A sink that can tell of earlier runs."""

    def past_runs(self, kind: str, variant: str | None = None) -> Sequence[PastRun]:
        """As ``EventStore.past_runs``."""


EARLY_S = 5.0
"""A run that a helper was told of is in the store sooner than this, unless something is the matter."""


class Closed(Exception):
    """Nothing more can be delivered."""


class Delivery:
    """One reporter's way to one run's log. For one thread, but for ``give_up`` and ``abandon``.

    Args:
        open_sink: Opens the target; called again until it works.
        run: The run, to be created if it is not there.
        reporter: Who reports, and is to own the run, or only helps.
        lease_s: How long the run outlives the owner's silence.
        helps: Somebody else owns the run, and creates it.

    Attributes:
        attempt: The attempt in which the run is reported; None before the log was reached.
        on_wait: Called whenever the log cannot be reached, before it is tried again.
        closed_by: Why nothing more is delivered, once that is so.
        fenced: That is since somebody else has taken the run over.
        abandoned: The thread has come back from the log, and finds that nobody waits for that any more.
    """

    def __init__(
        self,
        open_sink: Callable[[], EventSink],
        run: NewRun,
        reporter: ReporterInfo,
        lease_s: float,
        *,
        helps: bool = False,
    ) -> None:
        self._open_sink = open_sink
        self._helps = helps
        self._run = run
        self._reporter = reporter
        self._lease_s = lease_s
        self._sink: EventSink | None = None
        self.attempt: int | None = None
        self._epoch: str | None = None
        self._cursor: Cursor | None = None
        self._backoff = Backoff()
        self._given_up = threading.Event()
        self._asking: deque[None] = deque()  # one for as long as the log is waited for; of two threads one gets it back
        self._made_at = time.monotonic()
        self._in_trouble = False
        self._quiet_until = float("-inf")
        self.on_wait: Callable[[], None] = lambda: None
        self.closed_by: str | None = None
        self.fenced = False
        self.abandoned = False

    def append(
        self, first: int, drafts: tuple[Draft, ...], *, dropped: int = 0, digest: Digest | None = None
    ) -> Appended:
        """Deliver drafts, numbered from ``first``, after as many reports that were dropped and will be told to be lost.

        Raises:
            InvalidInput: The log does not take one of them; nothing was delivered.
            Closed: They cannot be delivered any more.
        """
        lost = (first - dropped, first - 1) if dropped else None
        appended = self.do(lambda sink: self._append(sink, self._batch(drafts, first, lost, digest)))
        self._cursor = appended.cursor
        return appended

    def _batch(
        self, drafts: tuple[Draft, ...], first: int, lost: tuple[int, int] | None, digest: Digest | None
    ) -> Batch:
        return Batch(
            run_id=self._run.run_id,
            reporter=self._reporter.id,
            first=first,
            events=drafts,
            attempt=self.attempt,
            epoch=self._epoch,
            lost=lost,
            digest=digest,
        )

    def _append(self, sink: EventSink, batch: Batch) -> Appended:
        try:
            return sink.append(batch)
        except ReporterGap as gap:
            # The log has less than it acknowledged: it was restored from an old copy, or made anew.
            lost = (gap.expected, batch.first - 1)
            return sink.append(self._batch(batch.events, batch.first, lost, batch.digest))

    def renew(self) -> bool:
        """Renew the lease; true if a cancellation was requested. Raises Closed."""
        return self.do(self._renew)

    def _renew(self, sink: EventSink) -> bool:
        return sink.renew(
            Lease(
                run_id=self._run.run_id,
                reporter=self._reporter,
                ttl_s=self._lease_s,
                owner=not self._helps,
                attempt=self.attempt,
            )
        )

    def past_runs(self, kind: str, variant: str | None) -> Sequence[PastRun]:
        """What the log's store remembers of earlier runs; nothing if it cannot say. Raises Closed."""
        return self.do(lambda sink: sink.past_runs(kind, variant) if isinstance(sink, Remembering) else ())

    def do(self, operation: Callable[[EventSink], T]) -> T:
        """Do something with the open sink, again and again while that can help.

        Raises:
            InvalidInput: What was to be done is not valid.
            Closed: It never will be done.
        """
        while self.closed_by is None and not self._given_up.is_set():
            try:
                result = self._asked(operation)
            except (InvalidInput, Closed):
                raise
            except HeadwayError as error:
                self._failed(error)
            except Exception as error:  # a defect of ours or of a sink's: it must not reach the job
                logger.exception("reporting of run %s ended by a defect", self._run.run_id)
                self.closed_by = f"{type(error).__name__}: {error}"
            else:
                self._worked()
                return result
        raise Closed(self.closed_by or "given up")

    def _asked(self, operation: Callable[[EventSink], T]) -> T:
        self._asking.append(None)
        try:
            if self._given_up.is_set():  # by who has not seen that the log is being asked again
                raise Closed("given up")
            return self._attempted(operation)
        finally:
            try:
                self._asking.pop()
            except IndexError:
                self.abandoned = True
                raise Closed("given up") from None

    def _attempted(self, operation: Callable[[EventSink], T]) -> T:
        sink = self._sink = self._sink or self._open_sink()
        if self.attempt is None:
            self._claim(sink)
        try:
            return operation(sink)
        except NotFound:
            self.attempt = None
            raise
        except Fenced:
            if not self._was_restored(sink):
                raise
            self._claim(sink)
            return operation(sink)

    def _claim(self, sink: EventSink) -> None:
        """Create the run if it is not there, and own it; a helper only finds out where it is."""
        if self._helps:
            there = sink.attach(self._run.run_id)
            self.attempt, self._epoch, self._cursor = there.attempt, there.epoch, there.cursor
            self._renew(sink)  # from now on its silence means something
            return
        self._check_epoch(sink)
        taken = sink.take_over(self._run.run_id, self._reporter, self._run.at, self._lease_s)
        self.attempt, self._epoch, self._cursor = taken.attempt, taken.epoch, taken.cursor

    def _check_epoch(self, sink: EventSink) -> str:
        try:
            created = sink.create(self._run)
        except InvalidInput as error:
            # Checked when the run was made: this log's rules are stricter than ours, and there is no way around them.
            raise LogRefused(str(error)) from error
        if self._epoch not in (None, created.epoch) and created.attempt > 0:
            raise Fenced(f"run {self._run.run_id!r} was removed, and made anew by somebody else")
        return created.epoch

    def _was_restored(self, sink: EventSink) -> bool:
        """Whether the log lacks what it has acknowledged: then nobody took the run over, it is an old copy."""
        if self._helps:
            return False  # whoever owns the run claims it; a helper of an earlier attempt is fenced
        self._check_epoch(sink)
        try:
            sink.read(self._run.run_id, self._cursor)
        except Gap:
            return True
        return False

    def _failed(self, error: HeadwayError) -> None:
        if not error.retryable and not isinstance(error, NotFound):
            self.closed_by = str(error)
            self.fenced = isinstance(error, Fenced)
            logger.warning("run %s is not reported any more: %s", self._run.run_id, error)
            return
        if not self._in_trouble and not self._is_early(error):
            self._in_trouble = True
            now = time.monotonic()
            level = logging.WARNING if now >= self._quiet_until else logging.DEBUG
            self._quiet_until = now + SAID_AGAIN_S
            logger.log(level, "reports of run %s wait until they can be stored: %s", self._run.run_id, error)
        self.on_wait()
        self._given_up.wait(self._backoff.next_delay())

    def _is_early(self, error: HeadwayError) -> bool:
        """Whether a helper has only come before the run that it was told of: that is no trouble."""
        new = self._helps and self.attempt is None and isinstance(error, NotFound)
        return new and time.monotonic() - self._made_at < EARLY_S

    def _worked(self) -> None:
        self._backoff.reset()
        if self._in_trouble:
            self._in_trouble = False
            logger.info("reports of run %s are stored again", self._run.run_id)

    def release(self) -> None:
        """Tell the log that the owner goes, with the run still open; tried once."""
        if self._sink is not None and self.attempt is not None and self.closed_by is None:
            with suppress(HeadwayError):
                self._sink.release(self._run.run_id, self._reporter.id, attempt=self.attempt)

    def give_up(self) -> None:
        """End what is being tried, from another thread."""
        self._given_up.set()

    def abandon(self) -> bool:
        """After ``give_up``: what is on its way is the caller's from now on; false if the log is not being waited for.

        Then the thread of the delivery hears by itself that it is given up.
        """
        try:
            self._asking.pop()
        except IndexError:
            return False
        return True

    def close(self) -> None:
        """Let go of the sink."""
        if self._sink is not None:
            with suppress(HeadwayError):
                self._sink.close()
            self._sink = None
