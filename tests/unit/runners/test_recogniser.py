"""Single things that programs write, and what they say."""

from __future__ import annotations

from itertools import product

import pytest

from headway.errors import InvalidInput
from headway.runners.recognition import shapes
from headway.runners.recognition.pattern import Pattern
from headway.runners.recognition.recogniser import Recogniser, joined
from headway.runners.recognition.screen import ROW_CHARS
from headway.runners.recognition.signs import (
    BarEnded,
    BarShown,
    GroupBegan,
    GroupEnded,
    Reading,
    Sign,
    TerminalProgress,
    Text,
    Told,
)
from tests.unit.cost import cost


def found(text: str, *, patterns: tuple[str, ...] = (), recognise: bool = True) -> list[Sign]:
    recogniser = Recogniser(patterns=[Pattern(each) for each in patterns], recognise=recognise)
    return joined(recogniser.feed(text.encode()) + recogniser.finish())


def readings(text: str, **options: tuple[str, ...]) -> list[tuple[str, float, float | None]]:
    bars = [sign.reading for sign in found(text, **options) if isinstance(sign, BarShown)]  # type: ignore[arg-type]
    return [(bar.name, bar.current, bar.total) for bar in bars]


@pytest.mark.parametrize(
    ("row", "name", "current", "total"),
    [
        ("45%", "", 45, 100),
        ("Copying files: 12.5% done", "Copying files", 12.5, 100),
        ("[=====>     ] 45 % eta 3s", "", 45, 100),
        ("Receiving objects:  12% (123/1000), 1.20 MiB | 2.00 MiB/s", "Receiving objects", 123, 1000),
        ("remote: Compressing objects: 100% (5/5), done.", "remote: Compressing objects", 5, 5),
        ("Processed 1,234/5,678 rows", "Processed", 1234, 5678),
        ("layer abc: Downloading [==>   ] 900kB/1.2MB", "layer abc: Downloading", 0.9, 1.2),
        ("[download]  45.1% of 10.00MiB at  1.00MiB/s ETA 00:05", "download", 45.1, 100),
        ("  1,234,567  12%    1.18MB/s    0:00:01", "1,234,567", 12, 100),
        ("Building [=====>        ] 12/34: serde", "Building", 12, 34),
        ("7/7 tests", "", 7, 7),
    ],
)
def test_rows_that_are_drawn_over(row: str, name: str, current: float, total: float) -> None:
    seen = readings(f"\r{row}\r")
    assert len(seen) == 1
    assert seen[0][0] == name
    assert seen[0][1:] == pytest.approx((current, total))


@pytest.mark.parametrize(
    "row",
    [
        "2026/11/20 12:00",
        "and/or",
        "3/0",
        "12/7",
        "http://host:80/1/2",
        "a/b 3.5.1/4",
        "150%",
        "1.2.3%x",
        "5%off",
        "x" * 600 + " 45%",
        "-",
        "spinning",
        "10 MB/s",
    ],
)
def test_rows_that_say_nothing(row: str) -> None:
    assert readings(f"\r{row}\r") == []


def test_a_bar_is_logged_once_when_it_ends() -> None:
    text = "begin\n" + "".join(f"\rDone {n}/100" for n in range(101)) + "\nend\n"
    signs = found(text)
    assert signs[0] == Text("begin")
    assert signs[-2:] == [BarEnded(1), Text("Done 100/100\nend")]
    assert sum(isinstance(sign, BarShown) for sign in signs) == 101


def test_one_bar_after_the_other_in_one_row() -> None:
    signs = found("\rCounting: 50% (1/2)\rCounting: 100% (2/2)\rWriting: 33% (1/3)\rWriting: 100% (3/3)\n")
    assert [sign.bar for sign in signs if isinstance(sign, BarShown)] == [1, 1, 2, 2]
    assert [sign.text for sign in signs if isinstance(sign, Text)] == ["Counting: 100% (2/2)", "Writing: 100% (3/3)"]


def test_a_row_that_counts_by_backspaces() -> None:
    text = "Writing tables:  1/12" + "\b" * 5 + " 2/12" + "\b" * 5 + "12/12" + "\b" * 5 + "done \n"
    assert readings(text) == [("Writing tables", 1, 12), ("Writing tables", 2, 12), ("Writing tables", 12, 12)]
    lines = [sign.text for sign in found(text) if isinstance(sign, Text)]
    assert lines == ["Writing tables: 12/12\nWriting tables: done"]


def test_rows_further_up() -> None:
    text = "one: Waiting\ntwo: Waiting\n"
    for up, row in ((2, "one: 3/10"), (1, "two: 4/10"), (2, "one: 10/10")):
        text += f"\x1b[{up}A\x1b[2K\r{row}\r\x1b[{up}B"
    signs = found(text + "Digest\n")
    shown = [(sign.bar, sign.reading.name, sign.reading.current) for sign in signs if isinstance(sign, BarShown)]
    assert shown == [(1, "one", 3), (2, "two", 4), (1, "one", 10)]
    assert [sign.text for sign in signs if isinstance(sign, Text)] == [
        "one: Waiting\ntwo: Waiting",
        "one: 10/10",
        "two: 4/10\nDigest",
    ]


