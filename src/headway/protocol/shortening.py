"""Data that are too large for an event, made shorter: the event that ends a run is never refused for its size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec

from headway.errors import EventTooLarge
from headway.protocol import codec, limits
from headway.protocol.events import TERMINAL, Data, Draft, ErrorInfo, RunCompleted

TEXT_CHARS = 2_000
"""What a text is cut to when an event is too large."""

CUT = "…"
"""Stands where the rest of a text was."""


def encode_fitting(draft: Draft) -> tuple[Draft, bytes]:
    """The draft and its tail; of one that ends a run and is too large, the first of its shorter forms that fits.

    Raises:
        EventTooLarge, InvalidEvent: As ``codec.encode_tail``; of what ends a run, the second only.
    """
    try:
        return draft, codec.encode_tail(draft)
    except EventTooLarge:
        data = codec.data_of_draft(draft)
        if data is None or draft.type not in TERMINAL:
            raise
    return next(_fitting(draft, data))


def _fitting(draft: Draft, data: Data) -> Iterator[tuple[Draft, bytes]]:
    # What this version does not know goes first: it is not among the members of ``data``.
    for form in (_without(data), *shorter(data)):
        shortened = msgspec.structs.replace(draft, data=form)
        with suppress(EventTooLarge):
            yield shortened, codec.encode_tail(shortened)


def shorter(data: Data) -> Iterator[Data]:
    """Smaller and smaller forms of the data; those of a run's end say that they are, and the last of them fits."""
    if isinstance(data, RunCompleted):
        for members in (("spans",), ("spans", "durations"), ("result",)):
            yield _without(data, *members)
    brief = msgspec.structs.replace(data, **{name: _cut(value) for name, value in msgspec.structs.asdict(data).items()})
    yield _without(brief)
    bulky = [name for name, value in msgspec.structs.asdict(brief).items() if isinstance(value, dict | list | tuple)]
    yield _without(brief, "result", "evidence", *bulky)


def _without(data: Data, *members: str) -> Data:
    known = type(data).__struct_fields__
    changes: dict[str, Any] = {name: None for name in members if name in known}
    if "truncated" in known:
        changes["truncated"] = True
    return msgspec.structs.replace(data, **changes)


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > TEXT_CHARS:
        return value[:TEXT_CHARS] + CUT
    if isinstance(value, ErrorInfo):
        return msgspec.structs.replace(value, code=value.code[: limits.NAME_CHARS], message=_cut(value.message))
    return value
