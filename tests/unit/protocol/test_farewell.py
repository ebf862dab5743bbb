"""What a server says when it closes, and what a client takes from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.protocol.farewell import farewell, wait_of


@given(what=st.text(max_size=90), wait_s=st.floats(0, 9_999))
def test_when_to_come_back_is_found_behind_whatever_is_the_matter(what: str, wait_s: float) -> None:
    found = wait_of(farewell(what, wait_s))
    assert found == pytest.approx(wait_s, abs=0.051)


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "nothing could be sent for 60 s",
        "come back in 2.7 s",
        "full: come back in 2.7 s or later",
        "full: come back in 123456 s",
        "full: come back in -1 s",
    ],
)
def test_no_other_number_is_one(reason: str) -> None:
    assert wait_of(reason) is None
