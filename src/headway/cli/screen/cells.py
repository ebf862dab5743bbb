"""The columns that text takes in a terminal, and text that takes the same number of them in all terminals.

Terminals agree about single characters. They do not agree about characters that are joined to one: families of emoji,
skin tones, flags of two letters, signs that a selector makes wide. Here those come apart into what all agree about.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from headway.cli.safe import safe_line

_JOINED = re.compile("[\u200d\ufe00-\ufe0f\u20e3\U0001f3fb-\U0001f3ff]")
_FLAG_LETTER = re.compile("[\U0001f1e6-\U0001f1ff]")
_TO_LATIN = ord("A") - 0x1F1E6
_NO_WIDTH = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff\u200c\u200d]")  # parts of a syllable, and what joins letters
_EMOJI = re.compile("[\U0001f300-\U0001f6ff\U0001f900-\U0001f9ff\U0001fa70-\U0001faff]")


def cell_text(text: str, limit: int = 300) -> str:
    """A job's text for one row: safe, on one line, and as wide everywhere as ``width`` says."""
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text
    return safe_line(apart(text), limit=limit)


def apart(text: str) -> str:
    """Text without characters that are joined; to be made safe afterwards."""
    if text.isascii():
        return text
    return _FLAG_LETTER.sub(lambda letter: chr(ord(letter[0]) + _TO_LATIN), _JOINED.sub("", text))


def width(text: str) -> int:
    """The columns that a text takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


@lru_cache(4096)
def _width(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    category = unicodedata.category(character)
    if category == "Cn" and _EMOJI.match(character):  # newer than Python's tables, but not than the terminal's
        return 2
    return 0 if category in ("Mn", "Me") or _NO_WIDTH.match(character) else 1


def cut(text: str, columns: int, end: str = "…") -> str:
    """A text that takes at most so many columns; ``end`` says that it was longer."""
    if columns <= 0:
        return ""
    if width(text) <= columns:
        return text
    room = columns - width(end)
    if text.isascii():
        return (_shortened(text, max(0, room), end) + end)[:columns]
    used, kept = 0, 0
    for character in text:
        used += _width(character)
        if used > room:
            break
        kept += 1
    return _shortened(text, kept, end) + end if columns >= width(end) else ""


def _shortened(text: str, characters: int, end: str) -> str:
    kept = text[:characters]
    return kept.rstrip() if end else kept


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """A text that takes exactly so many columns, cut or filled up."""
    text = cut(text, columns)
    space = " " * (columns - width(text))
    return space + text if right else text + space


def wrap(text: str, columns: int) -> list[str]:
    """A text in lines of at most so many columns, broken at spaces where that can be."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if width(longer) <= columns:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = _pieces(word, columns)
        lines += whole
    return [*lines, line] if line or not lines else lines


def _pieces(word: str, columns: int) -> list[str]:
    pieces = [""]
    used = 0
    for character in word:
        used += _width(character)
        if used > max(columns, 2):
            pieces.append("")
            used = _width(character)
        pieces[-1] += character
    return pieces
