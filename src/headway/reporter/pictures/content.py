"""Reading what a job hands over as a picture, before the job can change it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from headway.errors import MissingExtra, PictureRefused
from headway.reporter.pictures.inspection import HEAD_BYTES, check_length, format_of
from headway.reporter.pictures.options import PictureOptions
from headway.reporter.pictures.structure import check_size

if TYPE_CHECKING:
    from PIL.Image import Image

_CHUNK_BYTES = 1024 * 1024


@runtime_checkable
class ArrayLike(Protocol):
    """What NumPy's arrays are, and what can be seen as one."""

    @property
    def __array_interface__(self) -> dict[str, object]: ...


class _Readable(Protocol):
    def read(self, size: int, /) -> object: ...


def read(content: object, options: PictureOptions) -> bytes | Image:
    """The content as bytes that begin like a picture, or as an image of Pillow's that nobody else has.

    Args:
        content: Bytes, a path, a file opened for reading in binary, an image of Pillow's, or an array of pixels:
            (height, width) or (height, width, 3 or 4), 8 bits each, or 16 for greys.
        options: The limits: no more is read than they allow.

    Raises:
        PictureRefused: It is none of these, or too large.
        OSError: It cannot be read.
    """
    if isinstance(content, bytes | bytearray | memoryview):
        check_length(memoryview(content).nbytes, options)
        return _checked(bytes(content))
    if isinstance(content, str | os.PathLike):
        try:
            return _read_path(Path(os.fspath(content)), options)
        except ValueError as error:  # a zero byte, or half a surrogate pair
            raise PictureRefused(f"{os.fspath(content)!r} cannot be a path: {error}", reason="content") from error
    image = _as_image(content, options)
    if image is not None:
        return image
    if callable(getattr(content, "read", None)):
        return _read_file(cast("_Readable", content), options)
    raise PictureRefused(
        f"a {type(content).__name__} is no picture: hand over bytes, a path, a binary file, a Pillow image or an array",
        reason="content",
    )


def _checked(data: bytes) -> bytes:
    format_of(data[:HEAD_BYTES])
    return data


def _read_path(path: Path, options: PictureOptions) -> bytes:
    if path.exists() and not path.is_file():  # a folder has no content; a pipe or a device might never end
        raise PictureRefused(f"{path} is not a file", reason="content")
    with path.open("rb") as file:
        check_length(os.fstat(file.fileno()).st_size, options)
        return _read_file(file, options)


def _read_file(file: _Readable, options: PictureOptions) -> bytes:
    data = bytearray()
    while True:
        chunk = file.read(min(_CHUNK_BYTES, options.max_bytes + 1 - len(data)))
        if not isinstance(chunk, bytes | bytearray | memoryview):
            raise PictureRefused("the file gives no bytes: open it in binary", reason="content")
        if not chunk:
            return _checked(bytes(data))
        data += chunk
        check_length(len(data), options)
        if len(data) >= HEAD_BYTES:
            format_of(bytes(data[:HEAD_BYTES]))


def _as_image(content: object, options: PictureOptions) -> Image | None:
    images = sys.modules.get("PIL.Image")  # who has an image has imported it
    if images is not None and isinstance(content, images.Image):
        image = cast("Image", content)
        check_size(*image.size, options.max_pixels)
        return image.copy()
    return _from_array(content, options) if isinstance(content, ArrayLike) else None


def _from_array(array: ArrayLike, options: PictureOptions) -> Image:
    try:
        from PIL import Image
    except ImportError as error:
        raise PictureRefused(
            f"an array becomes a picture only with Pillow: {MissingExtra.command('images')}", reason="missing-extra"
        ) from error
    interface = array.__array_interface__
    shape, kind = cast("tuple[int, ...]", interface["shape"]), interface["typestr"]
    grey = len(shape) == 2 and kind in ("|u1", "|b1", "<u2")
    coloured = len(shape) == 3 and shape[2] in (3, 4) and kind == "|u1"
    if not (grey or coloured):
        raise PictureRefused(
            f"an array of shape {shape} and type {kind} is no picture: use (height, width) or (height, width, 3 or 4) "
            "of unsigned bytes, or (height, width) of 16 bits",
            reason="content",
        )
    check_size(shape[1], shape[0], options.max_pixels)
    return Image.fromarray(array).copy()  # a copy: it shares the array's memory, which the job goes on to use