def test_a_row_at_the_bottom_of_the_screen() -> None:
    text = "".join(f"\x1b7\x1b[24;0fProgress: [ {n}%]\x1b8Unpacking {n}\n" for n in (10, 20))
    assert readings(text) == [("Progress", 10, 100), ("Progress", 20, 100)]
    assert next(sign.text for sign in found(text) if isinstance(sign, Text)) == "Unpacking 10"


def test_the_terminals_own_progress() -> None:
    said = (";1;25\x07a", ";3\x1b\\\nb", ";2;50\x07", ";4;60\x07", ";0;0\x07", ";1;250\x07", "\x07")
    text = "".join(f"\x1b]9;4{each}" for each in said)
    signs = [sign for sign in found(text) if isinstance(sign, TerminalProgress)]
    assert [(sign.state, sign.percent) for sign in signs] == [
        (1, 25),
        (3, None),
        (2, 50),
        (4, 60),
        (0, 0),
        (1, 100),
        (0, None),
    ]
    assert [sign.text for sign in found(text) if isinstance(sign, Text)] == ["a", "b"]


def test_commands_for_a_ci_system() -> None:
    text = (
        "before\n::group::Install%3A all\nx\n::endgroup::\n::error file=a.py,line=3,title=Bad%2C worse::no%0Away\n"
        "::warning::careful\n::notice::by the way\n::debug::hidden\n std::vector::size\na ::error::not at the start\n"
    )
    assert found(text) == [
        Text("before"),
        GroupBegan("Install: all"),
        Text("x"),
        GroupEnded(),
        Told("error", "a.py:3: Bad, worse: no\nway"),
        Text("::error file=a.py,line=3,title=Bad%2C worse::no%0Away"),
        Told("warning", "careful"),
        Text("::warning::careful"),
        Told("notice", "by the way"),
        Text("::notice::by the way\n::debug::hidden\n std::vector::size\na ::error::not at the start"),
    ]


def test_commands_can_be_stopped() -> None:
    text = "::stop-commands::secret\n::error::no\n::wrong::\n::secret::\n::error::yes\n"
    assert [sign for sign in found(text) if isinstance(sign, Told)] == [Told("error", "yes")]


def test_nothing_is_looked_for_if_nobody_wants_it() -> None:
    text = "::error::x\n\r45%\r46%\n\x1b]9;4;1;25\x07y\n"
    assert found(text, recognise=False) == [Text("::error::x\n46%\ny")]


def test_an_ordinary_bar_is_none() -> None:
    line = " 50%|##   | 5/10 [00:01<00:01, 3.00it/s]"
    assert found(f"{line}\n") == [Text(line)]


def test_a_users_own_pattern() -> None:
    pattern = r"epoch (?P<current>\d+) of (?P<total>\d+)(?:, (?P<message>.*))?"
    signs = found("start\nepoch 3 of 10, loss 0.5\nepoch 4 of 10\n", patterns=(pattern,))
    bars = [sign.reading for sign in signs if isinstance(sign, BarShown)]
    assert [(bar.current, bar.total, bar.remark) for bar in bars] == [(3, 10, "loss 0.5"), (4, 10, "")]
    lines = [line for sign in signs if isinstance(sign, Text) for line in sign.text.split("\n")]
    assert lines == ["start", "epoch 3 of 10, loss 0.5", "epoch 4 of 10"]


def test_a_users_own_pattern_comes_first() -> None:
    assert readings("\rpart 3/10 is 70%\r", patterns=(r"(?P<percent>\d+)%",)) == [("", 70, 100)]
    assert readings("\rpart 3/10 is 70%\r", patterns=(r"(?P<stage>part) (?P<current>\d+)",)) == [("part", 3, None)]


