"""What is printed of containers: as it was, but for the exceptions in them."""

from __future__ import annotations

from collections import OrderedDict, UserDict, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.reporter.naming import CONTAINERS, CUT, named
from tests.unit.reporter.containers import Outcome, Pair

ERROR = ValueError("secret")
PLAIN = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner),
)


def shown(value: object) -> str:
    return str(named(value, lambda error: f"<{type(error).__name__}>"))


@given(PLAIN)
def test_what_holds_no_exception_is_left_as_it_is(value: object) -> None:
    assert named(value, str) is value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (ERROR, "<ValueError>"),
        ([1, ERROR, "a"], "[1, <ValueError>, 'a']"),
        ((ERROR,), "(<ValueError>,)"),
        ({ERROR}, "{<ValueError>}"),
        (frozenset([ERROR]), "frozenset({<ValueError>})"),
        (deque([ERROR]), "deque([<ValueError>])"),
        ({"a": [ERROR]}, "{'a': [<ValueError>]}"),
        ({ERROR: b"x"}, "{<ValueError>: b'x'}"),
        (OrderedDict(a=ERROR), "{'a': <ValueError>}"),
        (UserDict(a=ERROR), "{'a': <ValueError>}"),
        ({"a": ERROR}.values(), "[<ValueError>]"),
        ({"a": ERROR}.items(), "[('a', <ValueError>)]"),
        ({ERROR: "a"}.keys(), "[<ValueError>]"),
        (Pair(1, ERROR), "Pair(number=1, why=<ValueError>)"),
        (Outcome(1, [ERROR]), "Outcome(number=1, why=[<ValueError>])"),
        (Outcome(1, 2), "Outcome(number=1, why=2)"),
    ],
)
def test_an_exception_has_its_name_instead(value: object, text: str) -> None:
    assert shown(value) == text


def test_circles_and_what_is_very_deep_are_looked_into_for_so_long_and_no_longer() -> None:
    circle: list[object] = [ERROR]
    circle += [circle, circle]
    assert "secret" not in shown(circle)
    many = [[ERROR] for _ in range(2 * CONTAINERS)]
    text = shown(many)
    assert "secret" not in text
    assert text.count("<ValueError>") == CONTAINERS - 1
    assert text.count(CUT) == CONTAINERS + 1
