from __future__ import annotations

import pytest

from headway.progress.bucket import TokenBucket


def test_a_burst_goes_at_once_then_the_rate_counts() -> None:
    bucket = TokenBucket(5.0, 10.0)
    assert [bucket.take(100.0) for _ in range(11)] == [True] * 10 + [False]
    assert bucket.ready_at(100.0) == pytest.approx(100.2)
    assert not bucket.take(100.19)
    assert bucket.take(100.2)


def test_ready_at_counts_what_is_already_there() -> None:
    bucket = TokenBucket(2.0, 1.0)
    bucket.take(0.0)
    assert bucket.ready_at(0.25) == pytest.approx(0.5)
    assert bucket.ready_at(0.5) == 0.5


def test_it_never_holds_more_than_the_burst() -> None:
    bucket = TokenBucket(5.0, 3.0)
    assert sum(bucket.take(1e6) for _ in range(10)) == 3


@pytest.mark.parametrize("start", [0.518678283523002, 1e6 + 0.1, 1.7e9 + 0.3])
@pytest.mark.parametrize("rate", [1.0, 7.3, 50.0])
def test_a_token_is_there_at_the_promised_time(start: float, rate: float) -> None:
    bucket = TokenBucket(rate, 1.0)
    now = start
    for _ in range(1_000):
        assert bucket.take(now)
        now = bucket.ready_at(now)
    assert now - start == pytest.approx(1_000 / rate, rel=1e-3)


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing() -> None:
    bucket = TokenBucket(5.0, 2.0)
    assert bucket.take(100.0)
    assert bucket.take(50.0)
    assert not bucket.take(50.0)
    assert bucket.ready_at(50.0) == pytest.approx(50.2)
    assert bucket.take(50.2)
