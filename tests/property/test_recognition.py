"""Recognising progress: whatever pieces output comes in, it says the same; and ordinary output says nothing."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.runners.recognition.pattern import Pattern
from headway.runners.recognition.recogniser import Recogniser, joined, thinned
from headway.runners.recognition.signs import BarEnded, BarShown, Sign, Text
from headway.runners.sentinel import Sentinel

RECORDINGS = sorted((Path(__file__).parents[1] / "data" / "terminal").glob("*.bin"))

MOVES = ["\r", "\n", "\r\n", "\n\r", "\b", "\b\b\b", "\x1b[A", "\x1b[2A", "\x1b[B", "\x1b[99B", "\x1b[5C", "\x1b[3D"]
MOVES += [
    "\x1b[K",
    "\x1b[1K",
    "\x1b[2K",
    "\x1b[J",
    "\x1b[2J",
    "\x1b[H",
    "\x1b[24;0f",
    "\x1b[1G",
    "\x1b[60G",
    "\x1b7",
    "\x1b8",
]
MOVES += ["\x1b[s", "\x1b[u", "\x1b[?25l", "\x1b[?25h", "\x1b[?1049h", "\x1b[?1049l", "\x1b[31m", "\x1b[0m"]
BROKEN = ["\x1b", "\x1b[", "\x1b]", "\x1b]9;4", "\x9b", "\0", "\x1b[?", "\x1b]" + "x" * 30]
COMMANDS = ["\x1b]9;4;1;50\x07", "\x1b]9;4;0;0\x1b\\", "\x1b]9;4;3\x07", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\"]
BARS = [
    "45%",
    "3/10",
    "Done 1,234/5,678 files",
    " 50%|##   | 5/10 [00:01<00:01, 3.00it/s]",
    "100%|#####| 10/10 [00:03<00:00, 3.00it/s]",
    "Batch:   0%|     | 0/10 [00:00<?, ?it/s]",
    "Working ━━━━━━━━ 33% 0:00:01",
    "Working ━━━━━━━━ 100% 0:00:00",
    "x.iso   45%[====>   ] 1.20M 500KB/s eta 3s",
    " 90 1464k   90 1332k    0     0  1858k      0 --:--:-- --:--:-- --:--:-- 1857k",
    "    50K .......... .......... .......... ..........  9% 1.2M 3s\n",
]
WORDS = ["abc", " ", "é", "😀", "x" * 200, "::group::x\n", "::endgroup::\n", "::error file=a,line=1::bad\n", "::"]
WORDS += [
    "::stop-commands::t\n",
    "::t::\n",
    "  Downloading http://a/b.whl (1 MB)\n",
    "Saving to: 'b'\n",
    "::warning::w",
]

OUTPUT = st.lists(st.sampled_from(MOVES + BROKEN + COMMANDS + BARS + WORDS) | st.text(max_size=8), max_size=30).map(
    lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
)
PATTERN = Pattern(r"(?P<current>\d+)/(?P<total>\d+)")
WAYS = st.fixed_dictionaries(
    {"terminal": st.booleans(), "recognise": st.booleans(), "patterns": st.sampled_from([(), (PATTERN,)])}
)


def signs(pieces: list[bytes], **ways: object) -> tuple[list[Sign], bool]:
    """What a recogniser finds, with a glimpse after each piece, which must change nothing."""
    recogniser = Recogniser(**ways)  # type: ignore[arg-type]
    found: list[Sign] = []
    for piece in pieces:
        found += recogniser.feed(piece)
        recogniser.glimpse()
    return joined(found + recogniser.finish()), recogniser.exact


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(min(each, len(data)) for each in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@given(OUTPUT, st.lists(st.integers(0, 600), max_size=40), WAYS)
def test_pieces_make_no_difference(data: bytes, cuts: list[int], ways: dict[str, object]) -> None:
    whole = signs([data], **ways)
    assert signs(cut(data, cuts), **ways) == whole
    assert signs([data[n : n + 1] for n in range(len(data))], **ways) == whole


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=20))
def test_also_of_bytes_that_are_no_text(data: bytes, cuts: list[int]) -> None:
    assert signs(cut(data, cuts)) == signs([data])


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_also_of_real_programs(path: Path) -> None:
    data = path.read_bytes()
    terminal = ".tty." in path.name
    whole = signs([data], terminal=terminal)
    assert signs([data[n : n + 1] for n in range(len(data))], terminal=terminal) == whole
    assert signs([data[n : n + 7] for n in range(0, len(data), 7)], terminal=terminal) == whole


@given(OUTPUT)
def test_every_bar_ends_once_and_nothing_is_said_of_it_afterwards(data: bytes) -> None:
    ended: set[int] = set()
    shown: set[int] = set()
    for sign in signs([data])[0]:
        if isinstance(sign, BarShown):
            assert sign.bar not in ended
            assert sign.inside is None or (sign.inside in shown and sign.inside not in ended)
            shown.add(sign.bar)
        if isinstance(sign, BarEnded):
            assert sign.bar in shown
            assert sign.bar not in ended
            ended.add(sign.bar)
    assert ended == shown


LINE = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=80) | st.sampled_from(
    ["loss 45% lower", "3/10", "100%", "[12/34] Building x.o", "2024/01/02 12:00 50% of 3/4", "Epoch 3/10: 30%"]
    + [bar.rstrip("\n") for bar in BARS[:-1]]
)


@given(st.lists(LINE, min_size=1, max_size=30))
def test_ordinary_lines_are_never_progress(lines: list[str]) -> None:
    lines = [line for line in lines if not line.startswith("::")] or ["x"]
    text = "\n".join(lines)
    found, exact = signs([f"{text}\n".encode()])
    assert found == [Text(text)]
    assert exact


@given(OUTPUT, WAYS)
def test_what_is_exact_can_be_made_again_of_the_lines(data: bytes, ways: dict[str, object]) -> None:
    found, exact = signs([data], **ways)
    lines = b"".join(sign.text.encode() + b"\n" for sign in found if isinstance(sign, Text))
    if exact:
        plain = data.replace(b"\r\n", b"\n") if ways["terminal"] else data
        assert lines in (plain, plain + b"\n")


@given(OUTPUT)
def test_thinning_leaves_out_only_what_is_drawn_over(data: bytes) -> None:
    many = data + b"".join(b"\r%d/1000" % n for n in range(1000)) + b"\n" + data
    few = thinned(many)
    assert len(few) < len(many) - 4_000
    assert signs([few], recognise=False) == signs([many], recognise=False)
    assert thinned(data) == data


@given(OUTPUT, st.lists(st.integers(0, 600), max_size=20))
def test_a_sentinel_is_seen_in_any_pieces(data: bytes, cuts: list[int]) -> None:
    sentinel = Sentinel("abc")
    for piece in cut(data, cuts):
        sentinel.feed(piece)
    whole = Sentinel("abc")
    whole.feed(data)
    assert (sentinel.seen, sentinel.finish()) == (whole.seen, whole.finish())
