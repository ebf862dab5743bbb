"""What a job hands over, as JSON has it and as it is now: the job may change its own objects afterwards.

Nothing here ever raises: what JSON cannot say is said as well as it can be.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from headway.protocol import limits
from headway.protocol.events import Number

DEPTH = 16
"""How deep odd values are walked: what is deeper is a circle, or nothing that anybody reads."""

NODES = 5_000
"""How many parts of an odd value are walked: an event has no room for more."""

CUT = "…"
"""Stands for what was left out."""


def frozen(value: object) -> Any:
    """The value as encoded JSON, which stands wherever JSON may stand; None if it is too large for any event."""
    try:
        body = _encode(value)
    except Exception:
        body = msgspec.json.encode(_Walk().plain(value, 0))
    return msgspec.Raw(body) if len(body) <= limits.EVENT_BYTES else None


def text(value: object) -> str:
    """The value as text that UTF-8 can say: surrogates become U+FFFD, bytes are taken for UTF-8."""
    if type(value) is str and value.isascii():
        return value
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    try:
        plain = str.__str__(value) if isinstance(value, str) else str(value)
    except Exception:
        return f"<{type(value).__name__}>"
    return plain if plain.isascii() else plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def number(value: object) -> Number | None:
    """The value as a number, None if it is none that JSON can say."""
    if type(value) is int:
        return value
    try:
        if hasattr(value, "__index__"):
            return int(value)
        real = float(value)  # type: ignore[arg-type]  # that is what is found out here
    except Exception:
        return None
    return real if math.isfinite(real) and not isinstance(value, str | bytes | bytearray) else None


def _as_json(value: object) -> object:
    """What stands for a value whose type JSON does not know: numbers, arrays and dates of other libraries, first."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, range | deque):
        return list(value)
    for method in ("tolist", "item", "isoformat"):
        convert = getattr(type(value), method, None)
        if callable(convert):
            return convert(value)
    if isinstance(value, int | float):
        return number(value)
    return text(value)


_encode = msgspec.json.Encoder(enc_hook=_as_json).encode


class _Walk:
    """Goes through one odd value (circles, surrogates, keys that are no texts, objects that raise) and copies it."""

    def __init__(self) -> None:
        self._left = NODES

    def plain(self, value: object, depth: int) -> object:
        self._left -= 1
        if depth > DEPTH or self._left < 0:
            return CUT
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return number(value)
        try:
            return self._copied(value, depth + 1)
        except Exception:
            return text(value)

    def _copied(self, value: object, depth: int) -> object:
        if isinstance(value, str):
            return text(value)
        if isinstance(value, Mapping):
            return {text(key): self.plain(part, depth) for key, part in list(value.items())[:NODES]}
        if isinstance(value, list | tuple | set | frozenset | deque):
            return [self.plain(part, depth) for part in list(value)[:NODES]]
        return self._said(value, depth)

    def _said(self, value: object, depth: int) -> object:
        try:
            return msgspec.json.decode(_encode(value))
        except msgspec.MsgspecError:
            raise
        except Exception:
            replaced = _as_json(value)
            return self.plain(replaced, depth) if replaced is not value else text(value)
