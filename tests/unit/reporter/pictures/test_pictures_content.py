"""What a job may hand over as a picture, and that it cannot be changed afterwards."""

from __future__ import annotations

import array
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Self, cast

import pytest
from PIL import Image

from headway.reporter.pictures import PictureOptions, PictureRefused, Pictures, thumbnail
from headway.reporter.pictures.content import read
from tests.unit.reporter.pictures.samples import SIGNATURE, decoded, encoded, header, plain

PNG = plain("PNG")
OPTIONS = PictureOptions()


class Pixels(array.array):  # type: ignore[type-arg]  # it takes none when it runs
    """An array whose memory others can share, as NumPy's can."""

    __array_interface__: dict[str, object]

    def __new__(cls, shape: tuple[int, ...], content: bytes, kind: str = "|u1") -> Self:
        self = cast("Self", super().__new__(cls, "B", content))
        self.__array_interface__ = {"shape": shape, "typestr": kind, "version": 3}
        return self


def reason_of(content: object, options: PictureOptions = OPTIONS) -> str:
    with pytest.raises(PictureRefused) as refusal:
        read(content, options)
    return refusal.value.reason


@pytest.mark.parametrize("content", [PNG, bytearray(PNG), memoryview(PNG), io.BytesIO(PNG)])
def test_bytes_and_files_are_read(content: object) -> None:
    assert read(content, OPTIONS) == PNG


def test_paths_are_read(tmp_path: Path) -> None:
    path = tmp_path / "picture.txt"  # what it is called does not matter
    path.write_bytes(PNG)
    assert read(path, OPTIONS) == PNG
    assert read(str(path), OPTIONS) == PNG
    with path.open("rb") as file:
        assert read(file, OPTIONS) == PNG


def test_what_the_job_changes_afterwards_does_not_show() -> None:
    buffer = bytearray(PNG)
    image = Image.new("RGB", (30, 20), "red")
    taken, copied = read(buffer, OPTIONS), read(image, OPTIONS)
    buffer[:] = bytes(len(buffer))
    image.paste("blue", (0, 0, 30, 20))
    assert taken == PNG
    assert isinstance(copied, Image.Image)
    assert copied.getpixel((0, 0)) == (255, 0, 0)


def test_a_slow_file_is_read_to_its_end() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(7, size or 7))

    assert read(Slow(PNG), OPTIONS) == PNG


def test_a_file_that_is_no_picture_is_not_read_on() -> None:
    class Endless:
        given = 0

        def read(self, size: int, /) -> bytes:
            self.given += size
            return b"x" * size

    endless = Endless()
    assert reason_of(endless) == "format"
    assert endless.given <= 1024 * 1024


def test_an_endless_picture_is_given_up_at_the_limit() -> None:
    class Endless:
        given = 0

        def read(self, size: int, /) -> bytes:
            self.given += size
            return (SIGNATURE if self.given == size else b"").ljust(size, b"x")

    endless = Endless()
    assert reason_of(endless, PictureOptions(max_bytes=3_000_000)) == "size"
    assert endless.given == 3_000_001


def test_what_has_too_many_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(PNG)
    small = PictureOptions(max_bytes=len(PNG) - 1)
    assert {reason_of(content, small) for content in (PNG, memoryview(PNG), io.BytesIO(PNG), path)} == {"size"}


def test_pipes_devices_and_folders_are_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert {reason_of(path) for path in (pipe, tmp_path, Path("/dev/zero"))} == {"content"}


class Text:
    def read(self, size: int, /) -> str:
        return "text"


class Nothing:
    def read(self, size: int, /) -> None:
        return None


@pytest.mark.parametrize("content", [None, 17, ["a.png"], object(), Text(), Nothing(), io.StringIO("text"), Image])
def test_anything_else_is_refused(content: object) -> None:
    assert reason_of(content) == "content"


def test_images_of_pillow_are_taken_unless_they_are_too_large() -> None:
    assert isinstance(read(Image.new("RGB", (30, 20)), OPTIONS), Image.Image)
    unread = Image.open(io.BytesIO(SIGNATURE + header(6_000, 6_000) + PNG[33:]))
    assert reason_of(unread) == "size"
    assert unread.tile  # its content was not even looked at
    assert reason_of(Image.new("RGB", (0, 20))) == "damaged"


@pytest.mark.parametrize(
    ("pixels", "colour"),
    [
        (Pixels((30, 40, 3), bytes([200, 30, 60]) * 1200), (200, 30, 60)),
        (Pixels((30, 40, 4), bytes([255, 0, 0, 128]) * 1200), (255, 127, 127)),
        (Pixels((30, 40), bytes([128]) * 1200), (128, 128, 128)),
        (Pixels((30, 40), b"\0\x80" * 1200, "<u2"), (128, 128, 128)),
    ],
)
def test_arrays_are_taken(pixels: Pixels, colour: tuple[int, ...]) -> None:
    taken = read(pixels, OPTIONS)
    pixels[:] = Pixels((0,), bytes(len(pixels)))
    assert isinstance(taken, Image.Image)
    small = decoded(thumbnail(encoded(taken, "PNG"))).convert("RGB")
    assert small.size == (40, 30)
    pixel = small.getpixel((20, 15))
    assert isinstance(pixel, tuple)
    assert all(abs(a - b) < 4 for a, b in zip(pixel, colour, strict=True))


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (Pixels((30,), bytes(30)), "content"),
        (Pixels((30, 40, 2), bytes(2400)), "content"),
        (Pixels((1, 30, 40, 3), bytes(3600)), "content"),
        (Pixels((30, 40, 3), bytes(28_800), "<f8"), "content"),
        (Pixels((30, 40), bytes(9_600), "|O8"), "content"),
        (Pixels((30, 40, 1), bytes(1_200)), "content"),
        (Pixels((30, 40, 3), bytes(7_200), "<u2"), "content"),
        (Pixels((0, 40, 3), b""), "damaged"),
        (Pixels((10**9, 10**9, 3), b""), "size"),
    ],
)
def test_other_arrays_are_refused(pixels: Pixels, reason: str) -> None:
    assert reason_of(pixels) == reason


def test_nothing_of_pillow_is_imported_to_read_a_file() -> None:
    code = (
        "import sys; from headway.reporter.pictures import Pictures;"
        f"assert Pictures('r').take({PNG!r}); assert Pictures('r').take(7) is None;"
        "assert not any(name.split('.')[0] == 'PIL' for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_picture_that_waits_knows_what_it_holds() -> None:
    taken = [Pictures("r").take(content) for content in (PNG, Image.new("RGB", (30, 20)))]
    assert [picture and picture.size_bytes for picture in taken] == [len(PNG), 4 * 30 * 20]
