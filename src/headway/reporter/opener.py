"""A target as the reporter sees it: how to open it, and where to keep reports while that does not work."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from headway.ports import EventSink
from headway.reporter.spool import SpoolPlace


class Opener(msgspec.Struct, frozen=True):
    """Opens a target's sink when it is called."""

    open: Callable[[], EventSink]
    spool: SpoolPlace | None = None

    def __call__(self) -> EventSink:
        """The sink; the same errors as the target's store raises."""
        return self.open()
