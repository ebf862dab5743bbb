"""Why a picture is not taken."""

from __future__ import annotations

from typing import Literal

Reason = Literal["content", "format", "size", "truncated", "damaged", "missing-extra"]
"""What was wrong: not something to read a picture from; not a PNG, JPEG or WebP that browsers show; too many pixels
or bytes; cut short; not put together as its format demands; or it cannot be read without the extra."""
