"""``Range`` headers: one stretch of bytes of something that has a size."""

from __future__ import annotations

import re
from typing import NamedTuple

from headway.errors import RangeNotSatisfiable

_RANGE = re.compile(r"^bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))\Z")


class Stretch(NamedTuple):
    """The bytes from ``begin`` up to, and without, ``end``."""

    begin: int
    end: int

    def of(self, size: int) -> str:
        """As ``Content-Range`` has it."""
        return f"bytes {self.begin}-{self.end - 1}/{size}"


def stretch(header: str | None, size: int) -> Stretch | None:
    """What a ``Range`` header asks for; None for everything: also when it asks for several stretches, or is none.

    Raises:
        RangeNotSatisfiable: Nothing lies there.
    """
    match = None if header is None else _RANGE.match(header.strip())
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        begin, end = max(0, size - int(suffix)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
    if last and int(last) < int(first):
        return None
    if begin >= end:
        raise RangeNotSatisfiable(f"there are {size:,} bytes, and none of them in {header!r}", size=size)
    return Stretch(begin, end)
