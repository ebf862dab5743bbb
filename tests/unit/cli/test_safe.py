"""Text from jobs can say anything and control nothing."""

from __future__ import annotations

import re

import pyte
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headway.cli.safe import LINE_LIMIT, MARKS_LIMIT, safe_line, safe_text, without_colours
from tests.unit.cost import cost

SGR = re.compile("\x1b\\[[0-9;]+m")
STARTS = ["\x1b", "\x1b[", "\x1b]", "\x1b]52;c;", "\x1bP", "\x9b", "\x9d", "\x90"]
ENDS = ["\x1b\\", "\x9c", "\x07", "m", "31m", "38;5;", "38:2::1:2:3m", "?25l", "2J", "H", "\n"]
TRICKS = ["\u202e", "\u2066", "\u200b", "\u200d", "\u0301", "\U000e0041", "\ufeff", "\u2028", "\udc9b", "\x85"]
PIECES = st.sampled_from([*STARTS, *ENDS, *TRICKS, *"[]8;:\x00\x7f\x0e\b\r\t é漢👩a"])
HOSTILE = st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(st.characters(), max_size=60))


@pytest.mark.parametrize(
    ("hostile", "safe"),
    [
        ("plain", "plain"),
        ("\x1b]0;owned\x07title", "title"),
        ("\x1b]2;owned\x1b\\title", "title"),
        ("\x9d2;owned\x9ctitle", "title"),
        ("\x1b]52;c;cm0gLXJm\x07clipboard", "clipboard"),
        ("\x1b]8;;https://bad.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]9;4;1;50\x07progress", "progress"),
        ("\x1b[2J\x1b[Hcleared", "cleared"),
        ("\x1b[6nreport", "report"),
        ("\x1b[>4;2mkeys", "keys"),
        ("\x1bP+q544e\x1b\\device", "device"),
        ("\x1b_app\x1b\\command", "command"),
        ("\x1bcreset", "reset"),
        ("\x1b(0line drawing", "line drawing"),
        ("\x9b31mred", "red"),
        ("un\x1b]0;ended", "un0;ended"),
        ("\x1b[12", ""),
        ("half\x1b", "half"),
        ("\x1b\x1b[31m[31mtwice", "[31mtwice"),
        ("rm -rf /\recho hello", "rm -rf /\necho hello"),
        ("windows\r\nlines", "windows\nlines"),
        ("next\x85line\u2028and", "next\nline\nand"),
        ("safe\b\b\b\bevil", "safeevil"),
        ("bell\x07nul\x00del\x7f", "bellnuldel"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("zero\u200b\u200b\ufeffwidth", "zerowidth"),
        ("tags\U000e0068\U000e0069", "tags"),
        ("half\ud83dof", "half\ufffdof"),
        ("\u0301\u0302on nothing\n\u0301e\u0301", "on nothing\ne\u0301"),
        ("e" + "\u0301" * 500, "e" + "\u0301" * MARKS_LIMIT),
        (
            "नमस्ते \u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "नमस्ते \u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("👩\u200d🚀 ❤\ufe0f 🇩🇪 漢字", "👩\u200d🚀 ❤\ufe0f 🇩🇪 漢字"),
        ("a\u200db\u200d\u200d", "ab"),
        ("tab\tand\nline", "tab\tand\nline"),
    ],
)
def test_what_becomes_of_hostile_text(hostile: str, safe: str) -> None:
    assert safe_text(hostile) == safe


@pytest.mark.parametrize(
    ("coloured", "safe"),
    [
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[31mred", "\x1b[31mred\x1b[0m"),
        ("\x1b[mreset", "\x1b[0mreset"),
        ("\x1b[1;38;5;208morange", "\x1b[1;38;5;208morange\x1b[0m"),
        ("\x1b[38;2;1;2;3mrgb", "\x1b[38;2;1;2;3mrgb\x1b[0m"),
        ("\x1b[38:2::1:2:3mrgb", "\x1b[38;2;1;2;3mrgb\x1b[0m"),
        ("\x1b[4:3mcurly\x1b[4:0m", "\x1b[4mcurly\x1b[24m\x1b[0m"),
        ("\x1b[5mblink", "blink"),
        ("\x1b[8mconcealed", "concealed"),
        ("\x1b[1;8mbold", "\x1b[1mbold\x1b[0m"),
        ("\x1b[38;5;999mno colour", "no colour"),
        ("\x1b[38;2;5;8mtoo few", "too few"),
        ("\x1b[?31mprivate", "private"),
        ("\x1b[99999999999999999999mlong", "long"),
        ("\x1b[2J\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
    ],
)
def test_colours_stay_when_they_are_asked_for(coloured: str, safe: str) -> None:
    assert safe_text(coloured, colours=True) == safe
    assert "\x1b" not in safe_text(coloured)


@given(text=HOSTILE, colours=st.booleans())
@example(text="\x1b[31m\u0301\x1b[0m" * 9, colours=True)
@example(text="a" + "\x1b[31m\u0301\x1b[0m" * 9, colours=True)
def test_nothing_but_colours_is_left(text: str, colours: bool) -> None:
    safe = safe_text(text, colours=colours)
    bare = SGR.sub("", safe) if colours else safe
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", bare)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff]", bare)
    safe.encode()
    assert safe_text(safe, colours=colours) == safe
    assert without_colours(safe) == bare


@given(text=st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Cn", "Mn", "Me", "Mc", "Zl", "Zp", "Co"])))
def test_what_can_be_read_stays(text: str) -> None:
    unseen = {"\u3164", "\uffa0", "\u115f", "\u1160", "\ufffc"}
    assert safe_text(text) == "".join(character for character in text if character not in unseen)


@given(text=HOSTILE, colours=st.booleans())
@example(text="\u0301", colours=False)
@example(text="\x1b[31m\u0301", colours=True)
def test_a_line_stays_in_its_row(text: str, colours: bool) -> None:
    titles: list[str] = []
    screen = pyte.Screen(400, 3)
    screen.set_title = titles.append  # type: ignore[method-assign,assignment]
    pyte.Stream(screen).feed("above\n\r" + safe_line(text, limit=60, colours=colours) + "\n\rbelow")
    assert screen.display[0].rstrip() == "above"
    assert screen.display[2].rstrip() == "below"
    assert not titles


def test_a_long_line_is_cut() -> None:
    assert safe_line("x" * 5_000_000, limit=10) == "xxxxxxxxx…"
    assert len(safe_line("漢" * 5_000)) == LINE_LIMIT
    assert safe_line("\x1b[31m" + "x" * 50, limit=10, colours=True) == "xxxxxxxxx…"
    assert safe_line("two\nlines\tand tabs\n") == "two lines and tabs"
    assert safe_line("x" * 10, limit=10) == "x" * 10


@pytest.mark.parametrize("colours", [False, True])
@pytest.mark.parametrize("part", ["\x9d", "\x90a", "\x1b]", "\x1b[31m", "\x1b[31m\u0301", "\u0301", "\x9b0", "\x1b "])
def test_hostile_text_does_not_take_long(part: str, colours: bool) -> None:
    few, many = (f"é{part * n}" for n in (100, 3_200))
    assert cost(lambda: safe_text(many, colours=colours)) < 32 * 8 * cost(lambda: safe_text(few, colours=colours))


def test_many_styles_in_one_escape_do_not_take_long() -> None:
    few, many = (f"\x1b[{'1;38;5;1;' * n}m" for n in (100, 3_200))
    assert cost(lambda: safe_text(many, colours=True)) < 32 * 4 * cost(lambda: safe_text(few, colours=True))
