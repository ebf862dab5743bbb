"""From a program's output to a run: bars and groups are stages, commands are errors, the rest is the log."""

from __future__ import annotations

from pathlib import Path

import pytest

import headway
from headway.progress.state import StageState, State
from headway.reporter.run import Run
from headway.runners.backlog import Backlog
from headway.runners.feeding import Feeder
from headway.runners.recognition.recogniser import Recogniser
from headway.runners.recognition.signs import Sign
from headway.runners.telling import ERRORS, TAIL_CHARS, Telling

FOLDER = Path(__file__).parents[2] / "data" / "terminal"


@pytest.fixture
def target(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/jobs.db"


def told(run: Run, data: bytes, *, terminal: bool = False) -> Telling:
    telling = Telling(run, run)
    recogniser = Recogniser(terminal=terminal)
    for sign in recogniser.feed(data) + recogniser.finish():
        telling.tell(0, sign)
    telling.finish()
    return telling


def state(target: str, data: bytes, *, terminal: bool = False) -> State:
    with headway.run("test", target=target) as run:
        told(run, data, terminal=terminal)
    return run.state


def stages(found: State) -> dict[str, StageState]:
    return {stage.path: stage for stage in found.stages}


def test_nested_bars_are_nested_stages(target: str) -> None:
    data = (FOLDER / "tqdm-4.70.1-three.tty.bin").read_bytes()
    found = stages(state(target, data, terminal=True))
    assert {path: (stage.current, stage.total, stage.status) for path, stage in found.items()} == {
        "a": (2, 2, "completed"),
        "a/b": (3, 3, "completed"),
        "a/b/c": (5, 5, "completed"),
    }


def test_bars_side_by_side_are_stages_side_by_side(target: str) -> None:
    data = (FOLDER / "rich-15.0.0-tasks.tty.bin").read_bytes()
    found = state(target, data, terminal=True)
    assert sorted(stages(found)) == ["Download", "Install"]
    assert found.log.lines == 7


def test_a_bar_without_a_name(target: str) -> None:
    found = stages(state(target, b"\r45%\r50%\n"))
    assert list(found) == ["progress"]
    assert (found["progress"].current, found["progress"].unit) == (50, "%")


def test_groups_are_stages_with_their_lines_in_them(target: str) -> None:
    data = b"a\n::group::Install/all\nb\n::endgroup::\nc\n::group::Test\n\r1/2 x\r2/2 x\nd\n::group::\ne\n"
    with headway.run("test", target=target) as run:
        told(run, data)
    found = stages(run.state)
    assert {path: stage.status for path, stage in found.items()} == {
        "Install-all": "completed",
        "Test": "completed",
        "Test/progress": "completed",
        "group": "completed",
    }
    assert found["Install-all"].title == "Install/all"


def test_errors_are_reported_and_logged(target: str, caplog: pytest.LogCaptureFixture) -> None:
    found = state(target, b"::error::one\n::warning::two\n::notice::three\n")
    assert found.log.lines == 3
    assert [(error.code, error.message) for error in found.errors.recent] == [("output-error", "one")]
    assert [note.text for note in found.notes] == ["warning: two", "three"]
    assert caplog.records == []


def test_a_flood_of_errors_is_logged_only(target: str) -> None:
    count = ERRORS + 50
    with headway.run("test", target=target) as run:
        told(run, b"::notice::x\n" * count)
    assert run.state.log.lines == count


def test_the_terminals_own_progress_is_a_stage(target: str) -> None:
    with headway.run("test", target=target) as run:
        telling = Telling(run, run)
        recogniser = Recogniser()

        def say(text: str) -> StageState:
            for sign in recogniser.feed(text.encode()):
                telling.tell(0, sign)
            assert run.flush()
            return stages(run.state)["progress"]

        assert say("\x1b]9;4;1;25\x07").progress == 0.25
        assert say("\x1b]9;4;2\x07").message == "in error"
        assert say("\x1b]9;4;4;40\x07").message == "paused"
        assert say("\x1b]9;4;1;50\x07").message == ""
        assert say("\x1b]9;4;0;0\x07").status == "completed"
        again = say("\x1b]9;4;3\x07")
        assert again.status == "running"
        telling.finish()
    assert stages(run.state)["progress"].status == "completed"


def test_the_tail_is_the_last_of_the_output(target: str) -> None:
    with headway.run("test", target=target) as run:
        assert told(run, b"a\nb\n").tail == "a\nb"
        tail = told(run, b"".join(b"line %d\n" % n for n in range(100_000))).tail
    assert len(tail) == TAIL_CHARS
    assert tail.endswith("line 99998\nline 99999")


def test_what_is_left_out_is_said(target: str) -> None:
    with headway.run("test", target=target) as run:
        Telling(run, run).left_out(12_345)
        assert run.flush()
        assert run.state.log.lines == 1


class Counting(Telling):
    """Counts what it is told."""

    count = 0

    def tell(self, stream: int, sign: Sign) -> None:
        self.count += 1
        super().tell(stream, sign)


def test_of_a_flood_of_drawings_only_some_are_looked_at(target: str) -> None:
    frames = b"".join(b"\rDone %d/1000000" % n for n in range(500_000))
    backlog = Backlog(100_000_000)
    for start in range(0, len(frames), 100_000):
        backlog.put(0, frames[start : start + 100_000])
    backlog.put(0, b"\rDone 1000000/1000000\n")
    backlog.end()
    with headway.run("test", target=target) as run:
        telling = Counting(run, run)
        feeder = Feeder(backlog, [Recogniser()], telling, run.flush)
        feeder.start()
        feeder.finish()
        telling.finish()
    assert 3 <= telling.count < 100_000
    assert stages(run.state)["Done"].current == 1_000_000