@pytest.mark.parametrize(
    "expression", ["(", "x", "(?P<speed>x)", "(?P<current>x)(?P<other>y)", "(?P<total>x)", "(?P<a", "x{99999999999}"]
)
def test_a_pattern_that_is_none(expression: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Pattern(expression)
    assert repr(expression) in str(caught.value)


def test_numbers_of_a_pattern_may_be_odd() -> None:
    pattern = Pattern(r"(?P<current>\S+) (?P<total>\S+)")
    assert pattern.read("x y") == Reading("pattern", "", 0, None)
    assert pattern.read("1e400 1e400") == Reading("pattern", "", 0, None)
    assert pattern.read("1.5k 2,000") == Reading("pattern", "", 1500, 2000)


def test_a_line_without_end_is_cut() -> None:
    recogniser = Recogniser()
    signs = [sign for _ in range(10) for sign in recogniser.feed(b"x" * ROW_CHARS)]
    assert joined(signs) == [Text("\n".join(["x" * ROW_CHARS] * 9))]
    assert not recogniser.exact


def test_what_is_being_drawn_can_be_seen_before_it_is_whole() -> None:
    recogniser = Recogniser()
    recogniser.feed(b"\rDone 3/10\r")
    recogniser.feed(b"Done 4/10")
    sign = recogniser.glimpse()
    assert isinstance(sign, BarShown)
    assert (sign.bar, sign.reading.current) == (1, 4)
    assert joined(recogniser.finish()) == [sign, BarEnded(1), Text("Done 4/10")]
    assert Recogniser().glimpse() is None


def test_a_row_is_read_without_its_colours() -> None:
    assert shapes.visible("\x1b[32m  a \x1b]8;;http://x\x1b\\b\x1b]8;;\x07\x1b[0m  c ") == "a b c"


BAR = "Working ━━━━━━━━━━━━━━━━━━━━ 100% 0:00:01"


@pytest.mark.parametrize(
    ("output", "unseen"),
    [
        (f"{BAR}\n", True),
        (f"before\n{BAR}\nafter\n", True),
        (f"{BAR.replace('100%', ' 50%')}\r{BAR}\n", False),
        ("┏━━━━━━━━━━━┓\n┃ name  10% ┃\n", False),
        ("100% done\n", False),
    ],
)
def test_a_bar_that_comes_as_a_line_was_not_seen(output: str, unseen: bool) -> None:
    recogniser = Recogniser()
    recogniser.feed(output.encode())
    recogniser.finish()
    assert recogniser.unseen is unseen
    silent = Recogniser(recognise=False)
    silent.feed(output.encode())
    assert not silent.unseen


HOSTILE = (
    *("1", "1,", ": ", "[", "1/", "1%", " 1", "━", "━ ", "1:", "a:", ".", "%|", "-", "-:--", "? ", "in ", "--- "),
    *("1d 02h ", "1s ", "1s", "1m2s", "10% ", "1/1 ", "1 [1, /a", "[1<1, ", "1%|1", "[==] ", "\x1b[", "\x1b[m"),
)
BEGINNINGS = ("", "━━━━━ 10% ", "1%|| 1/1 [1<1, ")
ROW_TIMES, LINE_TIMES = 30, 300
"""What ordinary text costs, hostile text may cost some times; what grows with the square of its length costs more."""


def long(beginning: str, part: str, size: int, end: str = "") -> str:
    return (beginning + part * size)[: size - len(end)] + end


def test_hostile_rows_do_not_take_long() -> None:
    size = shapes.BAR_CHARS
    usual = cost(lambda: shapes.read(long("", "some words ", size, "1%")))
    for beginning, part, end in product(BEGINNINGS, HOSTILE, ("", "x", "|", "]")):
        row = long(beginning, part, size, end)
        assert cost(lambda row=row: shapes.read(row)) < ROW_TIMES * usual, row[:40]  # type: ignore[misc]


@pytest.mark.parametrize("before", ["", "\x1b[?25l"], ids=["shown", "hidden"])
def test_hostile_lines_do_not_take_long(before: str) -> None:
    size = 8_000
    usual = cost(lambda: found(f"{before}{long(BEGINNINGS[1], 'some words ', size)}\n"))
    for beginning, part in product(BEGINNINGS, HOSTILE):
        line = f"{before}{long(beginning, part, size)}\n"
        assert cost(lambda line=line: found(line)) < LINE_TIMES * usual, line[:40]  # type: ignore[misc]


@pytest.mark.parametrize("moves", ["\x1b[99A:\x1b[99B", "\x1b[99A\x1b[99B", "a\x1b[2A", "\x1b]:\x1b[", "\r:\b"])
def test_hostile_movements_do_not_take_long(moves: str) -> None:
    few, many = ("".join(move * n for move in moves.split(":")) for n in (100, 1_000))
    assert cost(lambda: found(many)) < ROW_TIMES * cost(lambda: found(few))


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("16.9/16.9 MB 160.0 MB/s eta 0:00:00", ""),
        ("100% 0:00:00", ""),
        ("900/1,000 kB ? eta -:--:--", ""),
        ("3/10 • 0:00:05 • 12.3 MB/s • reading a/b.txt", "reading a/b.txt"),
        ("45% 30.1it/s loss=0.1", "loss=0.1"),
        ("--.-KB/s in 0s", ""),
        ("1.4 MB/s in 1m 20s", ""),
        ("12s left", ""),
        ("stage 3 of 5, done in 3 steps", "stage 3 of 5, done in 3 steps"),
    ],
)
def test_a_message_repeats_nothing_that_is_shown_anyway(said: str, rest: str) -> None:
    assert shapes.rest_of(said) == rest


@pytest.mark.parametrize(
    ("file", "name"), [("/dev/null", "a file.iso"), ("STDOUT", "a file.iso"), ("out/here.iso", "here.iso")]
)
def test_what_wget_fetches_has_a_name(file: str, name: str) -> None:
    recogniser = Recogniser(terminal=True)
    head = f"--2026-11-20 10:00:00--  https://host/b/a%20file.iso?x=1\r\nSaving to: '{file}'\r\n\r\n"
    bar = f"\r{file}   50%[====>     ] 1.20M  500KB/s    eta 3s  \r"
    signs = recogniser.feed((head + bar).encode()) + recogniser.finish()
    readings = {sign.reading for sign in signs if isinstance(sign, BarShown)}
    assert readings == {Reading("wget", name, 50, 100, "%")}
