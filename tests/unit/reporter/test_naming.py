"""What is printed of containers: as it was, but for the exceptions in them."""

from __future__ import annotations

from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.reporter.naming import CUT, PARTS, named
from tests.unit.reporter.containers import Outcome, Pair


@dataclass
class Derived(Outcome):
    """Prints itself as every data class does, with a word of its own for people."""

    def __str__(self) -> str:
        return f"no. {self.number}"


@dataclass
class Discreet:
    """Its author has chosen what is shown of it."""

    name: str
    password: object

    def __repr__(self) -> str:
        return f"<{self.name}>"


class DiscreetDict(dict[str, object]):
    def __repr__(self) -> str:
        return "<hidden>"


class Dict(dict[str, object]):
    pass


class Remote(Mapping[int, int]):
    """Has its items far away."""

    asked = 0

    def __getitem__(self, key: int) -> int:
        self.asked += 1
        return key

    def __iter__(self) -> Iterator[int]:
        self.asked += 1
        return iter(range(len(self)))

    def __len__(self) -> int:
        return 2_000

    def __repr__(self) -> str:
        return "<Remote>"


class Opaque:
    """Nobody knows of its type what is in it."""


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
        (Derived(1, ERROR), "no. 1"),
        ([Derived(1, ERROR)], "[Derived(number=1, why=<ValueError>)]"),
        (Discreet("db", ERROR), "<db>"),
        ([Discreet("db", "secret"), ERROR], "[<db>, <ValueError>]"),
        (DiscreetDict(a=ERROR), "<hidden>"),
        (Dict(a=ERROR), "{'a': <ValueError>}"),
        (UserDict(a=ERROR).keys(), "['a']"),
        (UserList([ERROR]), "[<ValueError>]"),
        (ChainMap({"a": ERROR}, {"b": ERROR}), "ChainMap({'a': <ValueError>}, {'b': <ValueError>})"),
        (defaultdict(None, a=ERROR), "{'a': <ValueError>}"),
        (Counter({ERROR: 2}), "{<ValueError>: 2}"),
        (OrderedDict(a=ERROR).items(), "[('a', <ValueError>)]"),
        (MappingProxyType({"a": ERROR}), "{'a': <ValueError>}"),
    ],
)
def test_an_exception_has_its_name_instead(value: object, text: str) -> None:
    assert shown(value) == text


def test_circles_and_what_is_very_deep_are_looked_into_for_so_long_and_no_longer() -> None:
    circle: list[object] = [ERROR]
    circle += [circle, circle]
    assert "secret" not in shown(circle)
    many = [[ERROR] for _ in range(2 * PARTS)]
    text = shown(many)
    assert "secret" not in text
    assert text.count("<ValueError>") == PARTS // 2
    assert text.endswith(f"[<ValueError>], {CUT}]")
    assert shown(dict.fromkeys(range(PARTS), ERROR)).endswith(f"<ValueError>, {CUT}: {CUT}}}")
    assert shown(dict.fromkeys(range(PARTS), ERROR).values()) == f"[{CUT}]"
    assert shown([*map(str, range(PARTS)), Pair(1, ERROR)]).endswith(f"'{PARTS - 1}', {CUT}]")


@pytest.mark.parametrize(
    "large", [list(range(10 * PARTS)), dict.fromkeys(range(10 * PARTS), "a"), {*range(10 * PARTS)}]
)
def test_what_holds_nothing_but_numbers_and_text_is_left_as_it_is_however_large(large: object) -> None:
    assert named(large, str) is large
    wrapped = [large, UserDict({1: large})]
    assert named(wrapped, str) is wrapped
    assert len(str(named(wrapped, str, cut=True))) < PARTS * len("49999: 'a', ")


def test_of_what_is_large_so_much_is_looked_at_and_no_more() -> None:
    looked: list[object] = []

    class Counting(list[object]):
        def __iter__(self) -> Iterator[object]:
            for part in super().__iter__():
                looked.append(part)
                yield part

    text = shown(Counting([Opaque()] * (10 * PARTS)))
    assert text.count("Opaque") == PARTS
    assert text.endswith(f"{CUT}]")
    assert len(looked) <= PARTS + 2


def test_what_prints_itself_in_a_word_is_not_gone_through() -> None:
    remote = Remote()
    for value in (remote, [remote], {"a": remote}, remote.values(), remote.items()):
        assert named(value, str) is value
    assert remote.asked == 0
