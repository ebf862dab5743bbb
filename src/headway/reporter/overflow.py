"""What the sender keeps on disk when too much waits for the log, and what is left for a later process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from headway.reporter.bundle import Bundle
from headway.reporter.spool import Spool
from headway.reporter.tally import Tally

logger = logging.getLogger("headway")

LOOKING_S = 2.0
"""The longest that a job's end waits for what earlier processes have left: most of it takes milliseconds."""


class Overflow:
    """A sender's spool, which may fail like any disk: then what it cannot keep is counted, and the job goes on.

    Args:
        make_spool: Makes the spool when it is first needed; None if there is no place for one.
        tally: Where losses are counted.
        deliver_left_behind: Delivers what earlier processes have left.
    """

    def __init__(
        self,
        make_spool: Callable[[], Spool] | None,
        tally: Tally,
        deliver_left_behind: Callable[[], object] = lambda: None,
    ) -> None:
        self._make_spool = make_spool
        self._deliver_left_behind = deliver_left_behind
        self.tally = tally
        self._spool: Spool | None = None
        self._looking: threading.Thread | None = None

    def look_back(self) -> None:
        """The log can be reached: deliver what earlier processes have left, beside what this one does."""
        looking = threading.Thread(target=self._look_back, name="headway-leftovers", daemon=True)
        with suppress(RuntimeError):  # no more threads: another run will do it
            looking.start()
            self._looking = looking

    def finish_looking_back(self) -> None:
        """Before the end: let what was begun be delivered whole, so that no run is left half told."""
        if self._looking is not None:
            self._looking.join(LOOKING_S)

    def _look_back(self) -> None:
        try:
            self._deliver_left_behind()
        except Exception:
            logger.exception("delivering what earlier processes have left ended by a defect")

    @property
    def open(self) -> bool:
        """Whether something can be kept."""
        return self._make_spool is not None

    def keep(self, bundle: Bundle) -> bool:
        """Keep a bundle on disk; false if that cannot be done, which is counted."""
        try:
            kept = self._spooled().add(bundle.first, bundle.drafts)
        except OSError as error:
            self._make_spool = None
            logger.warning("reports cannot be kept on disk either: %s", error)
            kept = False
        if not kept:
            self.tally.add("dropped", "the spool is full, or its disk", bundle.reports)
        return kept

    def _spooled(self) -> Spool:
        if self._spool is None:
            if self._make_spool is None:
                raise OSError("there is no place for a spool")
            self._spool = self._make_spool()
        return self._spool

    def next(self) -> Bundle | None:
        """The oldest bundle that is kept, or None. What cannot be read any more is counted, and forgotten."""
        if not self._spool:
            return None
        try:
            batch = self._spool.next_batch()
        except OSError as error:
            self.tally.add("dropped", f"the spool cannot be read: {error}", self._spool.waiting)
            self._spool.remove()
            return None
        return None if batch is None else Bundle(batch[1], 0, len(batch[1]), batch[0])

    def delivered(self) -> None:
        """The bundle that ``next`` gave was taken by the log."""
        if self._spool is not None:
            self._spool.delivered()

    def __bool__(self) -> bool:
        """Whether something is kept."""
        return bool(self._spool)

    def leave(self) -> bool:
        """Leave what is kept for a later process; whether there is something."""
        left = bool(self._spool)
        if self._spool is not None:
            self._spool.leave()
        return left

    def discard(self) -> None:
        """The log will never take it."""
        if self._spool is not None:
            self._spool.remove()
