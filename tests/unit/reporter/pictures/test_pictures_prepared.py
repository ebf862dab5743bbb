"""What is stored and reported of a picture, and what becomes of one that is refused."""

from __future__ import annotations

import base64
import io
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from headway.protocol import limits, names
from headway.protocol.events import Screenshot
from headway.reporter.pictures import PictureOptions, Pictures, Prepared, inspect, picture_name
from headway.reporter.pictures.prepared import placed
from tests.unit.reporter.pictures.samples import SIGNATURE, decoded, encoded, header, plain, zeros

REPORTER = "01931b1e-5b1e-7c3a-9d2e-0123456789ab"


def taken(content: object, options: PictureOptions | None = None, **said: str) -> Prepared:
    pictures = Pictures(REPORTER, options)
    picture = pictures.take(content, **said)  # type: ignore[arg-type]  # stage and caption
    assert picture is not None
    prepared = pictures.prepare(picture)
    assert prepared is not None
    assert pictures.refused == {}
    return prepared


@pytest.fixture
def no_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "headway.reporter.pictures.drawing", raising=False)
    monkeypatch.delitem(sys.modules, "PIL.Image", raising=False)


def test_the_original_is_kept_and_a_small_thumbnail_travels() -> None:
    png = plain("PNG", 1600, 1200)
    prepared = taken(png, stage="scout", caption="Checkout")
    assert prepared.files == (prepared.original,)
    assert prepared.original.content == png
    assert (prepared.original.name, prepared.original.media_type) == (
        "screenshots/scout/0001-0123456789ab.png",
        "image/png",
    )
    shot = prepared.screenshot
    assert (shot.artifact, shot.width, shot.height, shot.caption) == (prepared.original.name, 1600, 1200, "Checkout")
    assert shot.thumbnail is not None
    start, _, content = shot.thumbnail.partition(",")
    assert start == "data:image/jpeg;base64"
    assert decoded(base64.b64decode(content, validate=True)).size == (200, 150)


def test_a_thumbnail_that_is_too_large_to_travel_is_an_artifact() -> None:
    noise = Image.frombytes("RGB", (400, 300), os.urandom(360_000))
    prepared = taken(encoded(noise, "JPEG"), PictureOptions(quality=95))
    assert prepared.thumbnail is not None
    assert prepared.files == (prepared.original, prepared.thumbnail)
    assert prepared.screenshot.thumbnail == prepared.thumbnail.name == "screenshots/0001-0123456789ab-thumbnail.jpg"
    assert prepared.original.name == "screenshots/0001-0123456789ab.jpg"
    assert prepared.thumbnail.media_type == "image/jpeg"
    assert decoded(prepared.thumbnail.content).size == (200, 150)


def test_the_border_between_the_two_is_16_kib_of_data_url() -> None:
    largest = (limits.THUMBNAIL_BYTES - len("data:image/jpeg;base64,")) // 4 * 3
    url, beside = placed(bytes(largest), "screenshots/1")
    assert beside is None
    assert limits.THUMBNAIL_BYTES - 4 < len(url or "") <= limits.THUMBNAIL_BYTES
    url, beside = placed(bytes(largest + 1), "screenshots/1")
    assert beside is not None
    assert url == beside.name


def test_the_event_says_the_size_as_people_see_it() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    shot = taken(encoded(Image.new("RGB", (400, 300)), "JPEG", exif=exif)).screenshot
    assert (shot.width, shot.height) == (300, 400)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I", "I;16", "F", "PA"]
)
def test_an_image_of_pillow_becomes_a_png(mode: str) -> None:
    image = (
        Image.new("RGB", (60, 40), "white").convert(mode) if mode not in ("LAB", "PA") else Image.new(mode, (60, 40))
    )
    prepared = taken(image)
    assert prepared.original.name.endswith(".png")
    assert inspect(prepared.original.content).shown == (60, 40)


def test_an_image_that_pillow_opened_is_kept_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    opened = Image.open(io.BytesIO(encoded(Image.new("RGB", (400, 300)), "JPEG", exif=exif)))
    prepared = taken(opened)
    assert (prepared.screenshot.width, prepared.screenshot.height) == (300, 400)
    assert inspect(prepared.original.content).orientation == 1


@pytest.mark.parametrize("mode", ["I", "I;16", "I;16B"])
def test_greys_of_16_bits_keep_their_brightness(mode: str) -> None:
    url = taken(Image.new(mode, (40, 30), 0x8000)).screenshot.thumbnail
    assert url is not None
    pixels = decoded(base64.b64decode(url.partition(",")[2])).convert("L").tobytes()
    assert 120 <= min(pixels) <= max(pixels) <= 136


def test_a_long_caption_is_cut() -> None:
    assert taken(plain("PNG"), caption="x" * 5_000).screenshot.caption == "x" * 1_000


