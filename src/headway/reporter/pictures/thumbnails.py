"""Thumbnails, of what was found to be harmless."""

from __future__ import annotations

from headway.errors import MissingExtra
from headway.reporter.pictures.inspection import dissect
from headway.reporter.pictures.options import PictureOptions
from headway.reporter.pictures.structure import Structure


def thumbnail(data: bytes, options: PictureOptions | None = None) -> bytes:
    """A JPEG of the picture that fits into the options' box, upright, on white where it is transparent.

    It keeps its aspect, is never larger than the picture, and carries no metadata. Colour profiles are not applied.

    Raises:
        PictureRefused: ``inspect`` refuses it, or its content cannot be decoded.
        MissingExtra: Pillow is not installed.
    """
    options = options or PictureOptions()
    return render(dissect(data, options), options)


def render(structure: Structure, options: PictureOptions) -> bytes:
    """The thumbnail of a dissected picture; raises what ``thumbnail`` does."""
    try:
        from headway.reporter.pictures.drawing import draw
    except ImportError as error:
        raise MissingExtra("pictures get no thumbnails without Pillow", extra="images") from error
    return draw(structure, options)
