"""The newest lines of a run's log, and how one is shown."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

from headway.cli.safe import safe_text
from headway.cli.screen.cells import apart, width
from headway.cli.screen.rows import Row, Span
from headway.ports import Record
from headway.protocol import codec
from headway.protocol.events import Log

LINES_KEPT = 2_000
"""Lines that can be scrolled through; ``headway log`` has the others."""

LINE_CHARS = 2_000
"""Of one line: more is on no screen, and a job may print megabytes without a line break."""

_COLOURS = re.compile("\x1b\\[([0-9;]*)m")
TAB = 8
STYLES_KEPT = 8
"""Escapes that act together on some text; a line may have thousands."""


class Line(msgspec.Struct):
    """A line as it was logged: nothing of it is safe yet."""

    text: str
    stage: str | None
    stream: str
    level: str | None


class LogLines:
    """The newest lines of all streams and stages, in the order in which they came."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=LINES_KEPT)
        self._open: dict[tuple[str | None, str], Line] = {}
        self.total = 0

    def __len__(self) -> int:
        return len(self._lines)

    def clear(self) -> None:
        """Begin anew."""
        self._lines.clear()
        self._open.clear()
        self.total = 0

    def take(self, data: Log, stage: str | None) -> None:
        """The lines of an event, or a piece of a long one."""
        for text in data.lines:
            key = (stage, data.stream)
            line = self._open.pop(key, None)
            if line is None:
                line = Line(text[:LINE_CHARS], stage, data.stream, data.level)
                self._lines.append(line)
                self.total += 1
            else:
                line.text += text[: LINE_CHARS - len(line.text)]
            if data.partial:
                self._open[key] = line

    def fill(self, records: Iterable[Record]) -> None:
        """The lines of stored events."""
        for record in records:
            event = codec.decode_event(record.body)
            data = codec.data_of(event)
            if isinstance(data, Log):
                self.take(data, event.stage)

    def newest(self, count: int, skipped: int = 0) -> list[Line]:
        """Lines in order, the newest ``skipped`` ones left out."""
        last = max(0, len(self._lines) - skipped)
        return [self._lines[at] for at in range(max(0, last - count), last)]


def line_row(line: Line, *, colours: bool) -> Row:
    """A line as a row, with the colours that it brings along if they are wanted."""
    text = safe_text(apart(line.text), colours=colours).rstrip("\n").replace("\n", " ")
    return tuple(_spans(text))


def _spans(text: str) -> Iterator[Span]:
    styles: list[str] = []
    column = 0
    for number, part in enumerate(_COLOURS.split(text)):
        if number % 2:
            styles = [] if part == "0" else [*styles, part][-STYLES_KEPT:]
        elif part:
            before = " " * (column % TAB)
            shown = (before + part).expandtabs(TAB)[len(before) :]
            column += width(shown)
            yield Span(shown, ";".join(styles))
