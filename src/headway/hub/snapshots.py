"""Storing the states that readers had to fold, so that the next ones need not.

Nobody waits for that, and it harms nobody if it cannot be done: to write may mean to wait for another process, for half
a minute if that one is stopped, and who reads may have no right to it, or the disk no room. So it happens beside the
answer, in a thread of its own, one state at a time. One that is folded while another is being stored is let go: whoever
opens its run next folds it again.
"""

from __future__ import annotations

import logging
import threading

import msgspec

from headway.errors import HeadwayError
from headway.ports import EventStore, Snapshot
from headway.progress.state import FOLD_VERSION, State
from headway.protocol.cursor import Cursor

_storing = threading.Lock()

_log = logging.getLogger("headway.hub")


def store_beside(store: EventStore, state: State, cursor: Cursor) -> None:
    """Begin to store a state, if no other is being stored; from any thread, and without waiting."""
    if _storing.acquire(blocking=False):
        thread = threading.Thread(target=_store, args=[store, state, cursor], name="headway-snapshot", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # there may be no more of them
            _storing.release()
            _log.debug("the state of run %s is not stored: %s", state.run_id, error)


def _store(store: EventStore, state: State, cursor: Cursor) -> None:
    try:
        store.put_snapshot(state.run_id, Snapshot(fold=FOLD_VERSION, cursor=cursor, body=msgspec.json.encode(state)))
    except HeadwayError as error:
        _log.debug("the state of run %s is not stored: %s", state.run_id, error)
    finally:
        _storing.release()


def wait_until_stored(timeout_s: float) -> bool:
    """Wait for the state that is being stored; false if it takes longer."""
    if not _storing.acquire(timeout=timeout_s):
        return False
    _storing.release()
    return True
