"""Progress in the terminal."""

import io
import re
from dataclasses import dataclass

import pytest

from headway.progress.state import Eta, StageState, State, View
from workloads.video.display import Display, screen, times


@dataclass
class FakeRun:
    state: State


def state(*stages: StageState, progress: float = 0.0) -> State:
    return State(run_id="one", seq=1, title="talk.vtt", status="running", progress=progress, stages=stages)


def a_minute_in(_state: State) -> View:
    return View(now="2026-11-20T19:41:03.120Z", elapsed=61.2)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(run: FakeRun, out: io.StringIO) -> str:
    """What one look at the run writes."""
    with Display(run, out, a_minute_in):
        pass
    return out.getvalue()


def test_a_screen_shows_bar_percent_time_and_every_stage() -> None:
    stages = [
        StageState(path="validate", status="completed"),
        StageState(path="metadata", status="running", current=1200, total=8474, unit="cue"),
        StageState(path="summary", status="running", current=7, total=16, unit="chunk", message="Chunk 7 of 16"),
        StageState(path="quality", status="running", current=3),
    ]
    assert screen(state(*stages, progress=0.5), "1:01:02, 00:23 left") == [
        "talk.vtt",
        "[####################--------------------]  50 %  1:01:02, 00:23 left  running",
        "  completed  validate",
        "  running    metadata     1,200 of 8,474 cues",
        "  running    summary      Chunk 7 of 16",
        "  running    quality      3",
    ]


def test_times_are_what_has_passed_and_what_is_left_if_that_is_known() -> None:
    eta = Eta(remaining=23.4, low=20.0, high=30.0, basis="history", runs=3)
    assert times(View(now="", elapsed=3661.9)) == "1:01:02"
    assert times(View(now="", elapsed=3661.9, eta=eta)) == "1:01:02, 00:23 left"
    assert times(View(now="")) == "00:00"


def test_lines_tell_what_changed_and_nothing_twice() -> None:
    stages = [StageState(path="validate", status="completed"), StageState(path="quality")]
    out = io.StringIO()
    with Display(FakeRun(state(*stages, progress=0.5)), out, a_minute_in) as display:
        display.refresh()
    assert out.getvalue() == " 50 %  01:01                    completed  validate\n"


def test_lines_follow_a_long_stage_in_steps() -> None:
    run, out = FakeRun(state()), io.StringIO()
    lines = Display(run, out, a_minute_in)
    for percent in range(12):
        running = StageState(path="summary", status="running", message=f"Chunk {percent} of 99")
        run.state = state(running, progress=percent / 100)
        lines.refresh()
    assert [line.split()[0] for line in out.getvalue().splitlines()] == ["0", "5", "10"]
    assert out.getvalue().splitlines()[-1].endswith("running    summary      Chunk 10 of 99")


def test_lines_have_no_control_characters() -> None:
    stages = [StageState(path="summary", status="running", message="Chunk 1 of 2")]
    written = shown(FakeRun(state(*stages)), io.StringIO())
    assert written.replace("\n", "").isprintable()


def test_a_terminal_is_written_over_in_its_place() -> None:
    out = Terminal()
    display = Display(FakeRun(state(StageState(path="validate", status="running"))), out, a_minute_in)
    display.refresh()
    before = len(out.getvalue())
    display.refresh()
    assert out.getvalue()[:before].count("\n") == 3
    assert out.getvalue()[before:].startswith("\x1b[3A\r")


def test_nothing_above_the_screen_is_drawn_over() -> None:
    assert shown(FakeRun(state()), Terminal()).startswith("\rtalk.vtt\x1b[K\n")


def test_a_narrow_terminal_cuts_lines_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    written = shown(FakeRun(state()), Terminal())
    lines = [re.sub(r"\x1b\[[^A-Z]*[A-Z]|\r", "", line) for line in written.splitlines()]
    assert max(map(len, lines)) == 29


def test_a_terminal_is_left_below_what_was_drawn() -> None:
    written = shown(FakeRun(state()), Terminal())
    assert written.endswith("\n\x1b[J")
    assert "\x1b[?" not in written


def test_a_run_that_reports_nowhere_shows_nothing() -> None:
    assert shown(FakeRun(State(run_id="one")), Terminal()) == ""
