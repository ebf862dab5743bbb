"""Files are written whole or not at all, and a job's names lead nowhere."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from headway.cli.download import copy_verified, place_for, save
from headway.errors import HeadwayError, InvalidName
from headway.progress.state import ArtifactEntry


def entry(name: str, content: bytes = b"") -> ArtifactEntry:
    return ArtifactEntry(name=name, sha256=hashlib.sha256(content).hexdigest(), seq=1, at="")


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    with save(tmp_path / "file", force=False) as file:
        file.write(b"content")
        assert not (tmp_path / "file").exists()
    assert (tmp_path / "file").read_bytes() == b"content"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_nothing_is_left_when_it_is_not(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), save(tmp_path / "file", force=True) as file:
        file.write(b"content")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_another_file_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"precious")
    with pytest.raises(HeadwayError, match="--force"), save(tmp_path / "file", force=False):
        pass
    assert (tmp_path / "file").read_bytes() == b"precious"
    with save(tmp_path / "file", force=True) as file:
        file.write(b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_one_that_comes_meanwhile_stays_too(tmp_path: Path) -> None:
    with pytest.raises(HeadwayError, match="is there already"), save(tmp_path / "file", force=False):
        (tmp_path / "file").write_bytes(b"precious")
    assert (tmp_path / "file").read_bytes() == b"precious"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_name_may_be_as_long_as_the_disk_allows(tmp_path: Path) -> None:
    longest = tmp_path / ("報" * 84 + ".md")
    assert len(longest.name.encode()) == 255
    with save(longest, force=False) as file:
        file.write(b"content")
    assert longest.read_bytes() == b"content"


def test_a_name_that_is_too_long_is_told_before_anything_is_written(tmp_path: Path) -> None:
    too_long = tmp_path / ("x" * 256)
    for force in (False, True):
        with pytest.raises(OSError, match="too long") as told, save(too_long, force=force):
            pytest.fail("it could not be written")
        assert told.value.filename == str(too_long)


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "link").symlink_to("precious")
    with pytest.raises(HeadwayError), save(tmp_path / "link", force=False):
        pass
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(HeadwayError), save(tmp_path / "dangling", force=False):
        pass
    with save(tmp_path / "link", force=True) as file:
        file.write(b"new")
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_content_is_compared_with_what_was_reported() -> None:
    file = io.BytesIO()
    copy_verified(io.BytesIO(b"content"), file, entry("a", b"content"))
    assert file.getvalue() == b"content"
    with pytest.raises(HeadwayError, match="damaged"):
        copy_verified(io.BytesIO(b"changed"), io.BytesIO(), entry("a", b"content"))


def test_a_name_gives_its_last_part_only(tmp_path: Path) -> None:
    assert place_for("report/page-1.png", None) == Path("page-1.png")
    assert place_for("report/page-1.png", str(tmp_path)) == tmp_path / "page-1.png"
    assert place_for("report/page-1.png", "elsewhere/") == Path("elsewhere/page-1.png")
    assert place_for("report/page-1.png", "other.png") == Path("other.png")


@pytest.mark.parametrize(
    "name",
    [
        "../up",
        "/etc/passwd",
        "a/../../up",
        "a\\..\\up",
        "..",
        "",
        "a/",
        "a\0b",
        "a\x1b[2Jb",
        ".bashrc",
        "x/.ssh",
        "-rf",
        "~root",
    ],
)
def test_names_that_are_tricks(name: str, tmp_path: Path) -> None:
    try:
        place = place_for(name, str(tmp_path))
    except InvalidName:
        return
    assert place.parent == tmp_path
    assert place.name == "passwd"


@pytest.mark.parametrize("name", [".bashrc", "-rf", "~root"])
def test_an_odd_name_is_taken_when_somebody_else_says_so(name: str, tmp_path: Path) -> None:
    assert place_for(name, str(tmp_path / "file")) == tmp_path / "file"