def test_names_are_never_used_twice() -> None:
    pictures = [Pictures(REPORTER), Pictures(REPORTER[:-1] + "c")]
    found: list[str] = []

    def show(which: Pictures, stage: str | None) -> None:
        for _ in range(50):
            picture = which.take(plain("PNG", 4, 4), stage=stage)
            assert picture is not None
            found.append(picture.stem)

    stages = ("vision", "vision/pass-1", "scout", None)
    threads = [threading.Thread(target=show, args=(which, stage)) for which in pictures for stage in stages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == len(found) == 400


@pytest.mark.parametrize(
    "stage", [None, "scout", "vision/pass-2", "..", "a/../b", ". /x", "C:\\temp", "x" * 256, "/".join("abcdefgh")]
)
def test_any_stage_gives_a_valid_name(stage: str | None) -> None:
    if stage is not None:
        names.stage_path(stage)
    stem = picture_name(stage, 123_456_789, REPORTER)
    assert names.artifact_name(f"{stem}-thumbnail.jpg").startswith("screenshots/")


def test_without_pillow_the_original_is_kept_and_one_warning_names_the_extra(
    no_pillow: None, caplog: pytest.LogCaptureFixture
) -> None:
    pictures = Pictures(REPORTER)
    for _ in range(3):
        picture = pictures.take(plain_png)
        assert picture is not None
        prepared = pictures.prepare(picture)
        assert prepared is not None
        assert prepared.original.content == plain_png
        assert prepared.thumbnail is None
        assert prepared.screenshot == Screenshot(artifact=prepared.original.name, width=640, height=400)
    assert pictures.refused == {}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "pip install 'headway[images]'" in caplog.text


plain_png = plain("PNG")
"""Made before any test takes Pillow away."""


def test_without_pillow_hostile_pictures_are_refused_all_the_same(no_pillow: None) -> None:
    pictures = Pictures(REPORTER)
    picture = pictures.take(SIGNATURE + header(1, 60_000_000))
    assert picture is not None
    assert pictures.prepare(picture) is None
    assert pictures.refused == {"size": 1}


def test_without_pillow_an_array_is_refused_and_the_extra_named(
    no_pillow: None, caplog: pytest.LogCaptureFixture
) -> None:
    class Array:
        __array_interface__ = {"shape": (4, 4), "typestr": "|u1"}  # noqa: RUF012 -- as NumPy has it

    pictures = Pictures(REPORTER)
    assert pictures.take(Array()) is None
    assert pictures.refused == {"missing-extra": 1}
    assert "pip install 'headway[images]'" in caplog.text


class Trap:
    """Raises whatever is asked of it."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError("touched")


def test_refusals_are_counted_and_the_first_of_each_kind_is_logged(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    pictures = Pictures(REPORTER)
    wrong: list[object] = [
        b"GIF89a",
        b"nonsense",
        None,
        Trap(),
        tmp_path / "missing.png",
        "\0",
        SIGNATURE,
        plain("PNG")[:-5],
    ]
    for content in wrong:
        picture = pictures.take(content, stage="scout")
        assert picture is None or pictures.prepare(picture) is None
    assert pictures.refused == {"format": 2, "content": 4, "truncated": 2}
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 3
    assert all("scout" in text for text in warnings)
    assert "save it as one of these" in warnings[0]


HOSTILE = """
import resource, sys
from headway.reporter.pictures import Pictures
from tests.unit.reporter.pictures.samples import *
pictures = Pictures("r")
shown = lambda data: pictures.prepare(pictures.take(data))
texts = [chunk(b"zTXt", b"k" + bytes(2) + zlib.compress(bytes(900_000), 9))] * 60
bombs = [zeros(20_000, 20_000, bits=1, depth=1, colour=0), SIGNATURE + header(25_001, 1_000),
         many_scans(5_000, 5_000, 900), riff(canvas(16_000, 16_000)), b"\\xff\\xd8" + frame(65_535, 65_535)]
assert shown(plain("PNG")) and shown(plain("JPEG")) and shown(plain("WEBP"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert shown(inserted(plain("PNG"), *texts))
assert not any(shown(bomb) for bomb in bombs)
assert sum(pictures.refused.values()) == len(bombs)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory in kilobytes, as Linux does")
def test_a_process_that_is_shown_bombs_does_not_grow() -> None:
    done = subprocess.run([sys.executable, "-c", HOSTILE], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 8_000


LARGE = """
import resource
from headway.reporter.pictures import thumbnail
from tests.unit.reporter.pictures.samples import *
thumbnail(plain("JPEG"))
large = plain("JPEG", 640, 400)
at = large.index(b"\\xff\\xc0") + 5  # decoders fill what the scan does not say
large = large[:at] + struct.pack(">HH", 5_000, 5_000) + large[at + 4:]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
thumbnail(large)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory in kilobytes, as Linux does")
def test_a_large_jpeg_is_decoded_small() -> None:
    done = subprocess.run([sys.executable, "-c", LARGE], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 20_000  # 100,000 if every pixel were decoded


def test_a_bomb_of_zeros_is_small_and_would_be_large() -> None:
    bomb = zeros(20_000, 20_000, bits=1, depth=1, colour=0)
    assert len(bomb) < 400_000
