"""Thumbnails: their size, their colours, which way up, and what decoding them may cost."""

from __future__ import annotations

import logging
import struct
import tracemalloc
import warnings
import zlib

import pytest
from PIL import Image, ImageFile
from PIL.Image import Transpose

from headway.errors import InvalidInput
from headway.reporter.pictures import PictureOptions, PictureRefused, thumbnail
from headway.reporter.pictures.inspection import dissect
from tests.unit.reporter.pictures.samples import (
    SIGNATURE,
    chunk,
    decoded,
    encoded,
    header,
    inserted,
    many_scans,
    plain,
    segment,
    zeros,
)

FORMATS = ["PNG", "JPEG", "WEBP"]
Colour = tuple[int, ...]


def colour(data: bytes, at: tuple[float, float] = (0.5, 0.5)) -> Colour:
    image = decoded(data)
    pixel = image.getpixel((int(at[0] * (image.width - 1)), int(at[1] * (image.height - 1))))
    return pixel if isinstance(pixel, tuple) else (int(pixel or 0),) * 3


def near(one: Colour, other: Colour, tolerance: int = 12) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1600, 1200), (200, 150)),
        ((1920, 1080), (200, 112)),
        ((600, 2400), (38, 150)),
        ((200, 150), (200, 150)),
        ((100, 80), (100, 80)),
        ((4000, 2), (200, 1)),
        ((1, 900), (1, 150)),
    ],
)
def test_it_fits_keeps_its_aspect_and_is_never_enlarged(
    format_: str, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    small = thumbnail(plain(format_, *size))
    assert small.startswith(b"\xff\xd8\xff")
    assert decoded(small).size == expected
    assert near(colour(small), (200, 30, 60))


def test_size_and_quality_can_be_set() -> None:
    picture = encoded(Image.effect_noise((640, 480), 90).convert("RGB"), "PNG")
    sizes = [len(thumbnail(picture, PictureOptions(quality=quality))) for quality in (20, 70, 95)]
    assert sizes == sorted(set(sizes))
    assert decoded(thumbnail(picture, PictureOptions(width=64, height=64))).size == (64, 48)
    standard = decoded(encoded(Image.new("RGB", (8, 8)), "JPEG", quality=70))
    assert getattr(decoded(thumbnail(picture)), "quantization") == getattr(standard, "quantization")  # noqa: B009


@pytest.mark.parametrize("wrong", [{"width": 0}, {"height": 5_000}, {"quality": 0}, {"quality": 101}, {"max_bytes": 0}])
def test_options_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        PictureOptions(**wrong)


def quarters() -> Image.Image:
    image = Image.new("RGB", (400, 300))
    for colour_, corner in (("red", (0, 0)), ("lime", (200, 0)), ("blue", (0, 150)), ("white", (200, 150))):
        image.paste(colour_, (*corner, corner[0] + 200, corner[1] + 150))
    return image


STORED = {
    1: None,
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("orientation", STORED)
def test_it_is_turned_upright(format_: str, orientation: int) -> None:
    how = STORED[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    small = thumbnail(encoded(quarters() if how is None else quarters().transpose(how), format_, exif=exif))
    image = decoded(small)
    assert image.size == (200, 150)
    assert len(image.getexif()) == 0
    assert near(colour(small, (0.2, 0.2)), (255, 0, 0), 30)
    assert near(colour(small, (0.8, 0.2)), (0, 255, 0), 30)
    assert near(colour(small, (0.2, 0.8)), (0, 0, 255), 30)
    assert near(colour(small, (0.8, 0.8)), (255, 255, 255), 30)


def test_what_is_transparent_is_white() -> None:
    half = Image.new("RGBA", (400, 300), (255, 0, 0, 128))
    assert near(colour(thumbnail(encoded(half, "PNG"))), (255, 127, 127))
    assert near(colour(thumbnail(encoded(half, "WEBP", lossless=True))), (255, 127, 127))
    assert near(colour(thumbnail(encoded(half, "WEBP"))), (255, 127, 127))
    grey = Image.new("LA", (400, 300), (0, 128))
    assert near(colour(thumbnail(encoded(grey, "PNG"))), (127, 127, 127))


@pytest.mark.parametrize(
    ("mode", "key", "content"), [("P", 0, 0), ("L", 7, 7), ("1", 1, 1), ("RGB", (1, 2, 3), (1, 2, 3))]
)
def test_a_transparent_colour_is_white(mode: str, key: object, content: object) -> None:
    image = Image.new(mode, (400, 300), content)  # type: ignore[arg-type]  # a colour of that mode
    if mode == "P":
        image.putpalette([10, 20, 30] * 256)
    assert near(colour(thumbnail(encoded(image, "PNG", transparency=key))), (255, 255, 255))


def test_no_dark_fringe_comes_from_invisible_colours() -> None:
    image = Image.new("RGBA", (400, 300), (0, 0, 0, 0))
    image.paste((255, 255, 255, 255), (0, 0, 201, 300))
    assert min(decoded(thumbnail(encoded(image, "PNG"))).convert("L").tobytes()) > 240


def test_every_mode_keeps_its_colour() -> None:
    grey = Image.new("L", (400, 300), 128)
    assert near(colour(thumbnail(encoded(grey, "PNG"))), (128, 128, 128))
    assert near(colour(thumbnail(encoded(grey, "JPEG"))), (128, 128, 128))
    assert near(colour(thumbnail(encoded(Image.new("1", (400, 300), 1), "PNG"))), (255, 255, 255))
    palette = Image.new("RGB", (400, 300), (10, 200, 90)).quantize(8)
    assert near(colour(thumbnail(encoded(palette, "PNG"))), (10, 200, 90))
    cmyk = Image.new("RGB", (400, 300), (200, 30, 60)).convert("CMYK")
    assert near(colour(thumbnail(encoded(cmyk, "JPEG"))), (200, 30, 60))


def test_sixteen_bits_keep_their_brightness() -> None:
    grey = Image.new("I;16", (400, 300), 0x8000)
    assert near(colour(thumbnail(encoded(grey, "PNG"))), (128, 128, 128))
    row = b"\0" + struct.pack(">HHH", 0xC800, 0x1E00, 0x3C00) * 400
    content = chunk(b"IDAT", zlib.compress(row * 300)) + chunk(b"IEND", b"")
    assert near(colour(thumbnail(SIGNATURE + header(400, 300, depth=16) + content)), (200, 30, 60))


def test_an_rgb_jpeg_keeps_its_colours() -> None:
    data = encoded(Image.new("RGB", (400, 300), (200, 30, 60)), "JPEG", keep_rgb=True)
    assert near(colour(thumbnail(data)), (200, 30, 60))
    for name, number in ((b"R", b"\1"), (b"G", b"\2"), (b"B", b"\3")):  # now only Adobe's segment says that it is RGB
        data = data.replace(name + b"\x11", number + b"\x11").replace(name + b"\0", number + b"\0")
    assert near(colour(thumbnail(data)), (200, 30, 60))
    assert not near(colour(thumbnail(data.replace(b"Adobe", b"Other"))), (200, 30, 60))


def test_the_first_frame_of_an_animation_is_shown() -> None:
    frames = [Image.new("RGB", (400, 300), name) for name in ("red", "blue", "lime")]
    for format_ in ("PNG", "WEBP"):
        moving = encoded(frames[0], format_, save_all=True, append_images=frames[1:], duration=50)
        assert near(colour(thumbnail(moving)), (255, 0, 0))


def test_of_an_animation_only_the_first_frame_is_handed_on() -> None:
    frames = [Image.effect_noise((40, 30), 90).convert("RGB") for _ in range(50)]
    for format_ in ("PNG", "WEBP"):
        moving = encoded(frames[0], format_, save_all=True, append_images=frames[1:])
        kept = sum(len(piece) for piece in dissect(moving, PictureOptions()).essence)
        assert kept < len(moving) / 20
        assert thumbnail(moving)


def text_bomb(size: int) -> bytes:
    return chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(size), 9))


@pytest.mark.parametrize(
    "hostile",
    [
        inserted(plain("PNG"), *[text_bomb(900_000)] * 60),
        inserted(plain("PNG"), text_bomb(50_000_000)),
        inserted(plain("PNG"), chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(50_000_000), 9))),
        inserted(plain("PNG"), chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(50_000_000), 9))),
        inserted(plain("PNG"), chunk(b"eXIf", bytes(900_000)), chunk(b"tEXt", b"k\0" + bytes(900_000))),
        plain("JPEG")[:2] + segment(0xE1, b"Exif\0\0" + b"II*\0" + b"\xff" * 60_000) * 20 + plain("JPEG")[2:],
        plain("JPEG")[:2] + segment(0xE2, b"ICC_PROFILE\0\1\xff" + bytes(60_000)) * 20 + plain("JPEG")[2:],
        plain("JPEG")[:2] + segment(0xE2, b"MPF\0II*\0" + b"\xff" * 200) + plain("JPEG")[2:],
        plain("JPEG")[:2] + segment(0xED, b"Photoshop 3.0\0" + b"8BIM" * 900) + plain("JPEG")[2:],
    ],
)
def test_what_is_hidden_beside_the_picture_is_never_looked_at(hostile: bytes) -> None:
    expected = thumbnail(plain("PNG" if hostile.startswith(SIGNATURE) else "JPEG"))
    tracemalloc.start()
    try:
        assert thumbnail(hostile) == expected
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300_000  # the parts that are kept, joined; decompressed texts would be traced too


