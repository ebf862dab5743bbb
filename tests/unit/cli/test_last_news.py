"""The times of a lost run end where its job was last heard of, however late somebody finds out."""

from __future__ import annotations

from headway.cli.commands.ls import row as listed
from headway.cli.screen.runs import runs_rows
from headway.cli.screen.stages import duration_of
from headway.progress.state import Eta
from headway.protocol import events
from tests.unit.cli.pictures import BEGAN, Step, picture, short, watched

LOST: list[Step] = [
    (0, None, events.RunCreated(kind="video")),
    (0, None, events.RunStarted()),
    (10, "work", events.StageStarted()),
    (40, "work", events.StageProgress(progress=0.5)),
    (4000, None, events.RunLost()),
]
ETA = Eta(remaining=6, low=5, high=7, basis="rate", runs=0)


def test_a_picture_of_a_lost_run() -> None:
    seen = picture(LOST, 9000, ETA)
    assert seen.state is not None
    assert (seen.view.elapsed, seen.view.eta, seen.until) == (40.0, None, BEGAN + 40)
    assert duration_of(seen.state.stages[0], seen.until) == "00:30"


def test_it_stands_still() -> None:
    assert watched(LOST, 9000, ETA, clock=50.0).picture().view.elapsed == 40.0


def test_a_run_that_came_back_goes_on() -> None:
    seen = picture([*LOST, (5000, None, events.RunRecovered())], 9000, ETA)
    assert (seen.view.elapsed, seen.view.eta, seen.until) == (9000.0, ETA, BEGAN + 9000)


def test_a_list_tells_no_time_of_it_since_it_knows_none() -> None:
    run = short(LOST, 0, 9000.0)
    (row,) = runs_rows([run], {run.run_id: run.run_id}, 80, later_s=500.0)
    assert ":" not in "".join(span.text for span in row)
    assert [cell.text for cell in listed(run, "run", BEGAN + 9500)][6] == ""
