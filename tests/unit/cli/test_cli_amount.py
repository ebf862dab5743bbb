"""Spans, sizes and moments as people type and read them."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.amount import (
    age_text,
    duration_text,
    moment,
    percent_text,
    since_text,
    size,
    size_text,
    span,
    taken_text,
)
from headway.errors import InvalidInput
from headway.progress.remaining import format_duration
from headway.protocol.times import to_text, to_unix


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("1.5m", 90),
        ("10min", 600),
        ("2h", 7200),
        ("7d", 604800),
        ("2W", 1209600),
        (" 3 h ", 10800),
    ],
)
def test_a_span(text: str, seconds: float) -> None:
    assert span(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-1h", "1y", "2 hours", "1e3", "0x10", "nan", "inf", "٣h"])
def test_no_span(text: str) -> None:
    with pytest.raises(click.BadParameter, match="10m, 2h"):
        span(text)


@pytest.mark.parametrize(
    ("text", "size_bytes"), [("5", 5), ("1k", 1000), ("10MB", 10**7), ("2GiB", 2**31), ("1.5kb", 1500)]
)
def test_a_size(text: str, size_bytes: int) -> None:
    assert size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "MB", "-1", "1 mile"])
def test_no_size(text: str) -> None:
    with pytest.raises(click.BadParameter, match="10MB"):
        size(text)


def test_a_moment_is_a_span_before_now_or_a_time() -> None:
    assert since_text(moment("2h"), to_unix("2026-11-20T19:41:03.120Z")) == "2026-11-20T17:41:03.120Z"
    assert since_text(moment("2026-11-20"), 0) == "2026-11-20T00:00:00.000Z"
    assert since_text(moment("2026-11-20T19:41"), 0) == "2026-11-20T19:41:00.000Z"
    assert since_text(moment("2026-11-20T19:41:00+02:00"), 0) == "2026-11-20T17:41:00.000Z"
    assert since_text(None, 0) is None


@pytest.mark.parametrize(
    "text", ["2026-13-01", "2026-11-20T25:00", "2026-11-20 and more", "0001-01-01T00:00+23:00", "soon"]
)
def test_no_moment(text: str) -> None:
    with pytest.raises(click.BadParameter):
        moment(text)


def test_a_moment_before_all_calendars() -> None:
    with pytest.raises(InvalidInput, match="shorter"):
        since_text(moment("999999999w"), 0)


@given(st.floats(0, 4e9))
def test_every_moment_is_a_time_of_the_protocol(now: float) -> None:
    assert since_text(0.0, now) == to_text(now)


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0 s"), (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (86400 * 3, "3 d")]
)
def test_an_age(seconds: float, text: str) -> None:
    assert age_text(seconds) == text


def test_sizes_and_durations_to_read() -> None:
    assert [size_text(n) for n in (0, 999, 1000, 1_500_000, 2e9, 3e12)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "1.5 MB",
        "2.0 GB",
        "3.0 TB",
    ]
    assert (duration_text(None), duration_text(75)) == ("", "01:15")


@given(st.floats(-10, 1e7))
def test_durations_are_written_as_everywhere(seconds: float) -> None:
    assert duration_text(seconds) == format_duration(seconds)


@given(st.integers(0, 1_000_000))
def test_only_what_is_done_is_a_hundred_percent(millionths: int) -> None:
    text = percent_text(millionths / 1_000_000)
    assert (text == "100%") == (millionths == 1_000_000)
    assert text == f"{millionths // 10_000}%"


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=5))
def test_parts_never_show_more_than_the_whole(parts_ms: list[int]) -> None:
    def shown(text: str) -> int:
        return sum(int(number) * 60**power for power, number in enumerate(reversed(text.split(":"))))

    parts = [shown(taken_text(part / 1000)) for part in parts_ms]
    whole = shown(taken_text(sum(parts_ms) / 1000))
    assert whole - len(parts) < sum(parts) <= whole


def test_a_second_counts_when_it_is_over() -> None:
    assert [taken_text(seconds) for seconds in (None, 0.999, 1795203703.0 - 1795203700.0000002)] == [
        "",
        "00:00",
        "00:03",
    ]
