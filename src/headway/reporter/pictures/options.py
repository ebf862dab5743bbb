"""What may be set about pictures."""

from __future__ import annotations

import msgspec

from headway.errors import InvalidInput

SIDE_MAX = 65_535
"""Pixels of a picture's longer side: JPEG cannot say more, and browsers show no more."""


class PictureOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How thumbnails are made, and which pictures are too large.

    Args:
        width: Pixels that a thumbnail may be wide at most.
        height: Pixels that it may be high at most.
        quality: The thumbnail's JPEG quality, from 1 to 100.
        max_pixels: A picture with more pixels is refused. Decoding takes up to 16 bytes for each.
        max_bytes: A picture with more bytes is refused. 64 MiB are more than two for each of 25 million pixels.

    Raises:
        InvalidInput: A value is out of its range.
    """

    width: int = 200
    height: int = 150
    quality: int = 70
    max_pixels: int = 25_000_000
    max_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        if not (1 <= self.width <= 2048 and 1 <= self.height <= 2048):
            raise InvalidInput(f"a thumbnail of {self.width}×{self.height} cannot be made: use 1 to 2048 pixels a side")
        if not 1 <= self.quality <= 100:
            raise InvalidInput(f"{self.quality} is not a JPEG quality: use 1 to 100")
        if self.max_pixels < 1 or self.max_bytes < 1:
            raise InvalidInput("max_pixels and max_bytes must be at least 1")
