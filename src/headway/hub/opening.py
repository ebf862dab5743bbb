"""Opening a run: the newest stored state and the events past it, never the whole log if that can be helped."""

from __future__ import annotations

import msgspec

from headway.errors import Gap
from headway.ports import EventStore, Snapshot
from headway.progress.fold import Fold
from headway.progress.state import FOLD_VERSION, State
from headway.protocol import codec
from headway.protocol.cursor import Cursor

SNAPSHOT_EVENTS = 10_000
"""Who had to fold more than these stores the state, so that the next one has not."""


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
    wanted = None if at is None else store.cursor_at(run_id, at)
    snapshot = store.snapshot(run_id, fold=FOLD_VERSION, at_most=at)
    fold, cursor = _begin(run_id, snapshot)
    started = fold.seq
    try:
        cursor = _fold_on(store, fold, cursor, wanted)
    except Gap:
        # The log was replaced between the two reads: what is there now is all there is.
        fold, started = Fold(run_id), 0
        cursor = _fold_on(store, fold, None, wanted)
    opened = Opened(fold.state(), cursor)
    if at is None and fold.seq - started > SNAPSHOT_EVENTS:
        store.put_snapshot(run_id, Snapshot(fold=FOLD_VERSION, cursor=cursor, body=msgspec.json.encode(opened.state)))
    return opened


def _begin(run_id: str, snapshot: Snapshot | None) -> tuple[Fold, Cursor | None]:
    if snapshot is None:
        return Fold(run_id), None
    return Fold.restore(msgspec.json.decode(snapshot.body, type=State)), snapshot.cursor


def _fold_on(store: EventStore, fold: Fold, cursor: Cursor | None, wanted: Cursor | None) -> Cursor:
    while wanted is None or fold.seq < wanted.seq:
        page = store.read(fold.run_id, cursor)
        for record in page.records:
            if wanted is not None and record.seq > wanted.seq:
                return wanted
            fold.apply(codec.decode_event(record.body))
        cursor = page.cursor
        if page.complete:
            break
    return wanted or cursor or Cursor("", 0, 0)
