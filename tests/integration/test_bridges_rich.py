"""Real progress displays of rich, and what the runs say of them afterwards."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import rich.console
import rich.progress
import tqdm
import tqdm.asyncio
import tqdm.auto

from headway.reporter.bridges.rich_bars import capture_rich
from headway.reporter.bridges.tqdm_bars import capture_tqdm
from tests.unit.reporter.bridges.recorded import Recorded


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def broken() -> Iterator[int]:
    yield 1
    raise ValueError("/home/ada/secret")


def test_tasks_are_stages(recorded: Recorded) -> None:
    with recorded.run() as run, capture_rich(display=False), rich.progress.Progress() as progress:
        one = progress.add_task("[red]one[/red]", total=10)
        two = progress.add_task("one", total=None)
        later = progress.add_task("later", start=False, visible=False, total=4)
        progress.add_task("never", start=False)
        for _ in range(10):
            progress.advance(one)
        progress.advance(one)  # past its end
        progress.update(two, completed=7, description="a/b")
        progress.update(later, advance=1.5)
        progress.update(later, total=3)
        progress.start_task(later)
        progress.advance(later, 1.5)
        progress.remove_task(two)
        assert run.flush()
        assert {stage.status for stage in run.state.stages} == {"completed"}
    stages = recorded.stages()
    assert {path: (stage.status, stage.current, stage.total) for path, stage in stages.items()} == {
        "one": ("completed", 10, 10),
        "one 2": ("completed", 7, None),
        "later": ("completed", 3, 3),
    }
    assert stages["one 2"].message == "a/b"


def test_a_task_that_grows_after_its_end_goes_on(recorded: Recorded) -> None:
    with recorded.run(), capture_rich(display=False), rich.progress.Progress() as progress:
        task = progress.add_task("grow", total=2)
        progress.update(task, completed=2)
        progress.update(task, total=5)
        progress.advance(task, 1)
        progress.reset(task, total=9)
    grow = recorded.stages()["grow"]
    assert (grow.status, grow.current, grow.total) == ("completed", 0, 9)
    assert [event.type for event in recorded.stored()].count("stage.started") == 2


def test_tracked_loops_and_files(recorded: Recorded, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    with recorded.run() as run, capture_rich(display=False):
        with run.stage("load"):
            assert sum(rich.progress.track(range(10), "Adding")) == 45
        with rich.progress.open(tmp_path / "file", "rb", description="Reading") as file:
            assert len(file.read()) == 100_000
        with pytest.raises(ValueError, match="ada"):
            list(rich.progress.track(broken(), "Breaking", total=3))
    stages = recorded.stages()
    assert {path: (stage.status, stage.current, stage.total) for path, stage in stages.items()} == {
        "load": ("completed", None, None),
        "load/Adding": ("completed", 10, 10),
        "Reading": ("completed", 100_000, 100_000),
        "Breaking": ("failed", 1, 3),
    }


def test_rich_draws_as_ever_or_nothing_but_what_is_printed(recorded: Recorded) -> None:
    def draw() -> str:
        screen = io.StringIO()
        console = rich.console.Console(file=screen, force_terminal=True, width=60)
        with rich.progress.Progress("{task.completed}", console=console, auto_refresh=False) as progress:
            task = progress.add_task("draw", total=3)
            for _ in range(3):
                progress.advance(task)
                progress.refresh()
            progress.console.print("said")
        return screen.getvalue()

    plain = draw()
    before = rich.progress.Progress.__dict__["update"]
    with recorded.run():
        with capture_rich():
            assert draw() == plain
        with capture_rich(display=False):
            assert draw() == "said\n"
    assert rich.progress.Progress.__dict__["update"] is before
    assert recorded.stages()["draw"].status == "completed"


def test_rich_inside_a_bar_of_tqdm(recorded: Recorded) -> None:
    with recorded.run() as run, capture_tqdm(display=False), capture_rich(display=False):
        for _ in tqdm.tqdm(range(2), desc="rounds"):
            list(rich.progress.track(range(3), "steps"))
            assert run.flush()
            assert run.state.progress < 1 or recorded.stages()["rounds/steps"].progress == 1
    assert list(recorded.stages()) == ["rounds", "rounds/steps"]
