"""Bars inside bars: how far a round of many counts, and when its stage ends."""

from pathlib import Path

import pytest

import headway
from headway.reporter.bridges.bar import Bar, Reading, number, open_bar
from tests.unit.reporter.bridges.recorded import Recorded


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def opened(run: headway.Run, name: str) -> Bar:
    bar = open_bar(run, run, name, None, holds=True)
    assert bar is not None
    return bar


def at(bar: Bar, current: int, total: int | None) -> None:
    bar.show(Reading(description=None, current=current, total=total))


def seen(run: headway.Run) -> dict[str, tuple[str, float]]:
    assert run.flush()
    return {stage.path: (stage.status, stage.progress) for stage in run.state.stages}


def test_an_ended_round_counts_once_and_its_stage_keeps_up_with_the_bar_around(recorded: Recorded) -> None:
    with recorded.run() as run:
        outer = opened(run, "outer")
        at(outer, 0, 4)
        inner = opened(run, "inner")
        at(inner, 1, 2)
        assert seen(run)["outer/inner"] == ("running", 0.125)
        at(inner, 2, 2)
        inner.end(None)
        assert seen(run)["outer/inner"] == ("running", 0.25)
        at(outer, 1, 4)
        assert seen(run)["outer/inner"] == ("running", 0.25)
        at(outer, 2, 4)
        assert seen(run) == {"outer": ("running", 0.5), "outer/inner": ("running", 0.5)}
        outer.end(None)
        assert seen(run) == {"outer": ("completed", 1), "outer/inner": ("completed", 1)}


def test_what_was_inside_an_earlier_round_goes_on_with_the_next(recorded: Recorded) -> None:
    with recorded.run() as run:
        outer = opened(run, "outer")
        at(outer, 0, 2)
        for round_ in range(2):
            middle = opened(run, "middle")
            at(middle, 0, 2)
            inner = opened(run, f"inner {round_}")
            at(inner, 1, 1)
            inner.end(None)
            at(middle, 1, 2)
            assert seen(run)["outer/middle/inner 0"][1] == (round_ + 0.5) / 2
            at(middle, 2, 2)
            middle.end(None)
            at(outer, round_ + 1, 2)
        outer.end(None)
        assert {status for status, _ in seen(run).values()} == {"completed"}


def test_when_the_bar_around_fails_its_ended_rounds_end_and_count_no_more(recorded: Recorded) -> None:
    with recorded.run() as run:
        outer = opened(run, "outer")
        at(outer, 1, 4)
        inner = opened(run, "inner")
        at(inner, 2, 2)
        inner.end(None)
        assert seen(run)["outer/inner"] == ("running", 0.5)
        outer.end(ValueError("lost"))
        states = seen(run)
        assert states["outer"] == ("failed", 0.5)
        assert states["outer/inner"][0] == "completed"
        at(outer, 3, 4)
        outer.end(None)
        assert seen(run) == states


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3), (3.0, 3), (0.5, 0.5), (float("inf"), None), (float("nan"), None), (None, None), ("3", None), (True, 1)],
)
def test_numbers(value: object, expected: object) -> None:
    assert number(value) == expected
