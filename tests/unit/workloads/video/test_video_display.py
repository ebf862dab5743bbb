"""Progress in plain lines."""

import io
from dataclasses import dataclass

from headway.progress.state import Eta, StageState, State, View
from workloads.video.display import Display, times


@dataclass
class FakeRun:
    state: State


def state(*stages: StageState, progress: float = 0.0) -> State:
    return State(run_id="one", seq=1, title="talk.vtt", status="running", progress=progress, stages=stages)


def a_minute_in(_state: State) -> View:
    return View(now="2026-11-20T19:41:03.120Z", elapsed=61.2)


def shown(run: FakeRun, out: io.StringIO) -> str:
    """What one look at the run writes."""
    with Display(run, out, a_minute_in):
        pass
    return out.getvalue()


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


def test_a_run_that_reports_nowhere_shows_nothing() -> None:
    assert shown(FakeRun(State(run_id="one")), io.StringIO()) == ""
