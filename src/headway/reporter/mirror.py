"""The run's state as its reporter sees it: the fold of what the log has taken, by whomever it was written.

It is a convenience: when it cannot go on (an event that cannot be read), it stands still, and the reports do not.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from headway.errors import Gap, HeadwayError, NotFound
from headway.ports import Appended, Digest, EventSink, Snapshot
from headway.protocol import codec
from headway.protocol.cursor import Cursor
from headway.protocol.events import Draft
from headway.reporter.loading import loading

if TYPE_CHECKING:
    from headway.progress.fold import Fold
    from headway.progress.state import State

logger = logging.getLogger("headway")

SNAPSHOT_EVENTS = 5_000
"""Events between two stored states: who opens the run folds no more than these, which takes some 20 ms."""


class Mirror:
    """Follows one run's log. ``state`` may be asked for in any thread; the rest is for the sender."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._lock = threading.RLock()
        self._fold: Fold | None = None
        self._cursor: Cursor | None = None
        self._stored_seq = 0
        self._stopped = False
        self._shown: State | None = None

    def _folded(self) -> Fold:
        # The fold is imported by the sender's thread, as a rule: the job need not wait for it.
        with self._lock:
            if self._fold is None:
                with loading():
                    from headway.progress.fold import Fold

                self._fold = Fold(self._run_id)
            return self._fold

    def state(self) -> State:
        """The state as last folded."""
        with self._lock:
            fold = self._folded()
            if self._shown is None or self._shown.seq != fold.seq:
                self._shown = fold.state()
            return self._shown

    def digest(self) -> Digest:
        """What lists show."""
        return Digest.of(self._folded().short())

    def took(self, appended: Appended, drafts: tuple[Draft, ...], sink: EventSink) -> None:
        """The log has answered to these drafts: fold them, and what others wrote before them."""
        if self._is_next(appended, len(drafts)):
            self._guarded(lambda: self._fold_own(appended.cursor, drafts))
        else:
            self.catch_up(sink)

    def _fold_own(self, cursor: Cursor, drafts: tuple[Draft, ...]) -> None:
        with self._lock:
            fold = self._folded()
            for draft in drafts:
                fold.apply_parts(fold.seq + 1, draft.at, draft.type, draft.stage, codec.data_of_draft(draft))
            self._cursor = cursor

    def _is_next(self, appended: Appended, count: int) -> bool:
        """Whether exactly these events were added to what was folded so far."""
        cursor = self._cursor
        return (
            cursor is not None
            and cursor.epoch == appended.cursor.epoch
            and appended.first_seq == cursor.seq + 1
            and appended.accepted == count
        )

    def catch_up(self, sink: EventSink) -> None:
        """Read and fold what the log has and the mirror has not.

        Raises:
            NotFound, StoreUnavailable: As the sink says.
        """
        self._guarded(lambda: self._catch_up(sink))

    def _guarded(self, follow: Callable[[], None]) -> None:
        if self._stopped:
            return
        try:
            follow()
        except Exception as error:
            if isinstance(error, HeadwayError) and (error.retryable or isinstance(error, NotFound)):
                raise
            self._stopped = True
            logger.warning("the state of run %s is not followed any more: %s", self._run_id, error)

    def _catch_up(self, sink: EventSink) -> None:
        if self._cursor is None:
            self._begin_from_snapshot(sink)
        try:
            self._read_on(sink)
        except Gap:
            # Another log than the one that was followed, or a restored one.
            self._begin_from_snapshot(sink)
            self._read_on(sink)

    def _read_on(self, sink: EventSink) -> None:
        complete = False
        while not complete:
            page = sink.read(self._run_id, self._cursor)
            with self._lock:
                for record in page.records:
                    self._folded().apply(codec.decode_event(record.body))
                self._cursor = page.cursor
            complete = page.complete

    def _begin_from_snapshot(self, sink: EventSink) -> None:
        with loading():
            from headway.progress.state import FOLD_VERSION
            from headway.progress.stored import restored

        stored = sink.snapshot(self._run_id, fold=FOLD_VERSION)
        with self._lock:
            self._shown = None
            if stored is None:
                self._fold, self._cursor, self._stored_seq = None, None, 0
                return
            self._fold = restored(stored.body, log_cut=stored.log_cut)
            self._cursor, self._stored_seq = stored.cursor, stored.cursor.seq

    def store_snapshot(self, sink: EventSink, *, at_least: int = SNAPSHOT_EVENTS) -> None:
        """Store the state if it is ``at_least`` so many events past the one that was stored last."""
        seq = self._folded().seq
        if self._cursor is None or self._stopped or seq - self._stored_seq < at_least:
            return
        state = self.state()
        body = msgspec.json.encode(state)
        sink.put_snapshot(self._run_id, Snapshot(fold=state.fold, cursor=self._cursor, body=body))
        self._stored_seq = seq
