"""What is read of a picture before it is decoded, and what is refused."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from PIL import Image

from headway.reporter.pictures import PictureOptions, PictureRefused, inspect
from headway.reporter.pictures.options import SIDE_MAX
from headway.reporter.pictures.structure import PIECES_MAX
from tests.unit.reporter.pictures import samples
from tests.unit.reporter.pictures.samples import (
    SIGNATURE,
    canvas,
    chunk,
    encoded,
    frame,
    header,
    inserted,
    lossless_head,
    lossy_head,
    plain,
    riff,
    riff_chunk,
    segment,
    zeros,
)

FORMATS = ["PNG", "JPEG", "WEBP"]
JPEG = plain("JPEG")
SCAN = JPEG[JPEG.index(b"\xff\xda") :]


def reason_of(data: bytes, options: PictureOptions | None = None) -> str:
    with pytest.raises(PictureRefused) as refusal:
        inspect(data, options)
    return refusal.value.reason


@pytest.mark.parametrize(
    ("format_", "media_type", "extension"),
    [("PNG", "image/png", ".png"), ("JPEG", "image/jpeg", ".jpg"), ("WEBP", "image/webp", ".webp")],
)
def test_format_and_size_are_read(format_: str, media_type: str, extension: str) -> None:
    info = inspect(plain(format_, 641, 399))
    assert (info.media_type, info.extension) == (media_type, extension)
    assert (info.width, info.height, info.shown) == (641, 399, (641, 399))
    assert not info.animated


@pytest.mark.parametrize("settings", [{"lossless": True}, {"lossless": False}, {"exif": b"Exif\0\0II*\0\0\0\0\0"}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_every_kind_of_webp_is_read(settings: dict[str, object], mode: str) -> None:
    image = Image.effect_noise((123, 77), 80).convert(mode)
    if mode == "RGBA":
        image.putalpha(120)
    info = inspect(encoded(image, "WEBP", **settings))
    assert (info.width, info.height) == (123, 77)


def test_progressive_jpeg_is_read() -> None:
    data = encoded(Image.effect_noise((300, 200), 80), "JPEG", progressive=True)
    assert data.count(b"\xff\xda") > 3
    assert inspect(data).shown == (300, 200)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_read(format_: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    info = inspect(encoded(Image.new("RGB", (60, 40)), format_, exif=exif))
    assert info.orientation == orientation
    assert info.shown == ((60, 40) if orientation < 5 else (40, 60))


def entry(order: str, tag: int, type_: int, count: int, value: int) -> bytes:
    return struct.pack(order + "HHIHH", tag, type_, count, value, 0)


@pytest.mark.parametrize(
    ("exif", "orientation"),
    [
        (b"MM\0*\0\0\0\x08\0\1" + entry(">", 0x0112, 3, 1, 6), 6),
        (b"II*\0\x08\0\0\0\1\0" + entry("<", 0x0112, 3, 1, 8), 8),
        (b"II*\0\x08\0\0\0\1\0" + entry("<", 0x0112, 3, 1, 9), 1),
        (b"II*\0\x08\0\0\0\1\0" + entry("<", 0x0112, 4, 1, 6), 1),
        (b"II*\0\x08\0\0\0\xff\xff" + entry("<", 0x0100, 3, 1, 6), 1),
        (b"II*\0\xff\xff\xff\xff", 1),
        (b"II*\0", 1),
        (b"", 1),
        (b"nonsense" * 20, 1),
    ],
)
def test_exif_is_read_in_both_orders_and_nonsense_is_upright(exif: bytes, orientation: int) -> None:
    assert inspect(inserted(plain("PNG"), chunk(b"eXIf", exif))).orientation == orientation


def test_animated_pictures_are_known() -> None:
    frames = [Image.new("RGB", (50, 40), colour) for colour in ("red", "blue", "green")]
    for format_ in ("PNG", "WEBP"):
        info = inspect(encoded(frames[0], format_, save_all=True, append_images=frames[1:]))
        assert info.animated
        assert info.shown == (50, 40)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG",
        b"GIF89a" + bytes(40),
        b"BM" + bytes(60),
        b"II*\0" + bytes(60),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"RIFF\x20\0\0\0WAVEfmt " + bytes(40),
        b"\0\0\0\x20ftypavif" + bytes(40),
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        encoded(Image.new("RGB", (9, 9)), "TIFF"),
    ],
)
def test_other_formats_are_refused(data: bytes) -> None:
    assert reason_of(data) == "format"


@pytest.mark.parametrize(
    "data",
    [
        SIGNATURE + header(25_001, 1_000),
        SIGNATURE + header(1, 60_000_000),
        SIGNATURE + header(2**32 - 1, 2**32 - 1),
        SIGNATURE + header(1, SIDE_MAX + 1),
        b"\xff\xd8" + frame(65_535, 65_535),
        b"\xff\xd8" + frame(65_535, 382),
        riff(lossless_head(16_384, 16_384)),
        riff(lossy_head(16_383, 16_383)),
        riff(canvas(2**24, 2**24)),
        riff(canvas(2**24, 1)),
    ],
)
def test_too_many_pixels_are_refused_by_the_header_alone(data: bytes) -> None:
    assert reason_of(data) == "size"


def test_a_bomb_costs_no_memory() -> None:
    bomb = zeros(20_000, 20_000, bits=1, depth=1, colour=0)
    wide = SIGNATURE + header(25_001, 1_000)
    tracemalloc.start()
    try:
        for data in (bomb, wide, samples.many_scans(5_000, 5_000, 1_000)):
            reason_of(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000


def test_the_largest_picture_is_taken_and_one_pixel_more_is_not() -> None:
    options = PictureOptions(max_pixels=1_000)
    assert inspect(plain("PNG", 40, 25), options).shown == (40, 25)
    assert reason_of(plain("PNG", 41, 25), options) == "size"
    exactly = SIGNATURE + header(25_000, 1_000) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    assert inspect(exactly).shown == (25_000, 1_000)


def test_too_many_bytes_are_refused() -> None:
    data = plain("PNG")
    assert inspect(data, PictureOptions(max_bytes=len(data))).format == "png"
    assert reason_of(data, PictureOptions(max_bytes=len(data) - 1)) == "size"


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_cut_anywhere_is_refused(format_: str) -> None:
    image = Image.effect_noise((40, 30), 90).convert("RGB")
    data = encoded(image, format_)
    for length in range(len(data)):
        assert reason_of(data[:length]) in ("format", "truncated", "damaged")


@pytest.mark.parametrize(
    "data",
    [
        SIGNATURE + header(0, 10),
        SIGNATURE + header(10, 10)[:-1] + b"\0",
        SIGNATURE + header(10, 10, depth=3),
        SIGNATURE + header(10, 10, colour=5),
        SIGNATURE + chunk(b"IDAT", b"") + header(10, 10),
        SIGNATURE + header(10, 10) + chunk(b"IEND", b""),
        inserted(plain("PNG"), header(60_000, 60_000)),
        inserted(plain("PNG"), chunk(b"ABCD", b"")),
        inserted(plain("PNG"), *[chunk(b"tEXt", b"")] * PIECES_MAX),
    ],
)
def test_a_png_that_contradicts_itself_is_refused(data: bytes) -> None:
    assert reason_of(data) == "damaged"


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + frame(0, 10) + SCAN,
        b"\xff\xd8" + frame(10, 0) + SCAN,
        b"\xff\xd8" + frame(10, 10) + frame(60, 60) + SCAN,
        JPEG[:-2] + frame(6_000, 6_000) + b"\xff\xd9",
        b"\xff\xd8" + SCAN,
        b"\xff\xd8" + frame(10, 10) + b"\xff\xd9",
        b"\xff\xd8" + segment(0xC0, b"\x08\0\x0a\0\x0a") + SCAN,
        b"\xff\xd8" + segment(0xC0, b"\x08\0\x0a\0\x0a\x02" + bytes(6)) + SCAN,
        b"\xff\xd8\xff\xe1\0\1" + frame(10, 10) + SCAN,
        b"\xff\xd8" + segment(0xFE, b"") * PIECES_MAX + JPEG[2:],
        samples.many_scans(100, 100, 65),
    ],
)
def test_a_jpeg_that_contradicts_itself_is_refused(data: bytes) -> None:
    assert reason_of(data) == "damaged"


@pytest.mark.parametrize("header_", [frame(10, 10, 0xC3), frame(10, 10, 0xC9), frame(10, 10, 0xC1, bits=12)])
def test_a_jpeg_that_browsers_do_not_show_is_refused(header_: bytes) -> None:
    assert reason_of(b"\xff\xd8" + header_ + SCAN) == "format"


def anmf(left: int, top: int, width: int, height: int, *chunks: bytes) -> bytes:
    sides = b"".join(n.to_bytes(3, "little") for n in (left // 2, top // 2, width - 1, height - 1))
    return riff_chunk(b"ANMF", sides + bytes(4) + b"".join(chunks))


ANIM = riff_chunk(b"ANIM", bytes(6))


@pytest.mark.parametrize(
    "data",
    [
        riff(),
        riff(riff_chunk(b"JUNK", b"")),
        riff(riff_chunk(b"VP8L", b"\x2f")),
        riff(riff_chunk(b"VP8 ", bytes(20))),
        riff(riff_chunk(b"VP8X", bytes(9))),
        riff(canvas(10, 10)),
        riff(canvas(10, 10), lossless_head(4_000, 4_000)),
        riff(canvas(10, 10), lossy_head(10, 11)),
        riff(canvas(10, 10, 2), lossless_head(10, 10)),
        riff(canvas(10, 10, 2), ANIM, riff_chunk(b"ANMF", bytes(15))),
        riff(canvas(10, 10, 2), ANIM, anmf(4, 0, 8, 10, lossless_head(8, 10))),
        riff(canvas(10, 10, 2), ANIM, anmf(0, 0, 8, 10, lossless_head(4_000, 4_000))),
        riff(canvas(10, 10), *[riff_chunk(b"XMP ", b"")] * PIECES_MAX, lossless_head(10, 10)),
    ],
)
def test_a_webp_that_contradicts_itself_is_refused(data: bytes) -> None:
    assert reason_of(data) == "damaged"


def test_an_animated_webp_of_which_a_frame_lies_within_its_canvas_is_taken() -> None:
    assert inspect(riff(canvas(10, 10, 2), ANIM, anmf(2, 0, 8, 10, lossless_head(8, 10)))).animated


def test_what_follows_the_end_does_not_matter() -> None:
    for format_ in FORMATS:
        assert inspect(plain(format_) + b"PK\3\4 and more").shown == (640, 400)
