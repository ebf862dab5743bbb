"""What a watcher of one run has, and what it still wants: pure, whichever transport the frames come by."""

from __future__ import annotations

import msgspec

from headway.errors import RemoteProtocolError
from headway.protocol.cursor import BEGINNING, parse
from headway.protocol.frames import (
    AnyFrame,
    EndFrame,
    EventsFrame,
    HeartbeatFrame,
    Mode,
    PongFrame,
    ProblemFrame,
    Rate,
    SnapshotFrame,
    TickFrame,
    WaitingFrame,
    Watch,
    WelcomeFrame,
)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What to watch.

    Attributes:
        run_id: The run.
        after: A cursor's text to go on from, ``"0"`` for everything from the beginning, None for a snapshot first.
        mode: ``all`` for every event, ``paced`` for what people can follow.
        rate: Frames a second in ``paced`` mode.
        types: Only events of these types; None for all.
    """

    run_id: str
    after: str | None = None
    mode: Mode = "paced"
    rate: Rate = 5
    types: tuple[str, ...] | None = None


class Session:
    """One wish and how far it has come. A frame goes in once, whatever connections it took to get it.

    Args:
        wish: What is wanted.

    Attributes:
        wish: The same.
        cursor: Where to go on from; None before the first frame with one.
        done: Whether everything was delivered: there is nothing to come back for.
    """

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.cursor = wish.after
        self.done = False
        self._seq = _seq(wish.after)

    def message(self) -> Watch:
        """What to say on a new WebSocket."""
        wish = self.wish
        return Watch(
            run_id=wish.run_id,
            after=self.cursor,
            mode=wish.mode,
            rate=wish.rate,
            types=wish.types,
            close_on_end=True,
        )

    def accept(self, frame: AnyFrame) -> bool:
        """Take a frame; whether it is news for the watcher.

        Raises:
            RemoteProtocolError: Something between the last frame and this one is missing, unannounced.
        """
        match frame:
            case WelcomeFrame() | HeartbeatFrame() | PongFrame():
                return False  # about the connection
            case SnapshotFrame() | EventsFrame() | EndFrame() | WaitingFrame() | TickFrame() | ProblemFrame():
                return frame.run_id in (None, self.wish.run_id) and not self.done and self._take(frame)
            case _:
                return True

    def _take(self, frame: SnapshotFrame | EventsFrame | EndFrame | WaitingFrame | TickFrame | ProblemFrame) -> bool:
        match frame:
            case SnapshotFrame():
                self._move(frame.cursor)
            case EventsFrame():
                return self._settle(frame)
            case EndFrame():
                self.cursor = frame.cursor
                self.done = True
            case WaitingFrame() if self.cursor is None:
                self._move(BEGINNING)  # nothing may be missed, also if the run comes while no connection is there
            case ProblemFrame():
                self.done = frame.run_id is not None  # the server does not go on with this run
            case _:
                pass
        return True

    def _move(self, cursor: str) -> None:
        self.cursor = cursor
        self._seq = _seq(cursor)

    def _settle(self, frame: EventsFrame) -> bool:
        if self._seq is not None and frame.from_ > self._seq + 1:
            raise RemoteProtocolError(
                f"events {self._seq + 1} to {frame.from_ - 1} of run {frame.run_id} are missing, and nobody said so"
            )
        news = self._seq is None or frame.to > self._seq
        if news:
            self._move(frame.cursor)
        return news


def _seq(cursor: str | None) -> int | None:
    if cursor is None or cursor == BEGINNING:
        return 0  # who has nothing gets a snapshot, or everything
    position = parse(cursor)
    return None if position is None else position.seq
