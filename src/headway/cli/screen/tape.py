"""A recorded run as frames: on to a time, or back to one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from headway.cli.recording import PAGE_EVENTS, Place, Recording
from headway.cli.screen.watched import Delivery
from headway.hub.viewing import Viewer
from headway.progress.fold import Fold
from headway.progress.state import State
from headway.progress.view import unix_s
from headway.protocol.events import Event
from headway.protocol.frames import EventsFrame, SnapshotFrame

MARK_PAGES = 4
"""Pages between two marks: going back folds no more than these."""

_encode = msgspec.json.Encoder().encode


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))


class Mark(NamedTuple):
    """A place to begin at: the time of the newest event before it, and the state up to there."""

    at: float
    state: State
    place: Place


class Tape:
    """Gives frames up to a time. Times are seconds since 1970, and never go back from one event to the next.

    Args:
        recording: What is on it.
        viewer: Makes what tells the time that remains; a new one for each way through.

    Attributes:
        run_id: The run.
        span: From when to when it goes.
    """

    def __init__(self, recording: Recording, viewer: Callable[[], Viewer]) -> None:
        self.run_id = recording.run_id
        self._recording = recording
        self._make_viewer = viewer
        self.span = recording.span()
        self._marks = [Mark(self.span.began, State(run_id=recording.run_id), None)]
        self._wind_to(self._marks[0])

    def _wind_to(self, mark: Mark) -> None:
        self._fold = Fold.restore(mark.state)
        self._viewer = self._make_viewer()
        self._at, self._place = mark.at, mark.place
        self._ahead: deque[Event] = deque()
        self._pages = 0
        self._complete = False

    def next_at(self) -> float | None:
        """When the next event is due; None behind the last."""
        if not self._ahead and not self._complete:
            self._read_on()
        return max(self._at, unix_s(self._ahead[0].at) or 0.0) if self._ahead else None

    def _read_on(self) -> None:
        if self._pages and self._pages % MARK_PAGES == 0 and self._fold.seq > self._marks[-1].state.seq:
            self._marks.append(Mark(self._at, self._fold.state(), self._place))
        events, self._place = self._recording.read(self._place)
        self._ahead.extend(events)
        self._pages += 1
        self._complete = not events

    def status(self) -> str:
        """The run's status, as far as it was given."""
        return self._fold.short().status

    def snapshot(self, now: float) -> Delivery:
        """The state here."""
        state = self._fold.state()
        frame = SnapshotFrame(
            run_id=state.run_id, cursor="0", state=_raw(state), view=_raw(self._viewer.view(state, max(now, self._at)))
        )
        return Delivery(frame)

    def advance(self, to: float) -> Delivery | None:
        """The events that are due at a time, at most a page of them; None if none is."""
        due: list[Event] = []
        while (at := self.next_at()) is not None and at <= to and len(due) < PAGE_EVENTS:
            due.append(self._ahead.popleft())
            self._at = at
            self._fold.apply(due[-1])
        return self._frame(due, to) if due else None

    def _frame(self, events: list[Event], now: float) -> Delivery:
        frame = EventsFrame(
            run_id=self._fold.run_id,
            from_=events[0].seq,
            to=events[-1].seq,
            cursor="0",
            events=tuple(map(_raw, events)),
            conflated={},
            short=_raw(self._fold.short()),
            view=_raw(self._viewer.view(self._fold.state(), now)),
        )
        return Delivery(frame)

    def rewind(self, to: float) -> Delivery:
        """Go back to a time, or to the nearest mark before it; what is between comes from ``advance``."""
        before = [mark for mark in self._marks if mark.at <= to]
        self._wind_to(before[-1] if before else self._marks[0])
        return self.snapshot(self._at)
