"""What is written to a terminal, and in which state it is left."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Iterator

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.screen.cells import cell_text, cut
from headway.cli.screen.look import Look
from headway.cli.screen.rows import Row, row
from headway.cli.screen.taskbar import REMOVED, knows_progress, taskbar_text
from headway.cli.screen.terminal import BEGIN, END, ENTER, LEAVE, Terminal
from headway.cli.screen.watched import Watched
from headway.protocol import events
from headway.protocol.frames import ProblemFrame
from tests.integration.terminals import Screen
from tests.unit.cli.pictures import FAILED, VIDEO, picture, watched
from tests.unit.cli.test_safe import HOSTILE

GHOSTTY = {"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}


class Wire:
    """A terminal whose other end is read."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self.ours, theirs = os.pipe()
        os.set_blocking(self.ours, False)
        self._theirs = theirs
        self.terminal = Terminal(Look(), out=theirs, keys=None, environment=environment or {})

    def written(self) -> str:
        try:
            return os.read(self.ours, 1_000_000).decode()
        except BlockingIOError:
            return ""

    def close(self) -> None:
        os.close(self.ours)
        os.close(self._theirs)


@pytest.fixture
def wire() -> Iterator[Wire]:
    opened = Wire()
    yield opened
    opened.close()


def test_only_rows_that_changed_are_written(wire: Wire) -> None:
    with wire.terminal:
        assert wire.written() == ENTER
        wire.terminal.paint([row("one"), row("two")], (20, 2))
        assert wire.written() == f"{BEGIN}\x1b[2J\x1b[1;1Hone\x1b[2;1Htwo{END}"
        wire.terminal.paint([row("one"), row("2")], (20, 2))
        assert wire.written() == f"{BEGIN}\x1b[2;1H2\x1b[K{END}"
        wire.terminal.paint([row("one"), row("2")], (20, 2))
        assert wire.written() == ""
        wire.terminal.paint([row("one"), row("2")], (21, 2))
        assert wire.written() == f"{BEGIN}\x1b[2J\x1b[1;1Hone\x1b[2;1H2{END}"
    assert wire.written() == LEAVE


def test_after_it_was_left_everything_is_written_again(wire: Wire) -> None:
    wire.terminal.enter()
    wire.terminal.paint([row("one")], (20, 1))
    wire.terminal.leave()
    wire.written()
    wire.terminal.leave()
    assert wire.written() == ""
    wire.terminal.enter()
    wire.terminal.paint([row("one")], (20, 1))
    assert "one" in wire.written()
    wire.terminal.leave()


PICTURE = st.lists(HOSTILE.map(lambda text: row(cut(cell_text(text), 29))), min_size=4, max_size=4)


@given(pictures=st.lists(PICTURE, min_size=1, max_size=5))
def test_whatever_was_on_the_screen_the_new_picture_is(pictures: list[list[Row]]) -> None:
    wire = Wire()
    screen = Screen(30, 4)
    stream = pyte.Stream(screen)
    with wire.terminal:
        for rows in pictures:
            wire.terminal.paint(rows, (30, 4))
            stream.feed(wire.written())
            fresh = Screen(30, 4)
            again = Wire()
            again.terminal.paint(rows, (30, 4))
            pyte.Stream(fresh).feed(again.written())
            again.close()
            assert screen.text == fresh.text
    assert screen.done == []
    wire.close()


def test_the_keyboard_is_given_back_as_it_was() -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    terminal = Terminal(Look(), out=theirs, keys=theirs)
    with pytest.raises(ZeroDivisionError), terminal:
        during = termios.tcgetattr(theirs)[3]
        assert not during & termios.ECHO
        assert not during & termios.ICANON
        assert during & termios.ISIG
        raise ZeroDivisionError
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("environment", "known"),
    [
        (GHOSTTY, True),
        ({"WT_SESSION": "0"}, True),
        ({"ConEmuANSI": "ON"}, True),
        ({"VTE_VERSION": "8003"}, True),
        ({"VTE_VERSION": "7006"}, False),
        ({"TERM_PROGRAM": "iTerm.app"}, False),
        ({**GHOSTTY, "TMUX": "/tmp/tmux"}, False),
        ({**GHOSTTY, "TERM": "screen-256color"}, False),
        ({}, False),
    ],
)
def test_which_terminals_have_progress_of_their_own(environment: dict[str, str], known: bool) -> None:
    assert knows_progress(environment) == known


def test_the_terminals_own_progress_is_shown_and_removed() -> None:
    wire = Wire(GHOSTTY)
    with wire.terminal:
        wire.terminal.paint([], (9, 1), taskbar_text(picture(VIDEO, 41)))
        assert "\x1b]9;4;1;67\x1b\\" in wire.written()
        wire.terminal.paint([], (9, 1), taskbar_text(picture(VIDEO, 41)))
        assert wire.written() == ""
    assert wire.written() == LEAVE + REMOVED
    wire.close()


def test_what_the_terminals_own_progress_says() -> None:
    lost = watched([*VIDEO, (90, None, events.RunLost())], 91)
    away = watched(VIDEO, 41)
    away.take(ProblemFrame(code="store-unavailable", message="away"))
    pictures = [Watched().picture(), picture(VIDEO, 41), picture(FAILED, 58), lost.picture(), away.picture()]
    assert [taskbar_text(one)[2:-2] for one in pictures] == ["9;4;3;", "9;4;1;67", "9;4;2;67", "9;4;4;67", "9;4;4;67"]


def test_others_get_none_of_it(wire: Wire) -> None:
    with wire.terminal:
        wire.terminal.paint([row("x")], (9, 1), taskbar_text(picture(VIDEO, 41)))
    assert "\x1b]" not in wire.written()
