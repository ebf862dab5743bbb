"""Delivering batches to a log: numbered once, sent until acknowledged, or until the log says never.

The states of a delivery: *new* (the run is not created yet), *open* (its events are taken), *closed* (the log refuses
everything from now on, since the run has ended or was taken over, or there is no such log to be had).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from headway.errors import HeadwayError, NotFound, ReporterGap
from headway.ports import Appended, Batch, Digest, EventSink, Lease, NewRun
from headway.protocol.events import Draft, ReporterInfo
from headway.reporter.backoff import Backoff

T = TypeVar("T")

logger = logging.getLogger("headway")


class Closed(Exception):
    """Nothing more can be delivered."""


class Delivery:
    """One reporter's way to one run's log. For one thread, but for ``give_up``.

    Args:
        open_sink: Opens the target; called again after a failure.
        run: The run, to be created if it is not there.
        reporter: Who reports, and is to own the run.
        lease_s: How long the run outlives the owner's silence.
    """

    def __init__(self, open_sink: Callable[[], EventSink], run: NewRun, reporter: ReporterInfo, lease_s: float) -> None:
        self._open_sink = open_sink
        self._run = run
        self._reporter = reporter
        self._lease_s = lease_s
        self._sink: EventSink | None = None
        self._attempt: int | None = None
        self._next = 1
        self._backoff = Backoff()
        self._given_up = threading.Event()
        self._in_trouble = False
        self.closed_by: str | None = None

    def append(self, drafts: tuple[Draft, ...], *, dropped: int = 0, digest: Digest | None = None) -> Appended:
        """Deliver drafts, after as many reports that were dropped and will be told to be lost.

        Raises:
            Closed: They cannot be delivered any more.
        """
        first = self._next + dropped
        lost = (self._next, first - 1) if dropped else None
        self._next = first + len(drafts)
        return self.do(lambda sink: self._append(sink, drafts, first, lost, digest))

    def _append(
        self,
        sink: EventSink,
        drafts: tuple[Draft, ...],
        first: int,
        lost: tuple[int, int] | None,
        digest: Digest | None,
    ) -> Appended:
        batch = Batch(
            run_id=self._run.run_id,
            reporter=self._reporter.id,
            first=first,
            events=drafts,
            attempt=self._attempt,
            lost=lost,
            digest=digest,
        )
        try:
            return sink.append(batch)
        except ReporterGap as gap:
            # The log has less than it acknowledged: it was restored from an old copy, or made anew.
            return self._append(sink, drafts, first, (gap.expected, first - 1), digest)
        except NotFound:
            self._attempt = None  # the log is gone: make it anew, and go on
            raise

    def renew(self) -> bool:
        """Renew the lease; true if a cancellation was requested. Raises Closed."""
        return self.do(
            lambda sink: sink.renew(
                Lease(
                    run_id=self._run.run_id,
                    reporter=self._reporter,
                    ttl_s=self._lease_s,
                    owner=True,
                    attempt=self._attempt,
                )
            )
        )

    def do(self, operation: Callable[[EventSink], T]) -> T:
        """Do something with the open sink, again and again while that can help.

        Raises:
            Closed: It never will.
        """
        while self.closed_by is None and not self._given_up.is_set():
            try:
                result = operation(self._opened())
            except HeadwayError as error:
                self._failed(error)
            except Exception as error:  # a defect of ours or of a sink's: it must not reach the job
                logger.exception("reporting of run %s ended by a defect", self._run.run_id)
                self.closed_by = f"{type(error).__name__}: {error}"
            else:
                self._worked()
                return result
        raise Closed(self.closed_by or "given up")

    def _opened(self) -> EventSink:
        if self._sink is None:
            self._sink = self._open_sink()
        if self._attempt is None:
            self._sink.create(self._run)
            taken = self._sink.take_over(self._run.run_id, self._reporter, self._run.at, self._lease_s)
            self._attempt = taken.attempt
        return self._sink

    def _failed(self, error: HeadwayError) -> None:
        if not error.retryable and not isinstance(error, NotFound):
            self.closed_by = str(error)
            logger.warning("run %s is not reported any more: %s", self._run.run_id, error)
            return
        if not self._in_trouble:
            self._in_trouble = True
            logger.warning("reports of run %s wait until they can be stored: %s", self._run.run_id, error)
        self._given_up.wait(self._backoff.next_delay())

    def _worked(self) -> None:
        self._backoff.reset()
        if self._in_trouble:
            self._in_trouble = False
            logger.warning("reports of run %s are stored again", self._run.run_id)

    def give_up(self) -> None:
        """End what is being tried, from another thread."""
        self._given_up.set()

    def close(self) -> None:
        """Let go of the sink."""
        if self._sink is not None:
            self._sink.close()
            self._sink = None
