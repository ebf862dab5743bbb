"""Exceptions in containers: something that may be shown stands in their place, and all else prints as it did."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, ItemsView, Iterable, KeysView, Mapping, ValuesView
from typing import Any

CONTAINERS = 1_000
"""So many are looked into; what is in further ones is left out."""

DEPTH = 16
"""So deep: what is deeper is a circle, or nothing that anybody reads."""

CUT = "…"
"""Stands for what was not looked into."""

_SEQUENCES = (list, tuple, set, frozenset, deque)


def named(value: object, name: Callable[[BaseException], str]) -> object:
    """The value itself if no exception is in it, else a copy in which each has its name instead.

    Looked into are lists, tuples, sets, deques, mappings, their views and data classes. What an object of another
    class prints of itself is its author's choice.

    Args:
        value: Anything that somebody is going to print.
        name: What is shown of an exception.
    """
    return _Naming(name).of(value)


class _Name(str):
    """Prints without quotation marks, also inside of a container."""

    __slots__ = ()
    __repr__ = str.__str__


class _Naming:
    def __init__(self, name: Callable[[BaseException], str]) -> None:
        self._name = name
        self._left = CONTAINERS
        self._depth = 0

    def of(self, value: Any) -> Any:
        if isinstance(value, BaseException):
            return _Name(self._name(value))
        if isinstance(value, _SEQUENCES):
            return self._sequence(value)
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, KeysView | ValuesView | ItemsView):
            return self._looked(value, value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._record(value)
        return value

    def _looked(self, value: object, parts: Iterable[Any]) -> Any:
        """The value if there is nothing in it to name, else its parts with names; none if too much was looked into."""
        self._left -= 1
        old = list(parts)
        if self._left < 0 or self._depth == DEPTH:
            return CUT if old else value
        self._depth += 1
        new = [self.of(part) for part in old]
        self._depth -= 1
        return value if all(a is b for a, b in zip(old, new, strict=True)) else new

    def _sequence(self, value: Any) -> Any:
        new = self._looked(value, value)
        if new is value or new is CUT:
            return new
        if hasattr(value, "_make"):  # a named tuple
            return value._make(new)
        kind = next(kind for kind in _SEQUENCES if isinstance(value, kind))
        return kind(new)

    def _mapping(self, value: Mapping[Any, Any]) -> Any:
        new = self._looked(value, [part for item in value.items() for part in item])
        return new if new is value or new is CUT else dict(zip(new[::2], new[1::2], strict=True))

    def _record(self, value: Any) -> Any:
        fields = [field.name for field in dataclasses.fields(value) if field.repr and hasattr(value, field.name)]
        new = self._looked(value, [getattr(value, field) for field in fields])
        if new is value or new is CUT:
            return new
        said = ", ".join(f"{field}={part!r}" for field, part in zip(fields, new, strict=True))
        return _Name(f"{type(value).__name__}({said})")
