"""What a job hands over, as JSON has it and as it is now: the job may change its own objects afterwards.

Nothing here ever raises: what JSON cannot say is said as well as it can be. An exception is shown by its type, wherever
it stands: its message may hold what is not for watchers.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from typing import Any

import msgspec

from headway.protocol import limits
from headway.protocol.events import Number
from headway.reporter.failure import told
from headway.reporter.naming import named

DEPTH = 16
"""How deep odd values are walked: what is deeper is a circle, or nothing that anybody reads."""

NODES = 5_000
"""How many parts of an odd value are walked: an event has no room for more."""

CUT = "…"
"""Stands for what was left out."""

_ARRAYS: tuple[type, ...] = (list, tuple, set, frozenset, deque, KeysView, ValuesView, ItemsView)

LEAST_INTEGER, GREATEST_INTEGER = -(2**63), 2**64 - 1
"""Readers in most languages take integers of 64 bits; larger ones are said as a double has them, or as text."""


def frozen(value: object) -> Any:
    """The value as encoded JSON, which stands wherever JSON may stand; None if it is too large for any event."""
    body = encoded(value)
    return msgspec.Raw(body) if len(body) <= limits.EVENT_BYTES else None


def encoded(value: object) -> bytes:
    """The value as JSON, however large it is."""
    try:
        body = _encode(value)
        if _LONG.search(body):
            body = msgspec.json.encode(_bounded(msgspec.json.decode(body)))
    except Exception:
        body = msgspec.json.encode(_Walk().plain(value, 0))
    return body


_LONG = re.compile(rb"\d{19}")


def _bounded(value: object) -> object:
    """Decoded JSON without integers that few can read."""
    if isinstance(value, dict):
        return {key: _bounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_bounded(part) for part in value]
    return _integer(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _integer(value: int) -> Number | str:
    """The integer, whatever class it is of, as a number that others can read, or as text."""
    said = number(value)
    return text(int.__int__(value)) if said is None else said


def text(value: object) -> str:
    """The value as text that UTF-8 can say: surrogates become U+FFFD, bytes are taken for UTF-8."""
    if type(value) is str and value.isascii():
        return value
    try:
        plain = _said(value)
    except Exception:
        plain = f"<{type(value).__name__}>"
    return plain if plain.isascii() else plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _said(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    if isinstance(value, BaseException):
        return _told(value)
    return str.__str__(value) if isinstance(value, str) else str(named(value, _told, cut=True))


def _told(error: BaseException) -> str:
    return told(error, "an exception was reported")


def optional_text(value: object) -> str | None:
    """The same, but None stays None."""
    return None if value is None else text(value)


def number(value: object) -> Number | None:
    """The value as a number, None if it is none that JSON can say and every language can read."""
    try:
        if isinstance(value, float):
            real = float.__float__(value)
        elif isinstance(value, int) or hasattr(value, "__index__"):
            whole = int.__int__(value) if isinstance(value, int) else int(value)
            if LEAST_INTEGER <= whole <= GREATEST_INTEGER:
                return whole
            real = float(whole)
        elif isinstance(value, str | bytes | bytearray):
            return None
        else:
            real = float(value)  # type: ignore[arg-type]  # that is what is found out here
    except Exception:
        return None
    return real if math.isfinite(real) else None


def _parts(value: Any) -> list[Any]:
    return list(value)


def _as_json(value: object) -> object:
    """What stands for a value whose type JSON does not know: numbers, arrays and dates of other libraries, first."""
    if isinstance(value, str | BaseException):
        return text(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (range, *_ARRAYS)):
        return _parts(value)
    for method in ("tolist", "item", "isoformat"):
        convert = getattr(type(value), method, None)
        if callable(convert):
            return convert(value)
    if isinstance(value, int):
        return _integer(value)
    return number(value) if isinstance(value, float) else text(value)


_encode = msgspec.json.Encoder(enc_hook=_as_json).encode


class _Walk:
    """Goes through one odd value (circles, surrogates, keys that are no texts, objects that raise) and copies it."""

    def __init__(self) -> None:
        self._left = NODES

    def plain(self, value: object, depth: int) -> object:
        self._left -= 1
        if depth > DEPTH or self._left < 0:
            return CUT
        if value is None or value is True or value is False:
            return value
        try:
            return self._copied(value, depth + 1)
        except Exception:
            return text(value)

    def _copied(self, value: object, depth: int) -> object:
        if isinstance(value, str | BaseException):
            return text(value)
        if isinstance(value, int):
            return _integer(value)
        if isinstance(value, float):
            return number(value)
        if isinstance(value, Mapping):
            return {text(key): self.plain(part, depth) for key, part in list(value.items())[:NODES]}
        if isinstance(value, _ARRAYS):
            return [self.plain(part, depth) for part in _parts(value)[:NODES]]
        return self._replaced(value, depth)

    def _replaced(self, value: object, depth: int) -> object:
        try:
            return msgspec.json.decode(_encode(value))
        except msgspec.MsgspecError:
            raise
        except Exception:
            replaced = _as_json(value)
            return self.plain(replaced, depth) if replaced is not value else text(value)
