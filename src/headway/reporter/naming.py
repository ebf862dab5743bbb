"""Exceptions in containers: something that may be shown stands in their place, and all else prints as it did.

Only what prints its parts is looked into, as its ``__repr__`` tells. What prints something else of itself may hide
them, or have them far away; that is its author's choice.
"""

from __future__ import annotations

import dataclasses
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, MappingView
from itertools import chain, islice, zip_longest
from operator import attrgetter
from types import MappingProxyType, NoneType
from typing import Any, NamedTuple, Self

PARTS = 5_000
"""So many are looked at, of everything together; what comes behind them is left out: an event has no room for more."""

DEPTH = 16
"""So deep: what is deeper is a circle, or nothing that anybody reads."""


def named(value: object, name: Callable[[BaseException], str], *, cut: bool = False) -> object:
    """The value itself if no exception is in it, else a copy in which each has its name instead.

    Looked into are lists, tuples, sets, deques, dictionaries, their views and data classes, also those that were
    derived from them, unless they print themselves in their own way.

    Args:
        value: Anything that somebody is going to print.
        name: What is shown of an exception.
        cut: Leave out what comes behind the first parts also where there can be no exception.
    """
    return _Naming(name, cut=cut).of(value)


class _Name(str):
    """Prints without quotation marks, also inside of a container, where it may have other words."""

    __slots__ = ("_inside",)
    _inside: str

    def __new__(cls, text: str, inside: str | None = None) -> Self:
        name = super().__new__(cls, text)
        name._inside = text if inside is None else inside
        return name

    def __repr__(self) -> str:
        return self._inside


CUT = _Name("…")
"""Stands for what was not looked into."""

_PLAIN = frozenset((str, int, float, bool, bytes, NoneType))
"""There is no exception in these, so containers of nothing else need not be looked into, however large they be."""

_NO_OTHER_WORDS: set[object] = {object.__str__, MappingProxyType.__str__}
"""What prints outside of a container as it does inside."""

_SEQUENCES: dict[object, Callable[[list[Any]], object]] = {
    kind.__repr__: kind for kind in (list, tuple, set, frozenset, deque)
}
_MAPPINGS = {kind.__repr__ for kind in (dict, OrderedDict, defaultdict, Counter, MappingProxyType)}
_WRAPPERS: dict[object, tuple[Callable[[Any], object], Callable[[Any], object]]] = {
    UserDict.__repr__: (attrgetter("data"), lambda data: data),
    UserList.__repr__: (attrgetter("data"), lambda data: data),
    ChainMap.__repr__: (attrgetter("maps"), lambda maps: ChainMap(*maps)),
}
_A_DICTS: tuple[object, ...] = ({}.keys(), {}.values(), {}.items())
_VIEWS: dict[object, Callable[[Any], object]] = {
    MappingView.__repr__: attrgetter("_mapping"),
    **dict.fromkeys((type(view).__repr__ for view in _A_DICTS), attrgetter("mapping")),
}
_NAMED_TUPLE = NamedTuple("_NamedTuple", []).__repr__.__code__  # one for all of them


class _Naming:
    def __init__(self, name: Callable[[BaseException], str], *, cut: bool) -> None:
        self._name = name
        self._cut = cut
        self._left = PARTS
        self._depth = 0

    def of(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if isinstance(value, BaseException):
            return _Name(self._name(value))
        new = self._printed(value, kind.__repr__)
        return new if new is value or kind.__str__ in _NO_OTHER_WORDS else _Name(str(value), repr(new))

    def _printed(self, value: Any, way: object) -> Any:
        """The value, or what prints as it does, but for the exceptions in it."""
        if way in _SEQUENCES:
            return self._sequence(value, _SEQUENCES[way])
        if way in _MAPPINGS:
            return self._mapping(value)
        if way in _WRAPPERS:
            unwrap, wrap = _WRAPPERS[way]
            inner = unwrap(value)
            new = self.of(inner)
            return value if new is inner else wrap(new)
        if way in _VIEWS:
            return self._view(value, _VIEWS[way](value))
        if getattr(way, "__code__", None) is _NAMED_TUPLE:
            return self._sequence(value, lambda new: value._make(new) if len(new) == len(value) else CUT)
        return self._record(value) if _prints_fields(type(value)) else value

    def _looked(self, parts: Iterable[Any]) -> list[Any] | None:
        """The parts with names; None if there is nothing to name, and all was looked at."""
        new: list[Any] = []
        changed = False
        self._depth += 1
        for part in list(islice(parts, max(0, self._left) + 1)):  # at once: other threads may add to them
            self._left -= 1
            if self._left < 0 or self._depth > DEPTH:
                new.append(CUT)
                changed = True
                break
            new.append(self.of(part))
            changed = changed or new[-1] is not part
        self._depth -= 1
        return new if changed else None

    def _is_plain(self, *parts: Collection[Any]) -> bool:
        """Whether there is nothing in these to name, nor anything to cut."""
        count = sum(map(len, parts)) if self._cut else 0
        plain = count <= self._left and all(_PLAIN.issuperset(map(type, each)) for each in parts)
        self._left -= count if plain else 0
        return plain

    def _sequence(self, value: Any, make: Callable[[list[Any]], object]) -> Any:
        if self._is_plain(value):
            return value
        new = self._looked(value)
        return value if new is None else make(new)

    def _mapping(self, value: Mapping[Any, Any]) -> Any:
        if self._is_plain(value, value.values()):
            return value
        new = self._looked(chain.from_iterable(value.items()))
        return value if new is None else dict(zip_longest(new[::2], new[1::2], fillvalue=CUT))

    def _view(self, value: Any, mapping: object) -> Any:
        if self.of(mapping) is mapping:  # which some views print whole
            return value
        return self._looked(value) or list(value)

    def _record(self, value: Any) -> Any:
        fields = [field.name for field in dataclasses.fields(value) if field.repr and hasattr(value, field.name)]
        new = self._looked(getattr(value, field) for field in fields)
        if new is None:
            return value
        said = ", ".join(f"{field}={part!r}" for field, part in zip(fields, new, strict=False))
        return _Name(f"{type(value).__qualname__}({said})")


def _prints_fields(kind: type) -> bool:
    """Whether it is a data class that prints itself as those do by themselves; found out as ``pprint`` does it."""
    made = getattr(kind.__repr__, "__wrapped__", None)
    return dataclasses.is_dataclass(kind) and "__create_fn__" in getattr(made, "__qualname__", "")
