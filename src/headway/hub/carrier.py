"""A carrier: the connection, as those see it who have something for one of its watchers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from headway.hub.sink import MayWatch


class Held(Protocol):
    """Something that waits for its carrier's next frame."""

    held: bool

    def let_go(self) -> None:
        """The carrier may carry a frame for it now."""


class Carrier(Protocol):
    """One transport.

    Attributes:
        paused: The transport is full: what is not about the end of something waits until it has room.
        closed: Nothing is carried any more.
        limited: Its runs together could be more than it may carry, so that each frame needs its ``share``.
        may_watch: Which runs it may watch; None for all.
        write: Sends bytes; may fail. See ``put``.
    """

    paused: bool
    closed: bool
    limited: bool
    may_watch: MayWatch | None
    write: Callable[[bytes], object]

    def put(self, data: bytes) -> None:
        """Send bytes, full or not."""

    def tell(self, data: bytes) -> None:
        """Send what becomes of a run, or is refused, full or not; who asks for too much and takes nothing is closed."""

    def tell_end(self, run_id: str, data: bytes) -> None:
        """The same for the last bytes of a run."""

    def finished(self, run_id: str) -> None:
        """A run is watched no more, since it has ended."""

    def share(self, now: float) -> bool:
        """Take a share for a frame; false if there is none, or somebody waits for one."""

    def hold(self, waiting: Held) -> None:
        """Call ``let_go`` when there is a share again; everybody in turn."""

    def unhold(self, waiting: Held) -> None:
        """It waits no more."""

    def give_up(self, error: Exception) -> None:
        """The transport failed."""
