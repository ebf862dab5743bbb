"""Reading a picture's structure without decoding any of it."""

from __future__ import annotations

from headway.errors import PictureRefused
from headway.reporter.pictures import jpeg, png, webp
from headway.reporter.pictures.options import PictureOptions
from headway.reporter.pictures.structure import Format, PictureInfo, Structure

HEAD_BYTES = 12
"""So many bytes tell the format."""


def inspect(data: bytes, options: PictureOptions | None = None) -> PictureInfo:
    """What a whole file says about the picture in it.

    Pure, and cheap whatever the file says: nothing is decoded or decompressed, no memory is taken in proportion to
    any number in it, and the time is bounded by its length (a tenth of a second for a JPEG of 64 MiB).

    Raises:
        PictureRefused: It is not a PNG, JPEG or WebP, is too large, ends too early, or contradicts itself.
    """
    return dissect(data, options or PictureOptions()).info


def dissect(data: bytes, options: PictureOptions) -> Structure:
    """The facts, and the parts that make the picture; under the same promises as ``inspect``."""
    check_length(len(data), options)
    format_ = format_of(data[:HEAD_BYTES])
    view = memoryview(data)
    if format_ == "png":
        return png.dissect(view, options.max_pixels)
    if format_ == "jpeg":
        return jpeg.dissect(view, options.max_pixels)
    return webp.dissect(view, options.max_pixels)


def format_of(head: bytes) -> Format:
    """The format, by the first twelve bytes; what a file is called says nothing. Raises PictureRefused."""
    if head.startswith(png.MAGIC):
        return "png"
    if head.startswith(jpeg.MAGIC):
        return "jpeg"
    if webp.is_webp(head):
        return "webp"
    raise PictureRefused("it is not a PNG, JPEG or WebP: save it as one of these", reason="format")


def check_length(length: int, options: PictureOptions) -> None:
    """Refuse a file with too many bytes."""
    if length > options.max_bytes:
        raise PictureRefused(f"it has more than {options.max_bytes:,} bytes: make it smaller", reason="size")
