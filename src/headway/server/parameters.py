"""What stands behind the question mark of a request, checked."""

from __future__ import annotations

import re

from starlette.requests import Request

from headway.errors import InvalidInput
from headway.protocol import cursor
from headway.protocol.cursor import Cursor

_WHOLE = re.compile(r"^[0-9]{1,18}\Z")
_SECONDS = re.compile(r"^[0-9]{1,6}(\.[0-9]{1,6})?\Z")


def text(request: Request, name: str) -> str | None:
    """A parameter as text; None if it is missing or empty."""
    return request.query_params.get(name) or None


def whole(request: Request, name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    """A whole number; more than ``most`` is taken for that. Raises InvalidInput."""
    given = text(request, name)
    if given is None:
        return default
    if not _WHOLE.match(given) or int(given) < least:
        raise InvalidInput(f"{name!r} is {given[:40]!r}: give a whole number, {least} at least")
    return int(given) if most is None else min(int(given), most)


def seconds(request: Request, name: str, *, most: float) -> float:
    """So many seconds, 0 if nothing was said; more than ``most`` is taken for that. Raises InvalidInput."""
    given = text(request, name)
    if given is None:
        return 0.0
    if not _SECONDS.match(given):
        raise InvalidInput(f"{name!r} is {given[:40]!r}: give seconds")
    return min(float(given), most)


def yes(request: Request, name: str, *, default: bool) -> bool:
    """``true`` or ``false``. Raises InvalidInput."""
    given = text(request, name)
    if given not in (None, "true", "false"):
        raise InvalidInput(f"{name!r} is {given[:40]!r}: give 'true' or 'false'")
    return default if given is None else given == "true"


def names(request: Request, name: str) -> tuple[str, ...] | None:
    """Several names with commas between them; None if there are none."""
    given = text(request, name)
    found = () if given is None else tuple(part.strip() for part in given.split(",") if part.strip())
    return found or None


def after(request: Request) -> Cursor | None:
    """The cursor to go on from; None for the beginning. Raises InvalidCursor."""
    given = text(request, "after")
    return None if given is None else cursor.parse(given)
