"""Opening a run: the newest stored state and the events past it, never the whole log if that can be helped.

Who had to fold much of it has the state stored, beside the answer: to read never waits for who writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from headway.errors import Gap
from headway.hub.snapshots import store_beside
from headway.ports import EventStore, Record, Snapshot
from headway.progress.fold import Fold
from headway.progress.state import FOLD_VERSION, State
from headway.progress.stored import restored
from headway.protocol import codec
from headway.protocol.cursor import Cursor

SNAPSHOT_EVENTS = 10_000
"""Who had to fold more than these has the state stored, so that the next one has not."""

_Seen = Callable[[Sequence[Record]], None]


class Opened(msgspec.Struct, frozen=True):
    """A run's state, and how far in its log that is."""

    state: State
    cursor: Cursor


def open_run(store: EventStore, run_id: str, *, at: int | None = None) -> Opened:
    """The state of a run as it is now, or as it was after event ``at``.

    Raises:
        NotFound: There is no such run, or it has no event ``at`` yet.
        StoreUnavailable: As the store says.
    """
    fold, cursor = _open(store, run_id, at, lambda _records: None)
    return Opened(fold.state(), cursor)


class OpenedLog(NamedTuple):
    """A run's fold, how far in its log that is, and the newest of the events that had to be read for it."""

    fold: Fold
    cursor: Cursor
    newest: list[Record]


def open_log(store: EventStore, run_id: str, *, keep_bytes: int) -> OpenedLog:
    """The same for who goes on from there; ``newest`` are events without a hole up to the cursor, perhaps none.

    Raises:
        NotFound: There is no such run.
        StoreUnavailable: As the store says.
    """
    newest: list[Record] = []

    def keep(records: Sequence[Record]) -> None:
        if records[0].seq == 1:
            newest.clear()
        newest.extend(records)
        excess = sum(len(record.body) for record in newest) - keep_bytes
        place = 0
        while excess > 0:
            excess -= len(newest[place].body)
            place += 1
        del newest[:place]

    fold, cursor = _open(store, run_id, None, keep)
    return OpenedLog(fold, cursor, newest)


def _open(store: EventStore, run_id: str, at: int | None, seen: _Seen) -> tuple[Fold, Cursor]:
    wanted = None if at is None else store.cursor_at(run_id, at)
    snapshot = store.snapshot(run_id, fold=FOLD_VERSION, at_most=at)
    fold, cursor = _begin(run_id, snapshot)
    started = fold.seq
    try:
        cursor = _fold_on(store, fold, cursor, wanted, seen)
    except Gap:
        # The log was replaced between the two reads: what is there now is all there is.
        fold, started = Fold(run_id), 0
        cursor = _fold_on(store, fold, None, wanted, seen)
    if at is None and fold.seq - started > SNAPSHOT_EVENTS:
        store_beside(store, fold.state(), cursor)
    return fold, cursor


def _begin(run_id: str, snapshot: Snapshot | None) -> tuple[Fold, Cursor | None]:
    if snapshot is None:
        return Fold(run_id), None
    return restored(snapshot.body, log_cut=snapshot.log_cut), snapshot.cursor


def _fold_on(store: EventStore, fold: Fold, cursor: Cursor | None, wanted: Cursor | None, seen: _Seen) -> Cursor:
    while wanted is None or fold.seq < wanted.seq:
        page = store.read(fold.run_id, cursor)
        for record in page.records:
            if wanted is not None and record.seq > wanted.seq:
                return wanted
            fold.apply(codec.decode_event(record.body))
        if page.records:
            seen(page.records)
        cursor = page.cursor
        if page.complete:
            break
    return wanted or cursor or Cursor("", 0, 0)
