"""Estimators by name, and the simple rules among them."""

from __future__ import annotations

import pytest

from headway.errors import InvalidInput
from headway.progress.remaining import (
    Estimate,
    History,
    Learned,
    Situation,
    estimator,
    estimators,
    exponential,
    mean,
    median,
    pooled_spread,
    register,
)
from tests.unit.progress.remaining.samples import history, total

DURATIONS = (10.0, 20.0, 60.0)


@pytest.mark.parametrize(
    ("name", "expected"), [("mean", 30.0), ("median", 20.0), ("ema", 21.6)], ids=["mean", "median", "ema"]
)
def test_the_simple_rules(name: str, expected: float) -> None:
    past = history(*[total(duration) for duration in DURATIONS])
    estimate = estimator(name).estimate(Situation(elapsed=0.0), past)
    assert estimate is not None
    assert estimate.remaining == pytest.approx(expected, rel=0.01)


def test_rules_condense() -> None:
    assert mean(DURATIONS) == 30.0
    assert median(DURATIONS) == 20.0
    assert median(DURATIONS[:2]) == 15.0
    assert exponential(0.5)(DURATIONS) == 37.5


def test_an_estimator_of_ones_own() -> None:
    class Fixed:
        def estimate(self, situation: Situation, history: History) -> Estimate | None:
            return Estimate(remaining=7.0, low=7.0, high=7.0, basis="plan", runs=len(history.runs))

    register("x.fixed", Fixed)
    assert "x.fixed" in estimators()
    estimate = estimator("x.fixed").estimate(Situation(elapsed=0.0), history())
    assert estimate is not None
    assert estimate.remaining == 7.0


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match=r"no estimator is called 'guess': there are ema, .*learned"):
        estimator("guess")


def test_an_exponential_average_may_have_its_own_alpha() -> None:
    past = history(*[total(duration) for duration in DURATIONS])
    estimate = estimator("ema:0.5").estimate(Situation(elapsed=0.0), past)
    assert estimate is not None
    assert estimate.remaining == pytest.approx(37.5, rel=0.01)


@pytest.mark.parametrize("name", ["ema:", "ema:0", "ema:1.5", "ema:nan", "ema:much"])
def test_an_alpha_that_is_none_is_said_to_be(name: str) -> None:
    with pytest.raises(InvalidInput, match="above 0, and at most 1"):
        estimator(name)


def test_the_default_learns() -> None:
    assert isinstance(estimator(), Learned)


def test_the_pooled_spread_follows_the_other_kinds() -> None:
    wild = history(*[total(10.0 * 3**n) for n in range(6)])
    steady = history(*[total(100.0)] * 30)
    assert pooled_spread([]) == 0.2
    assert pooled_spread([wild]) > 0.3
    assert pooled_spread([steady]) == 0.2
    assert pooled_spread([history(total(1.0), total(9.0))]) == 0.2
