"""Which way up a picture is to be looked at: the one thing that is read from EXIF."""

from __future__ import annotations

import struct

_ORIENTATION = 0x0112
_SHORT = 3
_ENTRIES_MAX = 512
"""Entries that are looked at: cameras write some twenty."""


def orientation(exif: memoryview) -> int:
    """The orientation from 1 to 8 that a block of EXIF says; 1 if it says none, or nothing that makes sense."""
    if bytes(exif[:6]) == b"Exif\0\0":
        exif = exif[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(exif[:4]))
    if order is None:
        return 1
    try:
        return _first_directory(exif, order)
    except struct.error:  # it points outside of itself
        return 1


def _first_directory(exif: memoryview, order: str) -> int:
    (start,) = struct.unpack_from(order + "I", exif, 4)
    (count,) = struct.unpack_from(order + "H", exif, start)
    for index in range(min(count, _ENTRIES_MAX)):
        tag, type_, values, value = struct.unpack_from(order + "HHIH", exif, start + 2 + 12 * index)
        if tag == _ORIENTATION:
            return value if type_ == _SHORT and values == 1 and 1 <= value <= 8 else 1
    return 1
