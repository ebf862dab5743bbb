"""Whatever bytes are handed over, a picture is refused or becomes a thumbnail: nothing else ever comes out of it."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from headway.protocol import limits, names
from headway.reporter.pictures import PictureOptions, PictureRefused, Pictures, inspect, picture_name, thumbnail
from headway.reporter.pictures.drawing import fit
from tests.unit.reporter.pictures.samples import SIGNATURE, decoded, encoded, header

OPTIONS = PictureOptions(max_pixels=200_000)  # a changed header then stays cheap to decode


def real() -> list[bytes]:
    image = Image.linear_gradient("L").convert("RGB").resize((96, 64))
    clear = image.convert("RGBA")
    clear.putalpha(99)
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = {"save_all": True, "append_images": [image.rotate(90), image.rotate(180)]}
    return [
        encoded(image, "PNG", exif=exif),
        encoded(clear, "PNG"),
        encoded(image.quantize(16), "PNG", transparency=3),
        encoded(image, "PNG", **frames),
        encoded(image, "JPEG", exif=exif, comment=b"hello"),
        encoded(image, "JPEG", progressive=True),
        encoded(image.convert("CMYK"), "JPEG"),
        encoded(image, "WEBP", exif=exif),
        encoded(clear, "WEBP"),
        encoded(clear, "WEBP", lossless=True),
        encoded(image, "WEBP", **frames),
    ]


REAL = real()
HEADS = [
    SIGNATURE,
    b"\xff\xd8\xff",
    b"RIFF\x40\0\0\0WEBP",
    b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0",
    SIGNATURE + header(64, 64),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A real picture with bytes changed, taken out, put in or doubled, mostly where its structure is."""
    data = bytearray(draw(st.sampled_from(REAL)))
    for _ in range(draw(st.integers(1, 6))):
        if not data:
            break
        near = draw(st.sampled_from([40, 200, len(data)]))
        at = draw(st.integers(0, min(near, len(data)) - 1))
        length = draw(st.integers(1, 40))
        kind = draw(st.sampled_from(["change", "insert", "remove", "double", "cut"]))
        if kind == "change":
            data[at] = draw(st.integers(0, 255))
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=40))
        elif kind == "remove":
            del data[at : at + length]
        elif kind == "double":
            data[at:at] = data[at : at + length]
        else:
            del data[len(data) - at :]
    return bytes(data)


ANY = st.one_of(
    mutated(), st.binary(max_size=400), st.builds(bytes.__add__, st.sampled_from(HEADS), st.binary(max_size=400))
)


@given(ANY)
def test_bytes_are_inspected_or_refused_and_cost_no_memory(data: bytes) -> None:
    tracemalloc.start()
    try:
        info = inspect(data, OPTIONS)
    except PictureRefused as refusal:
        assert str(refusal)  # noqa: PT017 -- it need not be refused
    else:
        assert 0 < info.width * info.height <= OPTIONS.max_pixels
        assert 1 <= info.orientation <= 8
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 100_000


@given(ANY)
def test_bytes_become_a_thumbnail_or_are_refused(data: bytes) -> None:
    try:
        small = decoded(thumbnail(data, OPTIONS))
    except PictureRefused:
        return
    assert small.mode == "RGB"
    assert small.width <= OPTIONS.width
    assert small.height <= OPTIONS.height


@given(st.one_of(ANY, st.none(), st.integers(), st.text(), st.lists(st.integers())))
def test_nothing_is_ever_raised_and_everything_is_counted(content: object) -> None:
    pictures = Pictures("reporter", OPTIONS)
    picture = pictures.take(content)
    prepared = None if picture is None else pictures.prepare(picture)
    assert (prepared is None) == (sum(pictures.refused.values()) == 1)


@given(st.sampled_from(REAL), st.sampled_from(REAL))
def test_what_follows_a_picture_changes_nothing(picture: bytes, other: bytes) -> None:
    assert thumbnail(picture + other, OPTIONS) == thumbnail(picture, OPTIONS)


@given(st.integers(1, 65_535), st.integers(1, 65_535), st.integers(1, 2048), st.integers(1, 2048))
def test_thumbnails_fit_keep_their_aspect_and_do_not_grow(width: int, height: int, wide: int, high: int) -> None:
    w, h = fit(width, height, (wide, high))
    assert 1 <= w <= min(wide, width)
    assert 1 <= h <= min(high, height)
    scale = min(1.0, wide / width, high / height)
    assert abs(w - max(1, width * scale)) <= 0.5
    assert abs(h - max(1, height * scale)) <= 0.5


PARTS = st.text(
    st.characters(exclude_characters="/", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20
)
STAGES = st.none() | st.lists(PARTS.filter(str.strip), min_size=1, max_size=8).map("/".join).filter(
    lambda path: len(path) <= limits.STAGE_PATH_CHARS
)


@given(STAGES, STAGES, st.integers(1, 10**9), st.integers(1, 10**9))
def test_names_are_valid_and_differ_where_the_numbers_do(
    stage: str | None, other: str | None, number: int, another: int
) -> None:
    one, two = picture_name(stage, number, "0123456789ab"), picture_name(other, another, "0123456789ab")
    assert names.artifact_name(f"{one}-thumbnail.jpg")
    assert number == another or one != two
