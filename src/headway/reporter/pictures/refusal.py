"""Why a picture is not taken."""

from __future__ import annotations

from typing import Literal

from headway.errors import InvalidInput

Reason = Literal["content", "format", "size", "truncated", "damaged", "missing-extra"]
"""What was wrong: not something to read a picture from; not a PNG, JPEG or WebP that browsers show; too many pixels
or bytes; cut short; not put together as its format demands; or it cannot be read without the extra."""


class PictureRefused(InvalidInput):
    """The picture is not taken, and nothing was decoded of it that could do harm.

    Attributes:
        reason: One word to count by; the message has the rest.
    """

    code = "picture-refused"

    def __init__(self, message: str, *, reason: Reason) -> None:
        super().__init__(message)
        self.reason = reason
