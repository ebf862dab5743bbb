"""What the three formats have in common: a header with a size, and pieces of which few make the picture."""

from __future__ import annotations

from typing import Literal

import msgspec

from headway.errors import PictureRefused
from headway.reporter.pictures.options import SIDE_MAX
from headway.reporter.pictures.reason import Reason

Format = Literal["png", "jpeg", "webp"]

PIECES_MAX = 20_000
"""Chunks or segments of one file: enough for 64 MiB in pieces of 4 KiB; to walk through them takes about 20 ms."""


class PictureInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture's bytes say about it.

    Attributes:
        format: ``png``, ``jpeg`` or ``webp``.
        width: Pixels, as they are stored.
        height: Pixels, as they are stored.
        orientation: From 1 to 8, by EXIF: how it is to be turned to be looked at; 1 is as it is.
        animated: Whether it has more than one frame; its first, or its still one, makes the thumbnail.
    """

    format: Format
    width: int
    height: int
    orientation: int = 1
    animated: bool = False

    @property
    def media_type(self) -> str:
        """``image/…``."""
        return f"image/{self.format}"

    @property
    def extension(self) -> str:
        """The file name's ending, with its dot."""
        return ".jpg" if self.format == "jpeg" else f".{self.format}"

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height as people see it, turned as its orientation says."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


class Structure(msgspec.Struct, frozen=True):
    """A picture's facts, and the pieces that together are a file with nothing in it but the picture."""

    info: PictureInfo
    essence: tuple[memoryview | bytes, ...]


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse what is empty or too large. Called as soon as a size is read, before anything else is looked at."""
    if width < 1 or height < 1:
        raise damaged(f"its header says {width}×{height} pixels")
    if max(width, height) > SIDE_MAX or width * height > max_pixels:
        raise PictureRefused(
            f"it has {width}×{height} pixels: at most {max_pixels:,} are taken, and {SIDE_MAX:,} a side",
            reason="size",
        )


def check_pieces(count: int) -> None:
    """Refuse a file that is made of too many pieces."""
    if count > PIECES_MAX:
        raise damaged(f"it is cut into more than {PIECES_MAX:,} pieces")


def damaged(why: str, reason: Reason = "damaged") -> PictureRefused:
    """The refusal of a file that breaks its format's rules."""
    return PictureRefused(why, reason=reason)


def truncated() -> PictureRefused:
    """The refusal of a file whose end is missing."""
    return PictureRefused(
        "its end is missing: was it written to the end before it was handed over?", reason="truncated"
    )
