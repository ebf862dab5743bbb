"""WebP: a RIFF file whose chunks hold one picture, or a canvas with frames on it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from headway.reporter.pictures.orientation import orientation
from headway.reporter.pictures.structure import (
    PictureInfo,
    Structure,
    check_pieces,
    check_size,
    damaged,
    truncated,
)

_HEAD_BYTES = 12
_ANIMATED, _ALPHA = 0x02, 0x10
_BITSTREAMS = (b"VP8 ", b"VP8L")
_FRAME_HEAD_BYTES = 16


class _Chunk(NamedTuple):
    type: bytes
    content: memoryview
    whole: memoryview


def is_webp(head: bytes) -> bool:
    """Whether the first twelve bytes are those of a WebP."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def dissect(data: memoryview, max_pixels: int) -> Structure:
    """The structure of a WebP; of an animated one, with its first frame alone. Raises PictureRefused."""
    (length,) = struct.unpack_from("<I", data, 4)
    if length + 8 > len(data):
        raise truncated()
    chunks = _chunks(data, _HEAD_BYTES, length + 8)
    first = next(chunks, None)
    if first is None:
        raise damaged("there is no picture in it")
    if first.type == b"VP8X":
        return _extended(first, chunks, max_pixels)
    width, height = _bitstream_size(first)
    check_size(width, height, max_pixels)
    return _structure(PictureInfo(format="webp", width=width, height=height), [first.whole])


def _chunks(data: memoryview, position: int, end: int) -> Iterator[_Chunk]:
    count = 0
    while position + 8 <= end:
        check_pieces(count := count + 1)
        (length,) = struct.unpack_from("<I", data, position + 4)
        stop = position + 8 + length
        if stop > end:
            raise truncated()
        padded = min(stop + (length & 1), end)
        yield _Chunk(bytes(data[position : position + 4]), data[position + 8 : stop], data[position:padded])
        position = padded


def _extended(head: _Chunk, chunks: Iterator[_Chunk], max_pixels: int) -> Structure:
    if len(head.content) != 10:
        raise damaged("its header has the wrong length")
    canvas = (_u24(head.content, 4) + 1, _u24(head.content, 7) + 1)
    check_size(*canvas, max_pixels)
    animated = bool(head.content[0] & _ANIMATED)
    picture, turned = (_first_frame if animated else _still)(chunks, canvas)
    # The flags promise no more than what is left in it.
    flags = bytes([head.content[0] & (_ANIMATED | _ALPHA)])
    essence: list[memoryview | bytes] = [head.whole[:8], flags, head.content[1:], *picture]
    info = PictureInfo(format="webp", width=canvas[0], height=canvas[1], orientation=turned, animated=animated)
    return _structure(info, essence)


def _still(chunks: Iterator[_Chunk], canvas: tuple[int, int]) -> tuple[list[memoryview], int]:
    kept: list[memoryview] = []
    turned, complete = 1, False
    for chunk in chunks:
        if chunk.type == b"EXIF":
            turned = orientation(chunk.content)
        elif chunk.type in _BITSTREAMS and not complete:
            complete = True
            kept.append(chunk.whole)
            if _bitstream_size(chunk) != canvas:
                raise damaged("its header and its picture do not have the same size")
        elif chunk.type == b"ALPH" and not kept:
            kept.append(chunk.whole)
    if not complete:
        raise damaged("there is no picture in it")
    return kept, turned


def _first_frame(chunks: Iterator[_Chunk], canvas: tuple[int, int]) -> tuple[list[memoryview], int]:
    setting: memoryview | None = None
    frame: memoryview | None = None
    turned = 1
    for chunk in chunks:
        if chunk.type == b"EXIF":
            turned = orientation(chunk.content)
        elif chunk.type == b"ANIM" and setting is None:
            setting = chunk.whole
        elif chunk.type == b"ANMF" and frame is None:
            frame = chunk.whole
            _check_frame(chunk.content, canvas)
    if setting is None or frame is None:
        raise damaged("there is no picture in it")
    return [setting, frame], turned


def _check_frame(frame: memoryview, canvas: tuple[int, int]) -> None:
    if len(frame) < _FRAME_HEAD_BYTES:
        raise damaged("its first frame is too short")
    left, top, width, height = 2 * _u24(frame, 0), 2 * _u24(frame, 3), _u24(frame, 6) + 1, _u24(frame, 9) + 1
    if left + width > canvas[0] or top + height > canvas[1]:
        raise damaged("its first frame is larger than its canvas")
    for chunk in _chunks(frame, _FRAME_HEAD_BYTES, len(frame)):
        if chunk.type in _BITSTREAMS and _bitstream_size(chunk) != (width, height):
            raise damaged("a frame's header and its picture do not have the same size")


def _bitstream_size(chunk: _Chunk) -> tuple[int, int]:
    content = chunk.content
    if chunk.type == b"VP8 " and len(content) >= 10 and not content[0] & 1 and bytes(content[3:6]) == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", content, 6)
        return width & 0x3FFF, height & 0x3FFF
    if chunk.type == b"VP8L" and len(content) >= 5 and content[0] == 0x2F:
        (bits,) = struct.unpack_from("<I", content, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise damaged("its picture does not begin as it must")


def _u24(data: memoryview, position: int) -> int:
    return int.from_bytes(data[position : position + 3], "little")


def _structure(info: PictureInfo, pieces: Sequence[memoryview | bytes]) -> Structure:
    length = 4 + sum(len(piece) for piece in pieces)
    padding = [b"\0"] if length % 2 else []  # a last chunk of odd length may come without
    return Structure(info, (b"RIFF" + struct.pack("<I", length + len(padding)) + b"WEBP", *pieces, *padding))
