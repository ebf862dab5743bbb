"""Ranges of bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import RangeNotSatisfiable
from headway.server.ranges import Stretch, stretch


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-", Stretch(0, 10)),
        ("bytes=0-0", Stretch(0, 1)),
        ("bytes=9-", Stretch(9, 10)),
        ("bytes=2-99", Stretch(2, 10)),
        (" bytes=2-3 ", Stretch(2, 4)),
        ("bytes=-1", Stretch(9, 10)),
        ("bytes=-99", Stretch(0, 10)),
        (None, None),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=3-2", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
        ("bytes=1-2\n", Stretch(1, 3)),
        ("bytes=99999999999999999999-", None),
    ],
)
def test_what_is_asked_for(header: str | None, expected: Stretch | None) -> None:
    assert stretch(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_what_is_not_there(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as refused:
        stretch(header, 10)
    assert refused.value.size == 10


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20))
def test_a_stretch_is_a_slice(first: int, last: int, size: int) -> None:
    if last < first or first >= size:
        return
    found = stretch(f"bytes={first}-{last}", size)
    assert found is not None
    assert bytes(range(size))[found.begin : found.end] == bytes(range(size))[first : last + 1]
    assert found.of(size) == f"bytes {first}-{min(last, size - 1)}/{size}"
