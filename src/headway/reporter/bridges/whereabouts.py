"""Which part of a run something that happens in this thread belongs to."""

from __future__ import annotations

import threading

from headway.reporter import current
from headway.reporter.reports import Reports


def here(run: Reports | None) -> Reports | None:
    """The innermost stage that this thread or task is in, if that is in the run; else the run.

    Args:
        run: None stands for whatever run this thread or task is in; the answer is None if that is none.
    """
    place = current.place()
    if place is not None and (run is None or place.run is run):
        return place.innermost
    return run


def in_own_thread() -> bool:
    """Whether this is one of Headway's threads: what happens there is never reported, or it would go in circles."""
    return threading.current_thread().name.startswith("headway-")
