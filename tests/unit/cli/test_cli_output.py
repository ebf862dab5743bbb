"""JSON for a terminal is the same JSON, and controls nothing."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.output import STYLES, SYMBOLS, for_terminal, symbol

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f]")


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_the_same_json(value: object) -> None:
    shown = for_terminal(msgspec.json.encode(value))
    assert msgspec.json.decode(shown) == msgspec.json.decode(msgspec.json.encode(value))
    assert not CONTROL.search(shown.decode())


@pytest.mark.parametrize("text", ["\x7f", "\x9b31m", "\x85", "\u2028", "\u202e", "\u2066", "\u200f"])
def test_what_a_terminal_would_act_on_is_escaped(text: str) -> None:
    assert text[0] in msgspec.json.encode(text).decode()
    assert text[0] not in for_terminal(msgspec.json.encode(text)).decode()


def test_every_status_has_a_symbol_and_a_style() -> None:
    assert all(status in STYLES for status in SYMBOLS)
    assert symbol("something new") == "?"
