"""What is to be stored and reported of one picture."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec

from headway.errors import MissingExtra
from headway.protocol import limits, names
from headway.protocol.events import Screenshot
from headway.reporter.pictures.inspection import dissect
from headway.reporter.pictures.options import PictureOptions
from headway.reporter.pictures.thumbnails import render

if TYPE_CHECKING:
    from PIL.Image import Image

    from headway.reporter.pictures.structure import Structure

_DATA_URL = "data:image/jpeg;base64,"


class PictureFile(msgspec.Struct, frozen=True, kw_only=True):
    """Content to be stored as an artifact."""

    name: str
    media_type: str
    content: bytes


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """One picture, ready to be stored and then reported.

    Attributes:
        original: The picture as it was handed over.
        thumbnail: The thumbnail, if it is too large to travel within the event.
        screenshot: The event; what it names must be stored first.
        missing: What would have to be installed for a thumbnail, when there is none.
    """

    original: PictureFile
    thumbnail: PictureFile | None
    screenshot: Screenshot
    missing: MissingExtra | None = None

    @property
    def files(self) -> tuple[PictureFile, ...]:
        """What is to be stored, in this order."""
        return (self.original,) if self.thumbnail is None else (self.original, self.thumbnail)


def prepare(content: bytes | Image, stem: str, options: PictureOptions, caption: str | None = None) -> Prepared:
    """Check a picture, and make its thumbnail. Takes up to seconds: not for a thread that somebody waits for.

    Args:
        content: A whole file, or an image of Pillow's, which is kept as a PNG.
        stem: The artifact's name without its ending; see ``picture_name``.
        options: Limits, and the thumbnail's size and quality.
        caption: What the picture shows; cut at 1,000 characters.

    Raises:
        PictureRefused: Why it is not taken.
    """
    data = content if isinstance(content, bytes) else _as_png(content)
    structure = dissect(data, options)
    info = structure.info
    small, missing = _thumbnail(structure, options)
    original = PictureFile(name=names.artifact_name(stem + info.extension), media_type=info.media_type, content=data)
    url, beside = placed(small, stem)
    width, height = info.shown
    screenshot = Screenshot(
        artifact=original.name,
        thumbnail=url,
        width=width,
        height=height,
        caption=caption and caption[: limits.TITLE_CHARS],
    )
    return Prepared(original=original, thumbnail=beside, screenshot=screenshot, missing=missing)


def _thumbnail(structure: Structure, options: PictureOptions) -> tuple[bytes | None, MissingExtra | None]:
    try:
        return render(structure, options), None
    except MissingExtra as missing:
        return None, missing


def placed(small: bytes | None, stem: str) -> tuple[str | None, PictureFile | None]:
    """What the event says of the thumbnail, and the file it is in if it cannot be said there."""
    if small is None:
        return None, None
    url = _DATA_URL + base64.b64encode(small).decode()
    if len(url) <= limits.THUMBNAIL_BYTES:
        return url, None
    file = PictureFile(name=names.artifact_name(f"{stem}-thumbnail.jpg"), media_type="image/jpeg", content=small)
    return file.name, file


def _as_png(image: Image) -> bytes:
    from headway.reporter.pictures.drawing import png

    return png(image)


def picture_name(stage: str | None, number: int, reporter: str) -> str:
    """The stem of a picture's artifact: ``screenshots/<stage>/<number>-<reporter>``.

    Two pictures of one run never share it as long as no reporter uses a number twice: the last part alone tells them
    apart, whatever the stages are called.

    Args:
        stage: The stage's path; None for the run itself.
        number: Which of this reporter's pictures it is, counted over all stages.
        reporter: The id of who reports, or what else tells the processes of a run apart.
    """
    parts = [_named(part) for part in stage.split("/")] if stage else []
    return "/".join(["screenshots", *parts, f"{number:04d}-{reporter}"])


def _named(part: str) -> str:
    part = part.replace("\\", "_")
    return "_" if part.strip() in ("", ".", "..") else part
