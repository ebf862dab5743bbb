"""What real programs drew on a terminal, or wrote to a pipe, is understood; tests/data/terminal/record.py made it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from headway.runners.recognition.recogniser import Recogniser, joined
from headway.runners.recognition.signs import BarEnded, BarShown, Text

FOLDER = Path(__file__).parents[2] / "data" / "terminal"
TQDM = sorted(path.name.split("-")[1] for path in FOLDER.glob("tqdm-*-single.tty.bin"))
RICH = sorted(path.name.split("-")[1] for path in FOLDER.glob("rich-*-track.tty.bin"))
PIP = sorted(path.name.split("-")[1].removesuffix(".tty.bin") for path in FOLDER.glob("pip-*.tty.bin"))


class Understood(NamedTuple):
    """What was found: bars by their names, with how far they came and inside which they were; and lines."""

    bars: dict[str, tuple[float, float | None, str | None]]
    shown: int
    ended: int
    lines: list[str]


def understood(name: str) -> Understood:
    recogniser = Recogniser(terminal=".tty" in name)
    data = (FOLDER / f"{name}.bin").read_bytes()
    signs = joined(recogniser.feed(data) + recogniser.finish())
    shown = [sign for sign in signs if isinstance(sign, BarShown)]
    names = {sign.bar: sign.reading.name for sign in shown}
    bars = {
        sign.reading.name: (sign.reading.current, sign.reading.total, names.get(sign.inside or 0)) for sign in shown
    }
    lines = [line for sign in signs if isinstance(sign, Text) for line in sign.text.split("\n")]
    assert recogniser.exact == (not shown)
    return Understood(bars, len(names), sum(isinstance(sign, BarEnded) for sign in signs), lines)


def about(lines: list[str], text: str) -> int:
    return sum(text in line for line in lines)


def test_there_are_several_versions() -> None:
    assert len(TQDM) >= 4
    assert len(RICH) >= 3
    assert len(PIP) >= 4


@pytest.mark.parametrize("version", TQDM)
@pytest.mark.parametrize("way", ["tty", "pipe"])
class TestTqdm:
    def test_one_bar(self, version: str, way: str) -> None:
        found = understood(f"tqdm-{version}-single.{way}")
        assert found.bars == {"Resizing": (30, 30, None)}
        assert (found.shown, found.ended) == (1, 1)
        assert len(found.lines) == 2
        assert about(found.lines, "30/30") == about(found.lines, "done") == 1

    def test_bars_in_a_bar(self, version: str, way: str) -> None:
        found = understood(f"tqdm-{version}-nested-named.{way}")
        assert found.bars == {"Epoch": (3, 3, None), "Batch": (10, 10, "Epoch")}
        assert (found.shown, found.ended) == (4, 4)
        assert len(found.lines) == 3

    def test_bars_in_a_bar_without_names_that_are_left_standing(self, version: str, way: str) -> None:
        found = understood(f"tqdm-{version}-nested.{way}")
        assert found.shown == found.ended == 4
        assert about(found.lines, "3/3") == 1
        assert about(found.lines, "10/10") == 1

    def test_three_deep(self, version: str, way: str) -> None:
        found = understood(f"tqdm-{version}-three.{way}")
        assert found.bars == {"a": (2, 2, None), "b": (3, 3, "a"), "c": (5, 5, "b")}
        assert found.shown == found.ended == 1 + 2 + 6
        assert len(found.lines) == 4

    def test_lines_written_between(self, version: str, way: str) -> None:
        found = understood(f"tqdm-{version}-write.{way}")
        assert found.bars == {"Files": (10, 10, None)}
        assert [line for line in found.lines if "larger" in line] == [f"file {n} is 50% larger" for n in range(10)]
        assert about(found.lines, "Files") == 1

    def test_bytes_and_a_postfix(self, version: str, way: str) -> None:
        found = understood(f"tqdm-{version}-bytes.{way}")
        assert found.bars == {"model.bin": (5_000_000, 5_000_000, None)}

    def test_an_unknown_total(self, version: str, way: str) -> None:
        found = understood(f"tqdm-{version}-unknown.{way}")
        assert list(found.bars) == ["Lines"]
        assert found.bars["Lines"][1] is None
        assert about(found.lines, "20it") == 1

    def test_plain_characters(self, version: str, way: str) -> None:
        assert understood(f"tqdm-{version}-ascii.{way}").bars == {"": (20, 20, None)}

    def test_a_name_that_changes(self, version: str, way: str) -> None:
        found = understood(f"tqdm-{version}-renamed.{way}")
        assert found.shown == 1
        assert found.bars["Processing d"] == (4, 4, None)


@pytest.mark.parametrize("version", RICH)
class TestRich:
    def test_one_task(self, version: str) -> None:
        found = understood(f"rich-{version}-track.tty")
        assert found.bars == {"Working": (100, 100, None)}
        assert len(found.lines) == 2

    def test_tasks_side_by_side_and_lines_between(self, version: str) -> None:
        found = understood(f"rich-{version}-tasks.tty")
        assert found.bars == {"Download": (100, 100, None), "Install": (100, 100, None)}
        assert found.shown == found.ended == 2
        assert about(found.lines, "line") == 4
        assert about(found.lines, "Download") == about(found.lines, "Install") == 1
        assert found.lines.index("done") == len(found.lines) - 1

    def test_a_download(self, version: str) -> None:
        found = understood(f"rich-{version}-download.tty")
        assert found.bars == {"data.zip": (4, 4, None)}

    def test_one_that_vanishes(self, version: str) -> None:
        found = understood(f"rich-{version}-transient.tty")
        assert found.bars == {"Sifting": (20, 20, None)}
        assert found.shown == found.ended == 1
        assert len(found.lines) == 2


@pytest.mark.parametrize("version", PIP)
def test_pip(version: str) -> None:
    found = understood(f"pip-{version}.tty")
    assert found.bars == {"Downloading demo-1.0-py3-none-any.whl": (1.5, 1.5, None)}
    assert about(found.lines, "1.5/1.5 MB") == 1
    assert about(found.lines, "Successfully downloaded demo") == 1
    assert understood(f"pip-{version}.pipe").bars == {}


@pytest.mark.parametrize("way", ["tty", "pipe"])
def test_wget(way: str) -> None:
    found = understood(f"wget.{way}")
    assert found.bars == {"x": (100, 100, None)}
    assert found.shown == found.ended == 1
    assert about(found.lines, "100%") == 1
    assert about(found.lines, "saved [1500000/1500000]") == 1
    unknown = understood(f"wget-unknown.{way}")
    assert unknown.bars["x"][0] > 1_000_000
    assert unknown.shown == 1


@pytest.mark.parametrize("way", ["tty", "pipe"])
def test_curl(way: str) -> None:
    found = understood(f"curl.{way}")
    assert found.bars == {"curl": (1_464_000, 1_464_000, None)}
    assert found.shown == found.ended == 1
    assert len(found.lines) == 3
    unknown = understood(f"curl-unknown.{way}")
    assert unknown.bars == {"curl": (1_464_000, None, None)}
    assert unknown.shown == 1
    assert understood(f"curl-bar.{way}").bars == {"": (100, 100, None)}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.bin")), ids=lambda path: path.stem)
def test_no_message_repeats_what_is_shown_anyway(path: Path) -> None:
    recogniser = Recogniser(terminal=".tty" in path.name)
    signs = recogniser.feed(path.read_bytes()) + recogniser.finish()
    remarks = {sign.reading.remark for sign in signs if isinstance(sign, BarShown)}
    assert not [remark for remark in remarks if re.search(r"%|/s\b|\beta\b|\d:\d\d|\d/\d", remark)], remarks
