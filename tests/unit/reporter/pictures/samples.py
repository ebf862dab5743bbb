"""Pictures to test with: real ones by Pillow, and bytes made by hand where Pillow would refuse to make them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encoded(image: Image.Image, format_: str, **settings: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **settings)
    return out.getvalue()


def plain(format_: str, width: int = 640, height: int = 400) -> bytes:
    return encoded(Image.new("RGB", (width, height), (200, 30, 60)), format_)


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=["JPEG"])
    image.load()
    return image


def chunk(type_: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + type_ + content + struct.pack(">I", zlib.crc32(type_ + content))


def header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def zeros(width: int, height: int, *between: bytes, depth: int = 8, colour: int = 2, bits: int = 24) -> bytes:
    """A PNG of nothing but zeros, with other chunks between its header and its picture."""
    rows = zlib.compressobj(9)
    row = bytes(1 + width * bits // 8)
    content = b"".join([*(rows.compress(row) for _ in range(height)), rows.flush()])
    end = chunk(b"IDAT", content) + chunk(b"IEND", b"")
    return SIGNATURE + header(width, height, depth, colour) + b"".join(between) + end


def inserted(png: bytes, *chunks: bytes) -> bytes:
    """The PNG with more chunks after its header."""
    at = len(SIGNATURE) + 25
    return png[:at] + b"".join(chunks) + png[at:]


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def frame(width: int, height: int, marker: int = 0xC0, bits: int = 8) -> bytes:
    return segment(marker, struct.pack(">BHHB", bits, height, width, 3) + b"\1\x11\0\2\x11\1\3\x11\1")


def many_scans(width: int, height: int, scans: int) -> bytes:
    """A progressive JPEG whose every scan takes a few bytes and goes over all pixels."""
    tables = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xDB, b"\1" + b"\1" * 64)
    codes = segment(0xC4, b"\0\1" + bytes(15) + b"\0") + segment(0xC4, b"\x10\1" + bytes(15) + b"\xe0")
    first = segment(0xDA, b"\3\1\0\2\0\3\0\0\0\1")
    more = b"".join(segment(0xDA, bytes([1, 1 + n % 3, 0, 1, 63, 1 if n < 3 else 0x10])) for n in range(scans - 1))
    return b"\xff\xd8" + tables + frame(width, height, 0xC2) + codes + first + more + b"\xff\xd9"


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff_chunk(type_: bytes, content: bytes) -> bytes:
    return type_ + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides)


def lossless_head(width: int, height: int) -> bytes:
    return riff_chunk(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(8))


def lossy_head(width: int, height: int) -> bytes:
    return riff_chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(8))
