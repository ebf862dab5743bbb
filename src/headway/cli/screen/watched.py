"""What is known of a run that is watched, and a picture of it at a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from headway.cli.last_news import NO_NEWS, known_view, until
from headway.cli.screen.log import LogLines
from headway.ports import Record
from headway.progress.fold import Fold
from headway.progress.state import Eta, State, View
from headway.progress.transitions import RUN_ENDED
from headway.progress.view import unix_s
from headway.protocol import codec
from headway.protocol.events import Event, Log
from headway.protocol.frames import (
    AnyFrame,
    EndFrame,
    EventsFrame,
    NoticeFrame,
    ProblemFrame,
    SnapshotFrame,
    TickFrame,
    WaitingFrame,
)

LEAST_S = 1.0
"""What remains of a run that has not ended."""

SIGN = "x.sign"
"""What a silent job says of itself; no state keeps it."""


class Delivery(NamedTuple):
    """A frame; with a ``snapshot`` the newest log events that are in it, and when the job last reported."""

    frame: AnyFrame
    lines: Sequence[Record] = ()
    heard_at: str | None = None


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a screen shows, at one moment.

    Attributes:
        state: The run; None while it is waited for.
        view: Its times, as of now.
        now: Seconds since 1970 by the clock of whoever made the frames.
        until: Up to when what runs is known to have run: now, or when the job of a lost run was last heard of.
        log: The newest lines.
        sign: What a silent job said of itself last.
        trouble: Why no news come; None while they can.
        notice: What an operator said last.
        run_id: The run that is waited for, as it was named.
        gone: The run was deleted.
    """

    state: State | None
    view: View
    now: float
    until: float
    log: LogLines
    sign: str | None = None
    trouble: str | None = None
    notice: str | None = None
    run_id: str = ""
    gone: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.gone or (self.state is not None and self.state.status in RUN_ENDED)

    @property
    def silent_s(self) -> float:
        """For how long the job has said nothing."""
        at = None if self.state is None else unix_s(self.state.last_event_at)
        return 0.0 if at is None else max(0.0, self.now - at)


class Watched:
    """Takes a run's frames and folds its events. Not for several threads at once.

    Args:
        clock: Seconds, by which time goes on between frames.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._fold: Fold | None = None
        self._state: State | None = None
        self._view = View(now="1970-01-01T00:00:00.000Z")
        self._viewed = clock()
        self._heard_at: str | None = None
        self._sign: str | None = None
        self._trouble: str | None = None
        self._notice: str | None = None
        self._run_id = ""
        self.log = LogLines()
        self.status: str | None = None

    def take(self, frame: AnyFrame, lines: Sequence[Record] = (), heard_at: str | None = None) -> None:
        """Take the next frame, and what belongs to it; see ``Delivery``."""
        match frame:
            case SnapshotFrame():
                self._begin(frame)
                self._heard_at = heard_at or self._heard_at
                self.log.fill(lines)
            case EventsFrame():
                self._follow(frame)
            case TickFrame():
                self._see(frame.view)
            case EndFrame():
                self.status, self._trouble = frame.status, None
            case WaitingFrame():
                self._run_id, self._trouble = frame.run_id, None
            case ProblemFrame():
                self._trouble = frame.message
            case NoticeFrame():
                self._notice = frame.text
            case _:
                pass

    def _begin(self, frame: SnapshotFrame) -> None:
        self._state = msgspec.json.decode(frame.state, type=State)
        self._fold = Fold.restore(self._state)
        self._sign = None
        self._run_id = frame.run_id
        self._heard_at = self._state.last_event_at
        self.log.clear()
        self._see(frame.view)

    def _follow(self, frame: EventsFrame) -> None:
        if self._fold is None:  # a run that was waited for comes with all of its events
            self._fold = Fold(frame.run_id)
        for event in frame.events:
            self._apply(self._fold, codec.decode_event(memoryview(event)))
        self._state = None
        self._see(frame.view)

    def _see(self, view: msgspec.Raw) -> None:
        self._view = msgspec.json.decode(view, type=View)
        self._viewed = self._clock()
        self._trouble = None

    def _apply(self, fold: Fold, event: Event) -> None:
        data = codec.data_of(event)
        if event.type not in NO_NEWS:
            self._heard_at = event.at
        fold.apply_parts(event.seq, event.at, event.type, event.stage, data)
        if isinstance(data, Log):
            self.log.take(data, event.stage)
        elif event.type == SIGN:
            said = msgspec.json.decode(event.data).get("text")
            self._sign = said if isinstance(said, str) else self._sign
        elif event.type != "stage.progress":
            self._sign = None

    @property
    def run_id(self) -> str | None:
        """The run's whole id, once it was found."""
        return None if self._fold is None else self._fold.run_id

    def state(self) -> State | None:
        """The state as last folded."""
        if self._state is None and self._fold is not None:
            self._state = self._fold.state()
        return self._state

    def picture(self) -> Picture:
        """What is known now."""
        state = self.state()
        passed = max(0.0, self._clock() - self._viewed)
        now = (unix_s(self._view.now) or 0.0) + passed
        view = later(self._view, 0.0 if state is None or state.status in RUN_ENDED else passed)
        return Picture(
            state=state,
            view=view if state is None else known_view(view, state, self._heard_at),
            now=now,
            until=now if state is None else until(state, self._heard_at, now),
            log=self.log,
            sign=self._sign,
            trouble=self._trouble,
            notice=self._notice,
            run_id=self._run_id,
            gone=self.status == "deleted",
        )


def later(view: View, passed_s: float) -> View:
    """A view some seconds later, while the run goes on or waits for its turn: it counts up, and down to a second."""
    if not passed_s or (view.elapsed is None and view.queue is None):
        return view
    elapsed = None if view.elapsed is None else view.elapsed + passed_s
    eta = None if view.eta is None else _nearer(view.eta, passed_s)
    return msgspec.structs.replace(view, elapsed=elapsed, eta=eta)


def _nearer(eta: Eta, passed_s: float) -> Eta:
    remaining, low, high = (max(LEAST_S, seconds - passed_s) for seconds in (eta.remaining, eta.low, eta.high))
    return msgspec.structs.replace(eta, remaining=remaining, low=low, high=high)
