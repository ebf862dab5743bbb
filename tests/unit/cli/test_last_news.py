"""The times of a lost run end where its job was last heard of, however late somebody finds out."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

import msgspec
import pytest

from headway.cli.commands.ls import row as listed
from headway.cli.last_news import last_news
from headway.cli.screen.runs import runs_rows
from headway.cli.screen.stages import duration_of
from headway.cli.shown import Shown
from headway.cli.source import Source
from headway.ports import Page, Record
from headway.progress.fold import Fold
from headway.progress.state import Eta, View
from headway.protocol import events, times
from headway.protocol.cursor import Cursor
from tests.unit.cli.pictures import BEGAN, Step, made, picture, short, watched

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


WATCHERS: list[Step] = [
    (41, None, events.RunCancelRequested(reason="enough")),
    (3000, None, events.InputGiven(id="q", value="yes")),
]


def test_what_watchers_say_is_no_news_of_its_job() -> None:
    for steps in ([*LOST[:-1], *WATCHERS, LOST[-1]], [*LOST, (4500, None, events.InputGiven(id="q", value="yes"))]):
        assert picture(steps, 9000, ETA).view.elapsed == 40.0


class OneRun:
    """A source that has one run, and looks at one event of it at a time."""

    def __init__(self, steps: list[Step]) -> None:
        self._events = made(steps)

    def events(self, run_id: str, after: Cursor | None = None, *, types: Collection[str]) -> Page:
        """See ``Source``."""
        at = 0 if after is None else after.seq
        event = self._events[at]
        record = Record(run_id, event.seq, 0, event.type, event.priority, msgspec.json.encode(event))
        return Page(
            records=(record,) if event.type in types else (),
            cursor=Cursor("e", at + 1, 0),
            complete=at + 1 == len(self._events),
            ended=False,
        )

    def show(self, run_id: str, *, at: int | None = None) -> Shown:
        """See ``Source``."""
        fold = Fold(run_id)
        for event in self._events[:at]:
            fold.apply(event)
        return Shown(state=fold.state(), view=View(now=times.to_text(BEGAN)), cursor="")


@pytest.mark.parametrize(
    ("steps", "after_s"),
    [
        (LOST, 40),
        ([*LOST[:-1], *WATCHERS, LOST[-1]], 40),
        ([*LOST, *WATCHERS], 40),
        ([*LOST, (5000, None, events.RunRecovered())], 5000),
        ([*LOST, (5000, None, events.RunRecovered()), *WATCHERS, (9000, None, events.RunLost())], 5000),
        ([(0, None, events.RunLost())], 0),
    ],
)
def test_when_a_job_last_reported(steps: list[Step], after_s: float) -> None:
    source = OneRun(steps)
    assert last_news(cast(Source, source), source.show("run").state) == times.to_text(BEGAN + after_s)


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
