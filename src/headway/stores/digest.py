"""What lists show of a run whose owner has fallen silent.

An owner says with each append what its fold said before that, and what it says now when nothing more has come for half
a second. Who is killed in between leaves a list that is one append behind the log, and it would stay so. So whoever is
about to store what the silence means folds the log first: when others hear of it, lists are as the log is. An owner
that comes back meanwhile knows more: what was folded is not shown once the log has gone on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from headway.ports import Batch, Clock, Digest, EventStore
from headway.ports.forking import unforked
from headway.protocol import codec
from headway.protocol.cursor import Cursor

if TYPE_CHECKING:
    from headway.progress.fold import Fold

logger = logging.getLogger("headway")

FOLDING_S = 0.5
"""For all runs of a sweep: after a start of the machine there may be thousands, and that they are lost is urgent."""


def bring_up_to_date(store: EventStore, run_ids: Iterable[str], clock: Clock) -> None:
    """Let lists show what the logs of these runs say."""
    until = clock.elapsed() + FOLDING_S
    for run_id in run_ids:
        if clock.elapsed() > until:
            return
        try:
            _bring_up_to_date(store, run_id)
        except Exception as error:  # it was removed meanwhile, or is damaged: it is to be lost all the same
            logger.debug("lists are behind with run %s: %s", run_id, error)


def _bring_up_to_date(store: EventStore, run_id: str) -> None:
    header = store.header(run_id)
    fold, cursor = _folded(store, run_id)
    digest = Digest.of(fold.short())
    if digest != Digest(progress=header.progress, stage=header.stage, message=header.message):
        store.append(
            Batch(
                run_id=run_id,
                reporter="lists",
                first=1,
                events=(),
                attempt=header.attempt,
                digest=digest,
                as_of=cursor,
            )
        )


def _folded(store: EventStore, run_id: str) -> tuple[Fold, Cursor]:
    with unforked():  # a job's own thread may be what sweeps, and the job may fork
        from headway.progress.fold import Fold
        from headway.progress.state import FOLD_VERSION
        from headway.progress.stored import restored

    stored = store.snapshot(run_id, fold=FOLD_VERSION)
    fold = Fold(run_id) if stored is None else restored(stored.body, log_cut=stored.log_cut)
    page = store.read(run_id, None if stored is None else stored.cursor)
    while True:
        for record in page.records:
            fold.apply(codec.decode_event(record.body))
        if page.complete:
            return fold, page.cursor
        page = store.read(run_id, page.cursor)
