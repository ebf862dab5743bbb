"""Recorded runs, played: when events come, pauses, jumps and speeds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.commands.replay import Earlier, start_at
from headway.cli.recording import Place, Span
from headway.cli.screen import tape as tapes
from headway.cli.screen.player import SILENCE_S, Player
from headway.cli.screen.tape import Tape
from headway.cli.screen.watched import Watched
from headway.hub.viewing import Viewer
from headway.progress.fold import Fold
from headway.progress.remaining import estimator
from headway.progress.view import unix_s
from headway.protocol import events
from headway.protocol.events import Event
from tests.unit.cli.pictures import BEGAN, COMPLETED, RUN_ID, VIDEO, Step, made

PAGE = 3


class Recorded:
    """A recording in memory, in small pages; a place is a number."""

    run_id = RUN_ID

    def __init__(self, steps: Sequence[Step]) -> None:
        self.events = made(steps)
        self.read_from: list[int] = []

    def span(self) -> Span:
        ats = [unix_s(event.at) or 0.0 for event in self.events]
        return Span(ats[0], max(ats))

    def read(self, place: Place) -> tuple[Sequence[Event], Place]:
        begin = place if isinstance(place, int) else 0
        self.read_from.append(begin)
        found = self.events[begin : begin + PAGE]
        return found, begin + len(found)


def viewer() -> Viewer:
    return Viewer(Earlier(None, 0.0), estimator())


class Hall:
    """A player, a clock of our own, and somebody who watches."""

    def __init__(self, steps: Sequence[Step], *, speed: float = 1.0, start: float = 0.0) -> None:
        self.clock = 0.0
        self.recorded = Recorded(steps)
        self.player = Player(Tape(self.recorded, viewer), speed=speed, start=start, clock=lambda: self.clock)
        self.watched = Watched(self.player.now)

    def look(self) -> int:
        """Take all that is due; the number of the newest event."""
        while not self.player.over and (taken := self.player.take()):
            for delivery in taken:
                self.watched.take(*delivery)
        state = self.watched.state()
        return 0 if state is None else state.seq

    def play(self) -> None:
        """To the end, waiting as long as the player says."""
        while not self.player.over:
            self.look()
            self.clock += max(self.player.due_s() or 0.0, 0.0001)  # our clock goes on, however little is left
            assert self.clock < 1000


def folded(events: Sequence[Event]) -> Fold:
    fold = Fold(RUN_ID)
    for event in events:
        fold.apply(event)
    return fold


@given(speed=st.sampled_from([0.5, 1.0, 10.0, 1000.0]), start=st.floats(0, 80))
def test_everything_is_played_to_its_end(speed: float, start: float) -> None:
    hall = Hall(COMPLETED, speed=speed, start=start)
    hall.play()
    assert hall.watched.state() == folded(hall.recorded.events).state()
    assert hall.watched.status == "completed"


def test_events_come_when_they_came_only_faster() -> None:
    steps: list[Step] = [
        (n, None, events.RunCreated(kind="j") if n == 0 else events.Note(text=str(n))) for n in range(10)
    ]
    hall = Hall(steps, speed=2.0)
    assert hall.look() == 1
    hall.clock = 0.49
    assert hall.look() == 1
    assert hall.player.due_s() == pytest.approx(0.01)
    hall.clock = 0.5
    assert hall.look() == 2
    hall.clock = 2.0
    assert hall.look() == 5


def test_silences_are_short() -> None:
    steps: list[Step] = [(0, None, events.RunCreated(kind="j")), (3600, None, events.Note(text="an hour later"))]
    hall = Hall(steps, speed=10.0)
    assert hall.look() == 1
    assert hall.player.due_s() == pytest.approx(SILENCE_S)
    hall.clock = SILENCE_S
    assert hall.look() == 2
    assert hall.watched.picture().now == pytest.approx(BEGAN + 3600)


def test_a_pause_holds_the_clock() -> None:
    hall = Hall(VIDEO)
    hall.clock = 5.0
    before = hall.look()
    hall.player.key(" ")
    hall.clock = 500.0
    assert hall.look() == before
    assert hall.player.due_s() is None
    assert hall.player.now() == pytest.approx(BEGAN + 5)
    hall.player.key(" ")
    hall.clock = 501.5
    assert hall.look() > before


@given(ats=st.lists(st.floats(0, 67), min_size=1, max_size=6))
def test_wherever_one_jumps_the_state_is_the_one_of_then(ats: list[float]) -> None:
    hall = Hall(COMPLETED)
    hall.player.key(" ")
    for at in ats:
        moved = Hall(COMPLETED, start=at) if at > 30 else hall
        moved.player.key("right" if at > 15 else "left")
        moved.look()
        now = moved.player.now()
        due = [event for event in moved.recorded.events if (unix_s(event.at) or 0.0) <= now]
        assert moved.watched.state() == folded(due).state()


def test_going_back_begins_at_a_mark_and_not_at_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tapes, "MARK_PAGES", 1)
    steps: list[Step] = [
        (n, None, events.RunCreated(kind="j") if n == 0 else events.Note(text=str(n))) for n in range(60)
    ]
    hall = Hall(steps)
    hall.player.key(" ")
    for _ in range(19):
        hall.player.key("right")
        hall.look()
    hall.recorded.read_from.clear()
    hall.player.key("left")
    seq = hall.look()
    assert hall.recorded.read_from[0] > 45
    assert seq == len([event for event in hall.recorded.events if (unix_s(event.at) or 0.0) <= hall.player.now()])


def test_the_speed_can_be_changed() -> None:
    hall = Hall(VIDEO)
    hall.clock = 1.0
    hall.player.key("+")
    hall.clock = 2.0
    assert hall.player.now() == pytest.approx(BEGAN + 3.0)
    hall.player.key("-")
    hall.player.key("-")
    hall.clock = 4.0
    assert hall.player.now() == pytest.approx(BEGAN + 4.0)


def test_a_run_that_never_ended_is_over_with_its_last_event() -> None:
    hall = Hall(VIDEO, speed=1000.0)
    hall.play()
    assert hall.watched.status is None
    assert hall.player.over


def test_times_of_several_reporters_that_are_out_of_order_never_go_back() -> None:
    steps: list[Step] = [
        (0, None, events.RunCreated(kind="j")),
        (9, None, events.Note(text="by a clock that is ahead")),
        (1, None, events.Note(text="by another one")),
        (10, None, events.Note(text="last")),
    ]
    hall = Hall(steps, speed=20.0)
    hall.clock = 0.3
    assert hall.look() == 1
    hall.clock = 0.46
    assert hall.look() == 3


def test_marks_are_not_misled_by_such_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tapes, "MARK_PAGES", 1)
    ats = [0.0, 9.0, 1.0, 10.0, 11.0, 12.0, 13.0]
    steps: list[Step] = [(at, None, events.Note(text=str(at)) if at else events.RunCreated(kind="j")) for at in ats]
    tape = Tape(Recorded(steps), viewer)
    while tape.advance(BEGAN + 13):
        pass
    tape.rewind(BEGAN + 5)
    assert tape.next_at() == BEGAN


@pytest.mark.parametrize(("text", "start"), [("01:30", 90), ("1:00:01", 3601), ("90s", 90), ("7.5", 7.5), ("40%", 40)])
def test_where_to_begin(text: str, start: float) -> None:
    assert start_at(text)(Span(1000.0, 1100.0)) == start
