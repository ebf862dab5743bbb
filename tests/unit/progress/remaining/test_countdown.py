"""What a watcher sees."""

from __future__ import annotations

import pytest

from headway.progress.remaining import Countdown, Estimate, format_duration, format_estimate
from headway.testing.eta.watching import Counted


def said(remaining: float, low: float | None = None, high: float | None = None) -> Estimate:
    return Estimate(
        remaining=remaining,
        low=remaining * 0.5 if low is None else low,
        high=remaining * 2 if high is None else high,
        basis="history",
    )


def test_it_counts_down_between_estimates() -> None:
    countdown = Countdown()
    assert countdown.remaining(0.0) is None
    countdown.update(said(100.0), 0.0)
    assert countdown.remaining(30.0) == 70.0


def test_small_differences_do_not_move_it() -> None:
    countdown = Countdown()
    countdown.update(said(100.0), 0.0)
    countdown.update(said(93.0), 10.0)
    assert countdown.remaining(10.0) == 90.0


def test_a_difference_that_matters_does() -> None:
    countdown = Countdown()
    countdown.update(said(100.0), 0.0)
    countdown.update(said(110.0), 10.0)
    assert countdown.remaining(10.0) == 110.0


def test_a_time_outside_the_interval_is_replaced_though_the_difference_is_small() -> None:
    countdown = Countdown()
    countdown.update(said(100.0), 0.0)
    countdown.update(said(13.0, 12.5, 13.5), 90.0)
    assert countdown.remaining(90.0) == 13.0


def test_turning_back_takes_twice_the_difference_and_is_counted() -> None:
    countdown = Counted()
    countdown.update(said(100.0), 0.0)
    countdown.update(said(120.0), 0.0)
    countdown.update(said(111.0), 0.0)
    assert (countdown.remaining(0.0), countdown.reversals) == (120.0, 0)
    countdown.update(said(90.0), 0.0)
    assert (countdown.remaining(0.0), countdown.reversals) == (90.0, 1)


def test_a_time_that_is_over_shows_a_second() -> None:
    countdown = Countdown()
    countdown.update(said(10.0), 0.0)
    assert countdown.remaining(500.0) == 1.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00"), (59.4, "00:59"), (59.6, "01:00"), (3599, "59:59"), (3600, "1:00:00"), (90061, "25:01:01")],
)
def test_durations_as_text(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_seconds_are_hidden_only_when_asked_for_and_wide() -> None:
    assert format_estimate(130, 60, 300) == "02:10"
    assert format_estimate(130, 60, 300, hide_seconds=True) == "about 2 min"
    assert format_estimate(130, 120, 140, hide_seconds=True) == "02:10"
    assert format_estimate(7300, 1000, 20000, hide_seconds=True) == "about 2 h 02 min"
    assert format_estimate(130, 60, 300, formatter=lambda seconds: f"{seconds}!") == "130!"
