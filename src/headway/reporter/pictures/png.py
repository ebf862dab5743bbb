"""PNG: a signature, then chunks of length, type, content and checksum."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
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

MAGIC = b"\x89PNG\r\n\x1a\n"

_ESSENTIAL = frozenset({b"PLTE", b"tRNS", b"IDAT", b"IEND"})

_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bits per sample that each type of colour may have."""


class _Chunk(NamedTuple):
    type: bytes
    content: memoryview
    whole: memoryview


def dissect(data: memoryview, max_pixels: int) -> Structure:
    """The structure of a PNG. An animated one is its still picture. Raises PictureRefused."""
    chunks = _chunks(data)
    header = _header(next(chunks), max_pixels)
    essence = [data[: len(MAGIC)], header.whole]
    seen = set()
    turned = 1
    for chunk in chunks:
        seen.add(chunk.type)
        if chunk.type in _ESSENTIAL:
            essence.append(chunk.whole)
        elif chunk.type == b"eXIf":
            turned = orientation(chunk.content)
        elif not chunk.type[0] & 0x20:
            raise damaged(f"it has a chunk {chunk.type!r} where none belongs")
    if b"IDAT" not in seen:
        raise damaged("there is no picture in it")
    width, height = struct.unpack_from(">II", header.content)
    animated = b"acTL" in seen
    info = PictureInfo(format="png", width=width, height=height, orientation=turned, animated=animated)
    return Structure(info, tuple(essence))


def _chunks(data: memoryview) -> Iterator[_Chunk]:
    position, count, type_ = len(MAGIC), 0, b""
    while type_ != b"IEND":
        check_pieces(count := count + 1)
        if position + 12 > len(data):
            raise truncated()
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 12 + length
        if end > len(data):
            raise truncated()
        type_ = bytes(data[position + 4 : position + 8])
        yield _Chunk(type_, data[position + 8 : end - 4], data[position:end])
        position = end


def _header(chunk: _Chunk, max_pixels: int) -> _Chunk:
    if chunk.type != b"IHDR" or len(chunk.content) != 13:
        raise damaged("it does not begin with a PNG's header")
    width, height, depth, colour, packing, filtering, interlaced = struct.unpack(">IIBBBBB", chunk.content)
    check_size(width, height, max_pixels)
    if zlib.crc32(chunk.whole[4:-4]) != int.from_bytes(chunk.whole[-4:], "big"):
        raise damaged("its header does not match its checksum")
    if depth not in _DEPTHS.get(colour, ()) or packing or filtering or interlaced > 1:
        raise damaged("its header says what no PNG has")
    return chunk
