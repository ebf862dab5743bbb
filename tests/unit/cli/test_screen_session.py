"""What a person does at the screen."""

from __future__ import annotations

import pytest

from headway.cli.screen.layout import ScreenOptions
from headway.cli.screen.rows import EMPTY, Row, Span, plain_text
from headway.cli.screen.session import TOLD_S, Session
from headway.progress.state import InputEntry
from headway.protocol import events
from tests.unit.cli.pictures import AUDIT, COMPLETED, VIDEO, Step, watched


class Asked:
    """Remembers what was asked of the run."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def cancel(self) -> None:
        self.asked.append("cancel")

    def answer(self, question: InputEntry, text: str) -> None:
        self.asked.append(f"answer {question.id} {text}")


class Sitting:
    """A session, its clock, and what was asked in it."""

    def __init__(self, steps: list[Step], now: float = 41.0) -> None:
        self.now = 0.0
        self.asked = Asked()
        options = ScreenOptions(keys="q quit")
        self.session = Session(watched(steps, now), options, lambda: self.now, self.asked)

    def press(self, keys: str) -> None:
        for key in keys.split():
            self.session.key(key)

    def rows(self, columns: int = 90, rows: int = 24) -> list[str]:
        drawn = self.session.draw(columns, rows).rows
        assert len(drawn) == rows
        return [plain_text(row) for row in drawn]


def test_quitting() -> None:
    sitting = Sitting(VIDEO)
    sitting.press("x esc enter")
    assert not sitting.session.quit
    sitting.press("q")
    assert sitting.session.quit


def test_a_cancel_is_confirmed_first() -> None:
    sitting = Sitting(VIDEO)
    sitting.press("c")
    assert sitting.rows()[-1] == "Cancel this run?  y yes   n no"
    sitting.press("x")
    assert sitting.rows()[-1].startswith("Cancel this run?")
    assert sitting.asked.asked == []
    sitting.press("y")
    assert sitting.asked.asked == ["cancel"]
    assert sitting.rows()[-1].startswith("q quit")


@pytest.mark.parametrize("no", ["n", "esc", "enter", "c"])
def test_a_cancel_can_be_thought_better_of(no: str) -> None:
    sitting = Sitting(VIDEO)
    sitting.press(f"c {no}")
    assert sitting.asked.asked == []
    assert sitting.rows()[-1].startswith("q quit")


@pytest.mark.parametrize("steps", [COMPLETED, []])
def test_what_has_ended_or_is_not_there_cannot_be_cancelled(steps: list[Step]) -> None:
    sitting = Sitting(steps) if steps else Sitting([(0, None, events.RunCreated(kind="job"))])
    if steps:
        sitting.press("c y")
        assert sitting.asked.asked == []


def test_a_cancel_that_was_asked_for_is_not_asked_for_again_unless_the_job_is_lost() -> None:
    asked: list[Step] = [*VIDEO, (42, None, events.RunCancelRequested())]
    sitting = Sitting(asked, 43)
    sitting.press("c y")
    assert sitting.asked.asked == []
    assert "already" in sitting.rows()[-1]
    lost = Sitting([*asked, (80, None, events.RunLost())], 81)
    lost.press("c y")
    assert lost.asked.asked == ["cancel"]


def test_what_came_of_it_is_shown_for_a_moment() -> None:
    sitting = Sitting(VIDEO)
    sitting.session.tell("asked the job to stop")
    assert sitting.rows()[-1] == "asked the job to stop"
    sitting.now += TOLD_S
    assert sitting.rows()[-1].startswith("q quit")


def test_a_question_is_answered_by_typing() -> None:
    sitting = Sitting(AUDIT)
    sitting.press("a n o x backspace")
    assert sitting.rows()[-1] == "Log in as a customer? no▏"
    sitting.press("enter")
    assert sitting.asked.asked == ["answer login no"]
    sitting.press("a clear enter")
    assert sitting.rows()[-1] == "Log in as a customer? ▏"
    sitting.press("q esc")
    assert not sitting.session.quit
    assert sitting.asked.asked == ["answer login no"]


def test_without_a_question_there_is_nothing_to_answer() -> None:
    sitting = Sitting(VIDEO)
    sitting.press("a y e s enter")
    assert sitting.asked.asked == []


def test_what_is_replayed_cannot_be_cancelled() -> None:
    session = Session(watched(VIDEO, 41), ScreenOptions(), lambda: 0.0)
    session.key("c")
    assert not plain_text(session.draw(90, 24).rows[-1]).startswith("Cancel")


def test_the_help_names_every_key() -> None:
    sitting = Sitting(VIDEO)
    sitting.press("?")
    shown = "\n".join(sitting.rows())
    for key in ("q ", "l ", "? ", "c ", "a "):
        assert f"\n  {key}" in shown
    sitting.press("x")
    assert "Keys" not in sitting.rows()[0]


def test_the_log_takes_the_whole_screen_and_scrolls() -> None:
    lines: list[Step] = [*VIDEO, (41, None, events.Log(lines=tuple(f"line {n}" for n in range(1, 101))))]
    sitting = Sitting(lines)
    sitting.press("l")
    shown = sitting.rows(60, 12)
    assert shown[0].startswith("Log  107 lines")
    assert shown[1:11] == [f"line {n}" for n in range(91, 101)]
    sitting.press("up")
    assert sitting.rows(60, 12)[10] == "line 99"
    sitting.press("pageup")
    assert sitting.rows(60, 12)[10] == "line 89"
    sitting.press("g")
    assert sitting.rows(60, 12)[1].startswith("chunk 1:")
    sitting.press("G")
    assert sitting.rows(60, 12)[10] == "line 100"
    sitting.press("l")
    assert not sitting.rows()[0].startswith("Log")


def test_who_has_scrolled_up_is_not_disturbed_by_new_lines() -> None:
    sitting = Sitting([*VIDEO, (41, None, events.Log(lines=tuple(f"line {n}" for n in range(100))))])
    sitting.press("l")
    sitting.rows(60, 12)
    sitting.press("pageup")
    before = sitting.rows(60, 12)
    sitting.session.watched.log.take(events.Log(lines=("one more", "and more")), None)
    after = sitting.rows(60, 12)
    assert before[1:11] == after[1:11]
    assert after[0].endswith("12 newer below")


class Playing:
    """Keys of a player."""

    meanings: tuple[tuple[str, str], ...] = (("space", "pause"),)

    def __init__(self) -> None:
        self.pressed: list[str] = []

    def key(self, key: str) -> bool:
        self.pressed.append(key)
        return key == " "

    def row(self) -> Row:
        return (Span("playing"),) if self.pressed else EMPTY


def test_a_player_gets_its_keys_first() -> None:
    playing = Playing()
    session = Session(watched(VIDEO, 41), ScreenOptions(), lambda: 0.0, more_keys=playing)
    session.key(" ")
    assert plain_text(session.draw(90, 24).rows[-1]) == "playing"
    session.key("l")
    assert plain_text(session.draw(90, 24).rows[0]).startswith("Log")
    assert playing.pressed == [" ", "l"]
