"""What the author's numbers tell of a run."""

from __future__ import annotations

import math
import random

import pytest

from headway.progress.remaining import (
    EndedStage,
    History,
    Learned,
    PastRun,
    RunningStage,
    Situation,
    StageSpan,
)
from headway.progress.remaining.scale import Scale
from headway.progress.remaining.size import SizeModel
from tests.unit.progress.remaining.samples import history, run, total


def remaining(past: History, **size: float) -> float:
    estimate = Learned().estimate(Situation(elapsed=0.0, size=size), past)
    assert estimate is not None
    return estimate.remaining


def numbers(count: int, seed: int = 1) -> list[float]:
    """Numbers over two orders of magnitude, in no order."""
    rng = random.Random(seed)
    return [10 ** rng.uniform(0, 2) for _ in range(count)]


def test_a_change_of_level_is_seen_though_sizes_differ_more() -> None:
    past = history(*[total((22 if i >= 50 else 10) * n, n=n) for i, n in enumerate(numbers(60))])
    assert remaining(past, n=30.0) == pytest.approx(660, rel=0.2)


def test_a_run_that_does_not_say_its_number_is_like_any_run() -> None:
    past = history(*[total(5 * n, n=n) for n in numbers(40)])
    silent = history(*[total(5 * n) for n in numbers(40)])
    assert remaining(past) == pytest.approx(remaining(silent))


def test_past_runs_that_do_not_say_it_do_not_count_as_nothing() -> None:
    past = history(*[total(5 * n) if i % 3 == 0 else total(5 * n, n=n) for i, n in enumerate(numbers(60))])
    assert remaining(past, n=4.0) == pytest.approx(20, rel=0.2)
    assert remaining(past, n=80.0) == pytest.approx(400, rel=0.2)


def test_of_many_numbers_the_telling_one_is_kept_whatever_it_is_called() -> None:
    noise = random.Random(2)
    runs = [total(4 * n, zbytes=n, **{f"a{k}": noise.random() + 1 for k in range(9)}) for n in numbers(60)]
    others = {f"a{k}": 1.5 for k in range(9)}
    assert remaining(history(*runs), zbytes=10.0, **others) == pytest.approx(40, rel=0.25)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_the_unit_of_a_number_does_not_matter_even_where_it_may_be_zero(unit: float) -> None:
    values = [0.0, *numbers(30)]
    past = history(*[total(20 + 5 * n, n=n * unit) for n in values])
    plain = history(*[total(20 + 5 * n, n=n) for n in values])
    assert remaining(past, n=40.0 * unit) == pytest.approx(remaining(plain, n=40.0))


def test_a_part_of_the_run_may_not_depend_on_the_size() -> None:
    past = history(*[run(100.0, 1.0 * n, size={"n": 1.0 * n}) for n in range(1, 1000, 17)])
    assert [remaining(past, n=n) for n in (5.0, 100.0, 900.0)] == pytest.approx([105, 200, 1000], rel=0.15)
    late = Situation(
        elapsed=100.0, size={"n": 50.0}, ended=(EndedStage("a", 0.0, 100.0),), running=(RunningStage("b", 100.0),)
    )
    estimate = Learned().estimate(late, past)
    assert estimate is not None
    assert estimate.remaining == pytest.approx(50, rel=0.2)


def test_a_fixed_part_must_have_earned_it() -> None:
    rng = random.Random(3)
    sizes = [{"n": n} for n in numbers(40)]
    logs = [math.log(3 * size["n"]) + rng.gauss(0, 0.05) for size in sizes]
    model = SizeModel(sizes, logs, [1.0] * 40)
    sized = model.of({"n": 2.0})
    assert model.learned
    assert sized.whole == sized.varying


@pytest.mark.parametrize("values", [[1e300, 2e300], [-1.7e308, 1.7e308], [0.0], [5e-324, 1.0], [-3.0, -3.0]])
def test_a_scale_takes_every_number(values: list[float]) -> None:
    scale = Scale(values)
    assert all(math.isfinite(scale.of(value)) for value in (*values, 0.0, -1.7e308, 1.7e308))


def layers(count: int, **size: float) -> PastRun:
    """A run of like stages of ten seconds each."""
    spans = tuple(StageSpan(f"layer-{n}", 10.0 * n, 10.0 * n + 10) for n in range(count))
    return PastRun(duration=10.0 * count + 5, size=size, stages=spans)


def begun(count: int, **size: float) -> Situation:
    """The same, while its last of so many stages is half done."""
    ended = tuple(EndedStage(f"layer-{n}", 10.0 * n, 10.0 * n + 10) for n in range(count - 1))
    at = 10.0 * (count - 1)
    return Situation(elapsed=at + 5, size=size, ended=ended, running=(RunningStage(f"layer-{count - 1}", at),))


def left(situation: Situation, past: History) -> float:
    estimate = Learned().estimate(situation, past)
    assert estimate is not None
    return estimate.remaining


def test_a_number_that_the_run_itself_has_passed_is_not_its_count() -> None:
    past = history(*[layers(8, workers=8.0)] * 20)
    assert left(begun(5, workers=2.0), past) == pytest.approx(left(begun(5, workers=8.0), past), rel=0.1)


def test_a_series_that_has_passed_its_usual_count_leaves_it_to_history() -> None:
    past = history(*[layers(count) for count in (10, 10, 30, 10, 10, 30, 10, 10, 30, 10, 10)])
    assert left(begun(12), past) == pytest.approx(190, rel=0.1)


def test_no_count_is_too_large() -> None:
    assert 1e3 < left(begun(5, epochs=1e300), history(*[layers(8, epochs=8.0)] * 4)) < 1e6
