"""A cursor says how far somebody has read one run's log, in a way that no other log can mistake for its own."""

from __future__ import annotations

import re

import msgspec

from headway.errors import InvalidCursor

_TEXT = re.compile(r"^([A-Za-z0-9_-]{1,32})\.([0-9]{1,15})\.([0-9a-f]{1,16})\Z")

BEGINNING = "0"
"""The text of the cursor before the first event of any log."""


class Cursor(msgspec.Struct, frozen=True):
    """Everything up to ``seq`` of the log named ``epoch`` has been read.

    Attributes:
        epoch: The random name that the log got when it was made.
        seq: The number of the last event read; 0 before the first.
        nonce: Belongs to the append that wrote event ``seq``. A log that was restored from an old copy and
            grew again has the same epoch and the same numbers, but other nonces.
    """

    epoch: str
    seq: int
    nonce: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}.{self.nonce:x}"


def parse(text: str) -> Cursor | None:
    """The cursor that ``str(cursor)`` gave, or None for ``"0"``, the beginning.

    Raises:
        InvalidCursor: The text is neither.
    """
    if text == BEGINNING:
        return None
    match = _TEXT.match(text)
    if match is None:
        raise InvalidCursor(
            f"{text[:80]!r} is not a cursor: give one that a frame or an answer carried, unchanged, "
            'or "0" for the beginning'
        )
    return Cursor(match[1], int(match[2]), int(match[3], 16))


def new_epoch() -> str:
    """A random name for a new log: 72 bits."""
    import secrets

    return secrets.token_urlsafe(9)


def new_nonce() -> int:
    """A random mark for one append: 32 bits, never 0, which stands for "nothing appended yet"."""
    import secrets

    return secrets.randbits(32) or 1
