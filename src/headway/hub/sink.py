"""What stands at the other side of the hub: a transport that takes bytes, and what is known of who is behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from headway.protocol.frames import CloseCode

HIGH_WATER_BYTES = 64 * 1024
"""So much may wait in a transport before it calls ``Connection.pause``: more would make slow watchers cost memory."""


class Sink(Protocol):
    """A transport, as the hub sees it. All is called in the hub's event loop, and none of it may block or await."""

    def write(self, data: bytes) -> None:
        """Send these bytes, as the framing made them, behind all before them.

        They are shared with other watchers. A transport that has more than 64 KiB waiting calls ``Connection.pause``
        at once, within this call or later, and ``Connection.resume`` when it has room again; what is written is
        taken all the same.
        """

    def beat(self) -> None:
        """Called once in every heartbeat's time: send a sign of life, and look whether there was one."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Close the connection, after what was written. The hub calls nothing of the sink any more."""


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """Who watches, for lists of watchers."""

    address: str = ""
    user_agent: str = ""
    subject: str | None = None


class RunScope(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs a list has: those that fit all members that are given.

    ``runs`` are prefixes of ids, and ``kinds`` names of kinds, as a token grants them.
    """

    kind: str | None = None
    status: str | None = None
    runs: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None

    def may_have(self, run_id: str, kind: str) -> bool:
        """Whether a run can be in the list, in whatever status."""
        return (
            self.kind in (None, kind)
            and (self.kinds is None or kind in self.kinds)
            and (self.runs is None or run_id.startswith(self.runs))
        )

    def has(self, run_id: str, kind: str, status: str) -> bool:
        """Whether a run is in the list."""
        return self.status in (None, status) and self.may_have(run_id, kind)


MayWatch = Callable[[str, str], bool]
"""Whether a run's id and kind may be watched; asked when the kind is known."""
