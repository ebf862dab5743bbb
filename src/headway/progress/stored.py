"""Folds that go on from a state that a store has kept."""

from __future__ import annotations

import msgspec

from headway.progress.fold import Fold
from headway.progress.state import State


def restored(body: bytes, *, log_cut: bool) -> Fold:
    """The fold that the state's events give now, whatever it was when it was stored.

    Args:
        body: The state.
        log_cut: The oldest text of the run's log was cut, maybe since then.

    Raises:
        InvalidInput: The state was folded by another version's rules.
    """
    state = msgspec.json.decode(body, type=State)
    if log_cut and (state.log.lines or state.log.bytes):
        state = msgspec.structs.replace(state, log=msgspec.structs.replace(state.log, truncated=True))
    return Fold.restore(state)
