"""How a row becomes the characters that a terminal gets: with colours or without, in its encoding."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Protocol

from headway.cli.output import PLAIN_SYMBOLS, SYMBOLS
from headway.cli.safe import safe_line
from headway.cli.screen.cells import apart, width
from headway.cli.screen.rows import Row, Span

_COLOURLESS = frozenset({"1", "2", "3", "4", "7"})
_ASCII = {SYMBOLS[status]: PLAIN_SYMBOLS[status] for status in SYMBOLS} | {
    "━": "#",
    "╸": "#",
    "─": "-",
    "│": "|",
    "…": "~",
    "·": ".",
    "–": "-",
    "◆": "*",
    "▲": "^",
    "▼": "v",
    "←": "<",
    "→": ">",
    "↑": "^",
    "↓": "v",
    "⏸": "=",
    "▶": ">",
}


class Out(Protocol):
    """Where text goes."""

    @property
    def encoding(self) -> str:
        """How it is encoded there."""


class Look:
    """What a terminal can show.

    Args:
        colours: Whether colours are wanted.
        encoding: What its characters are encoded in.
    """

    def __init__(self, *, colours: bool = True, encoding: str = "utf-8") -> None:
        self.colours = colours
        self._encoding = None if encoding.lower().replace("-", "") in ("utf8", "utf8sig") else encoding

    def text(self, text: str) -> str:
        """Text as it can be shown, as wide as it was. What should be safe and is not is made safe here."""
        if text.isascii() and text.isprintable():
            return text
        safe = safe_line(apart(text), limit=len(text) + 1)
        return safe if self._encoding is None else "".join(map(self._encodable, safe))

    def _encodable(self, character: str) -> str:
        try:
            character.encode(self._encoding or "ascii")
        except UnicodeEncodeError:
            return _ASCII.get(character, "?" * width(character))
        return character

    def spans(self, row: Iterable[Span]) -> str:
        """Spans one after the other, each with its style. Ends without any style."""
        return "".join(map(self._span, row))

    def _span(self, span: Span) -> str:
        text = self.text(span.text)
        style = span.style if self.colours else _without_colours(span.style)
        return f"\x1b[{style}m{text}\x1b[0m" if style and text else text

    def row(self, row: Row) -> str:
        """A row for a terminal that moves to columns by number.

        After what only terminals know the width of, the cursor is told where the next span begins: so a character that
        this one draws wider or narrower than all others moves nothing but itself.
        """
        parts: list[str] = []
        column = 1
        unsure = False
        for span in row:
            if unsure:
                parts.append(f"\x1b[{column}G")
            parts.append(self._span(span))
            column += width(span.text)
            unsure = not span.text.isascii()
        return "".join(parts)


def _without_colours(style: str) -> str:
    if not style or style in _COLOURLESS:
        return style
    codes = style.split(";")
    return "" if "38" in codes or "48" in codes else ";".join(code for code in codes if code in _COLOURLESS)


def find_look(out: Out | None = None, environment: Mapping[str, str] = os.environ) -> Look:
    """The look of standard output, or of where else text goes: no colours if ``NO_COLOR`` is set to anything."""
    encoding = (out or sys.stdout).encoding or "ascii"
    return Look(colours=not environment.get("NO_COLOR"), encoding=encoding)
