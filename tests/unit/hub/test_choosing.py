"""Which estimator a setting makes."""

from __future__ import annotations

import pytest

from headway.errors import InvalidInput
from headway.hub.choosing import chosen_estimator
from headway.progress.remaining import Estimate, History, Learned, PastRun, Situation

PAST = History(kind="k", runs=tuple(PastRun(duration=seconds) for seconds in (10.0, 20.0, 60.0)))


class Seven:
    """An estimator of somebody's own."""

    def estimate(self, situation: Situation, history: History) -> Estimate | None:
        return Estimate(remaining=7.0, low=6.0, high=8.0, basis="history")


seven = Seven()


def broken() -> Seven:
    raise RuntimeError("no weights")


def remaining(name: str | None = None, **environment: str) -> float:
    estimate = chosen_estimator(name, environment).estimate(Situation(elapsed=0.0), PAST)
    assert estimate is not None
    return estimate.remaining


def test_without_a_setting_it_learns() -> None:
    assert isinstance(chosen_estimator(environment={}), Learned)


def test_the_environment_names_it_unless_somebody_has_said_another() -> None:
    assert remaining(HEADWAY_ESTIMATOR="mean") == pytest.approx(30, rel=0.01)
    assert remaining(HEADWAY_ESTIMATOR="ema:0.5") == pytest.approx(37.5, rel=0.01)
    assert remaining("median", HEADWAY_ESTIMATOR="mean") == pytest.approx(20, rel=0.01)


@pytest.mark.parametrize("attribute", ["Seven", "seven"])
def test_one_of_ones_own_is_had_from_its_module(attribute: str) -> None:
    assert remaining(f"{__name__}:{attribute}") == 7.0


def test_one_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(InvalidInput, match="ema, learned, mean, median"):
        chosen_estimator("guess", {})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_module:Own", "ModuleNotFoundError"),
        (f"{__name__}:Other", "AttributeError"),
        (f"{__name__}:broken", "no weights"),
        ("builtins:dict", "has no method estimate"),
    ],
)
def test_what_is_wrong_with_ones_own_is_told(name: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        chosen_estimator(name, {})
