"""Where a transcript may come from."""

import os
from pathlib import Path

import pytest

from workloads.video import source
from workloads.video.problem import InputProblem


def read(location: str) -> bytes:
    return b"".join(source.open_source(location).blocks)


def test_a_path_and_a_file_address_are_read(tmp_path: Path) -> None:
    path = tmp_path / "my talk.VTT"
    path.write_bytes(b"WEBVTT" * 20_000)
    incoming = source.open_source(str(path))
    assert (incoming.extension, incoming.size) == (".vtt", 120_000)
    assert b"".join(incoming.blocks) == read(path.as_uri()) == b"WEBVTT" * 20_000


def test_a_file_with_a_colon_in_its_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("talk:one.vtt").write_text("WEBVTT")
    assert read("talk:one.vtt") == b"WEBVTT"


@pytest.mark.parametrize(
    ("location", "advice"),
    [
        ("missing.vtt", "There is no file missing.vtt"),
        ("folder", "is a directory"),
        ("x" * 5000 + ".vtt", "There is no file"),
        ("data:" + "x" * 5000, "begin with data: cannot be read"),
        ("movie.mp4", "neither a .vtt nor a .srt file"),
        ("ftp://example.org/talk.vtt", "begin with ftp: cannot be read"),
        ("javascript:alert(1)", "only http:, https: and file:"),
        ("file://elsewhere/talk.vtt", "a file of this machine, not of elsewhere"),
    ],
)
def test_anything_else_is_refused_with_advice(
    location: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("movie.mp4").write_bytes(b"\0")
    Path("folder").mkdir()
    with pytest.raises(InputProblem, match=advice):
        source.open_source(location)


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "talk.vtt")
    with pytest.raises(InputProblem, match="not a regular file"):
        source.open_source(str(tmp_path / "talk.vtt"))


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "talk.vtt"
    with path.open("wb") as file:
        file.truncate(source.MAX_BYTES)
        assert source.open_source(str(path)).size == 16 * 2**20
        file.truncate(source.MAX_BYTES + 1)
    with pytest.raises(InputProblem, match="larger than 16 MiB"):
        source.open_source(str(path))


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("/home/me/talk.vtt", "talk.vtt"),
        ("https://me:secret@example.org/a/my%20talk.vtt?token=secret", "my talk.vtt"),
        ("https://example.org/", "example.org"),
        ("http://[::1/talk.vtt", "transcript"),
        ("/tmp/red\x1b[31m\nalert.vtt", "red [31m alert.vtt"),
    ],
)
def test_a_name_gives_nothing_away(location: str, name: str) -> None:
    assert source.name(location) == name
