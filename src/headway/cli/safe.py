"""Text from jobs, made harmless: it may say anything, and control nothing.

Whatever a job reports can have come from anywhere: a page that it visited, a program that it ran. Printed as it is, an
escape sequence could set the window's title, fill the clipboard, move the cursor over what others wrote or ask the
terminal to type; a carriage return or an override of the writing direction could make a line read as another.

Everything printable stays, so nothing can be hidden by being removed: escape sequences go with their contents (they are
never seen in a terminal either), control characters go, a carriage return becomes the line break that it fakes.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import takewhile

LINE_LIMIT = 1_000
"""Characters of one line. More are never seen on one screen, and a job may send megabytes without a line break."""

MARKS_LIMIT = 4
"""Marks on one character. Writing in use has up to four; hundreds of them would cover the lines above and below."""

RESET = "\x1b[0m"

_CONTROL = re.compile(
    "\x1b\\[(?P<sgr>[0-9;:]*)m"
    "|(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: moves, erases, modes, reports
    # strings: titles, links, the clipboard
    "|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x18\x1a\x1b\x80-\x9f\n]*(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]*[0-~]?"  # character sets, resets; a string without its end loses only its beginning
    "|(?P<turn>\r\n?)"
    "|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINER_OF_NOTHING = re.compile("(?<![^\x00-\x7f\u200c\u200d])[\u200c\u200d]")
_LINE_END = re.compile("\x85|\u2028|\u2029")
_NO_CHARACTER = re.compile("[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_MARK = (
    "[\u0300-\u036f\u0483-\u0489\u0590-\u1cff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\u2cef-\u2cf1\u2de0-\u2dff"
    "\u302a-\u302f\u3099\u309a\ua66f-\uabff\ufb1e\ufe00-\ufe0f\ufe20-\ufe2f\U00010000-\U0001efff]"
)
_STYLED_MARK = f"(?:(?:\x1b\\[[0-9;]*m)*{_MARK})"
_MANY = re.compile(f"{_MARK}{_STYLED_MARK}{{{MARKS_LIMIT},}}")
"""Runs of what may be marks: a wide net, but most text slips through, so few characters are looked at one by one."""
_ON_NOTHING = re.compile(f"^{_STYLED_MARK}+", re.MULTILINE)
"""Marks at the beginning of a line would be put on what stands before it."""

_PLAIN = frozenset(
    map(str, (0, 1, 2, 3, 4, 7, 9, 21, 22, 23, 24, 27, 29, 39, 49, *range(30, 38), *range(40, 48), *range(90, 108)))
) - {"98", "99"}
"""Styles that may stay: no blinking (5, 6), nothing concealed (8), no other fonts."""
_NAMED_BY_NUMBERS = ("38", "48")
_PALETTE_CODES = 5


def safe_text(text: str, *, colours: bool = False) -> str:
    """Text that cannot control a terminal, whatever it was.

    Args:
        text: Anything, lone surrogates included.
        colours: Keep the colours and simple styles (bold, dim, italic, underlined, reversed) that it brings along; they
            end with it. Leave it off where the output is no terminal or ``NO_COLOR`` is set.

    Returns:
        Text whose only control characters are ``\\n`` and ``\\t`` and, with ``colours``, escapes for colours. It can be
        encoded as UTF-8. Doing it again changes nothing.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    text = _CONTROL.sub(_keep_colours if colours else _keep_turns, _LINE_END.sub("\n", text))
    if not text.isascii():
        text = _safe_unicode(text)
    return _ended(text) if "\x1b" in text else text


def safe_line(text: str, *, limit: int = LINE_LIMIT, colours: bool = False) -> str:
    """The same on one line: line breaks and tabs become spaces; what is beyond ``limit`` characters is cut (``…``)."""
    cut = text[: 8 * limit]  # hundreds of escapes before a character are no reason to read megabytes
    line = safe_text(cut, colours=colours).rstrip("\n").replace("\n", " ").replace("\t", " ")
    if len(line) <= limit and len(cut) == len(text):
        return line
    shown = without_colours(line)[: limit - 1] if "\x1b" in line else line[: limit - 1]
    return shown + "…"


def without_colours(text: str) -> str:
    """Safe text without the colours that it was allowed to keep."""
    return _CONTROL.sub(_keep_turns, text)


def _keep_turns(found: re.Match[str]) -> str:
    return "\n" if found["turn"] else ""


def _keep_colours(found: re.Match[str]) -> str:
    if found["sgr"] is None:
        return _keep_turns(found)
    kept = _colours([code for parameter in found["sgr"].split(";") for code in _without_parts(parameter)])
    return f"\x1b[{';'.join(kept)}m" if kept else ""


def _without_parts(parameter: str) -> list[str]:
    """A parameter with parts (``38:2::r:g:b``, ``4:3``) as older terminals write it."""
    kind, *parts = parameter.split(":")
    if not parts:
        return [kind or "0"]
    if kind in _NAMED_BY_NUMBERS:
        return [kind, *[part for part in parts if part]]
    return ["24" if parts[0] == "0" else "4"] if kind == "4" else []


def _colours(codes: list[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(codes):
        named = codes[at] in _NAMED_BY_NUMBERS
        taken = _palette_length(codes[at : at + _PALETTE_CODES]) if named else int(codes[at] in _PLAIN)
        kept += codes[at : at + taken]
        if named and not taken:
            break  # what follows would be read as something else
        at += taken or 1
    return kept


def _palette_length(codes: list[str]) -> int:
    """How many codes name a colour by its number (``38;5;n``) or by its parts (``38;2;r;g;b``); 0 if they do not."""
    length = {"5": 3, "2": 5}.get(codes[1] if len(codes) > 1 else "", 0)
    numbers = codes[2:length]
    whole = len(numbers) == length - 2 and all(len(number) <= 3 and int(number) <= 255 for number in numbers)
    return length if whole else 0


def _ended(text: str) -> str:
    last = text.rfind("\x1b")
    return text if text.startswith(RESET, last) else text + RESET


def _safe_unicode(text: str) -> str:
    text = _NO_CHARACTER.sub("\ufffd", _INVISIBLE.sub("", text))
    text = _ON_NOTHING.sub(lambda found: _fewer_marks(found[0], MARKS_LIMIT), _JOINER_OF_NOTHING.sub("", text))
    return _MANY.sub(lambda found: _fewer_marks(found[0], 0), text)


def _fewer_marks(text: str, marks: int) -> str:
    """Text without the marks that are too many, after so many on the character before it."""
    kept: list[str] = []
    characters = iter(text)
    for character in characters:
        if character == "\x1b":
            kept.append(character + "".join(takewhile(lambda one: one != "m", characters)) + "m")
            continue
        is_mark = character in "\u200c\u200d" or unicodedata.category(character)[0] == "M"
        marks = marks + 1 if is_mark else 0
        if marks <= MARKS_LIMIT:
            kept.append(character)
    return "".join(kept)