def test_content_that_does_not_fit_its_header_is_refused() -> None:
    good = plain("PNG")
    broken = bytearray(good)
    broken[good.index(b"IDAT") + 12] ^= 0xFF
    for data in (bytes(broken), SIGNATURE + header(10, 10) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")):
        with pytest.raises(PictureRefused) as refusal:
            thumbnail(data)
        assert refusal.value.reason == "damaged"


def test_a_job_that_lets_pillow_read_cut_files_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(PictureRefused):
        thumbnail(plain("JPEG")[:-400])


def test_a_lower_limit_of_pillows_is_kept_without_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
    picture = plain("PNG")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(PictureRefused) as refusal:
            thumbnail(picture)
    assert refusal.value.reason == "size"
    assert not seen


def test_our_limit_holds_when_the_job_has_switched_pillows_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(PictureRefused) as refusal:
        thumbnail(zeros(20_000, 20_000, bits=1, depth=1, colour=0))
    assert refusal.value.reason == "size"


def test_the_scans_that_are_allowed_are_decoded() -> None:
    assert decoded(thumbnail(many_scans(400, 300, 64))).size == (200, 150)


def test_pillow_says_nothing_in_the_log_of_the_job(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for format_ in FORMATS:
            thumbnail(plain(format_))
    assert not caplog.records
