"""A kind: what watchers of a run must have in common to share their frames."""

from __future__ import annotations

from typing import NamedTuple

from headway.hub.framing import Framing
from headway.protocol.events import TYPES
from headway.protocol.frames import Mode


class Kind(NamedTuple):
    """What watchers must have in common to share their frames; ``rate`` is 0 in mode ``all``."""

    framing: Framing
    mode: Mode
    rate: float
    types: frozenset[str] | None

    @property
    def skims(self) -> bool:
        """Whether what matters is all that such a watcher must have when it is far behind, and is easily found."""
        return self.mode == "paced" and (self.types is None or self.only_high)

    @property
    def only_high(self) -> bool:
        """Whether nothing but HIGH and CRITICAL events pass the filter."""
        return self.types is not None and all(
            type_ in TYPES and TYPES[type_].priority in ("high", "critical") for type_ in self.types
        )
