"""The run's state as its reporter sees it: the fold of what the log has taken, by whomever it was written."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import msgspec

from headway.errors import Gap
from headway.ports import Appended, Digest, EventSink, Snapshot
from headway.protocol import codec
from headway.protocol.cursor import Cursor
from headway.protocol.events import Draft

if TYPE_CHECKING:
    from headway.progress.fold import Fold
    from headway.progress.state import State

SNAPSHOT_EVENTS = 5_000
"""Events between two stored states: who opens the run folds no more than these, which takes some 20 ms."""


class Mirror:
    """Follows one run's log. ``state`` may be asked for in any thread; the rest is for the sender."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._lock = threading.Lock()
        self._fold: Fold | None = None
        self._cursor: Cursor | None = None
        self._stored_seq = 0

    def _folded(self) -> Fold:
        # The fold is imported by the sender's thread: the job need not wait for it.
        if self._fold is None:
            from headway.progress.fold import Fold

            self._fold = Fold(self._run_id)
        return self._fold

    def state(self) -> State:
        """The state as last folded."""
        with self._lock:
            return self._folded().state()

    def digest(self) -> Digest:
        """What lists show."""
        short = self._folded().short()
        return Digest(progress=round(short.progress * 1_000_000), stage=short.stage, message=short.message)

    def took(self, appended: Appended, drafts: tuple[Draft, ...], sink: EventSink) -> None:
        """The log has answered to these drafts: fold them, and what others wrote before them."""
        fold = self._folded()
        alone = appended.first_seq == fold.seq + 1 and appended.accepted == len(drafts)
        if alone:
            with self._lock:
                for draft in drafts:
                    data = codec.data_of_draft(draft)
                    fold.apply_parts(fold.seq + 1, draft.at, draft.type, draft.stage, data)
            self._cursor = appended.cursor
        elif appended.cursor.seq > fold.seq:
            self.catch_up(sink)

    def catch_up(self, sink: EventSink) -> None:
        """Read and fold what the log has and the mirror has not."""
        while True:
            try:
                page = sink.read(self._run_id, self._cursor)
            except Gap:
                self._begin_anew()
                continue
            with self._lock:
                for record in page.records:
                    self._folded().apply(codec.decode_event(record.body))
            self._cursor = page.cursor
            if page.complete:
                return

    def _begin_anew(self) -> None:
        with self._lock:
            self._fold = None
            self._cursor = None
            self._stored_seq = 0

    def store_snapshot(self, sink: EventSink, *, at_least: int = SNAPSHOT_EVENTS) -> None:
        """Store the state if it is ``at_least`` so many events past the one that was stored last."""
        seq = self._folded().seq
        if self._cursor is None or seq - self._stored_seq < at_least:
            return
        state = self.state()
        body = msgspec.json.encode(state)
        self._stored_seq = seq
        sink.put_snapshot(self._run_id, Snapshot(fold=state.fold, cursor=self._cursor, body=body))
