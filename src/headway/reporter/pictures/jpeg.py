"""JPEG: segments that begin with a marker, and scans of coded data between them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from headway.errors import PictureRefused
from headway.reporter.pictures.orientation import orientation
from headway.reporter.pictures.structure import (
    PictureInfo,
    Structure,
    check_pieces,
    check_size,
    damaged,
    truncated,
)

MAGIC = b"\xff\xd8\xff"

SCANS_MAX = 64
"""Scans of one picture: encoders make about ten. Each can make the decoder go over every pixel for a few bytes."""

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # stuffed zeros, fill bytes and restarts belong to the coded data

_END, _SCAN, _EXIF, _COLOURS, _JFIF = 0xD9, 0xDA, 0xE1, 0xEE, 0xE0
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_TABLES = frozenset({0xDB, 0xC4, 0xDD})
_ALONE = frozenset({0x01, 0xD8})


class _Segment(NamedTuple):
    marker: int
    content: memoryview
    whole: memoryview


def dissect(data: memoryview, max_pixels: int) -> Structure:
    """The structure of a JPEG; what follows its end is no part of it. Raises PictureRefused."""
    frame: tuple[int, int] | None = None
    turned, scans = 1, 0
    essence: list[memoryview | bytes] = [data[:2]]
    for segment in _segments(data):
        if segment.marker in _FRAMES:
            if frame is not None:
                raise damaged("it says its size twice")
            frame = _frame(segment, max_pixels)
        elif segment.marker == _SCAN:
            scans += 1
            _check_scans(scans, frame)
        elif segment.marker == _EXIF and bytes(segment.content[:6]) == b"Exif\0\0":
            turned = orientation(segment.content)
        if _essential(segment):
            essence.append(segment.whole)
    if frame is None or not scans:
        raise damaged("there is no picture in it")
    info = PictureInfo(format="jpeg", width=frame[0], height=frame[1], orientation=turned)
    return Structure(info, tuple(essence))


def _segments(data: memoryview) -> Iterator[_Segment]:
    """The segments up to the end; what is between them and belongs to none is left out, as decoders do."""
    marker, position, count = 0, 2, 0
    while marker != _END:
        check_pieces(count := count + 1)
        found = _MARKER.search(data, position)
        if found is None:
            raise truncated()
        start = found.start()
        marker = data[start + 1]
        position = _end(data, start, marker)
        content = data[start + 4 : position]
        if marker == _SCAN:
            following = _MARKER.search(data, position)
            position = following.start() if following else len(data)
        yield _Segment(marker, content, data[start:position])


def _end(data: memoryview, start: int, marker: int) -> int:
    if marker == _END or marker in _ALONE:
        return start + 2
    if start + 4 > len(data):
        raise truncated()
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    if length < 2:
        raise damaged("one of its segments is shorter than its own length")
    if start + 2 + length > len(data):
        raise truncated()
    return start + 2 + length


def _frame(segment: _Segment, max_pixels: int) -> tuple[int, int]:
    if len(segment.content) < 6:
        raise damaged("its header is too short")
    bits, height, width, components = struct.unpack_from(">BHHB", segment.content)
    check_size(width, height, max_pixels)
    if segment.marker not in (0xC0, 0xC1, 0xC2) or bits != 8:
        raise PictureRefused(
            "it is a JPEG of a kind that browsers do not show: save it as a usual one", reason="format"
        )
    if components not in (1, 3, 4) or len(segment.content) != 6 + 3 * components:
        raise damaged(f"its header speaks of {components} components")
    return width, height


def _check_scans(scans: int, frame: tuple[int, int] | None) -> None:
    if frame is None:
        raise damaged("its picture comes before its header")
    if scans > SCANS_MAX:
        raise damaged(f"it has more than {SCANS_MAX} scans")


def _essential(segment: _Segment) -> bool:
    marker = segment.marker
    if marker in (_JFIF, _COLOURS):  # these two say what the components mean
        return bytes(segment.content[:5]) in (b"JFIF\0", b"Adobe")
    return marker in _TABLES or marker in _FRAMES or marker in (_SCAN, _END)
