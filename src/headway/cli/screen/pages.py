"""The pages that take the whole screen: the log, and what the keys do."""

from __future__ import annotations

from collections.abc import Sequence

from headway.cli.output import SYMBOLS
from headway.cli.screen.cells import cut, width
from headway.cli.screen.heading import style_of
from headway.cli.screen.log import LogLines, line_row
from headway.cli.screen.rows import ACCENT, BOLD, DIM, EMPTY, PLAIN, Row, Span, cut_row, row, spread

LOG_KEYS = "↑ ↓ scroll   g first   G newest   l back   q quit"


class LogPage:
    """The newest lines of the log, which stay where they are while somebody has scrolled up.

    Args:
        log: The lines, which may become more.
    """

    def __init__(self, log: LogLines) -> None:
        self._log = log
        self._behind = 0
        self._seen = log.total
        self._room = 1

    def scroll(self, key: str) -> bool:
        """Take a key; false if it is none that scrolls."""
        steps = {"up": 1, "k": 1, "down": -1, "j": -1, "pageup": self._room, "pagedown": -self._room, " ": -self._room}
        ends = {"g": len(self._log), "home": len(self._log), "G": 0, "end": 0}
        if key in steps:
            self._behind += steps[key]
        elif key in ends:
            self._behind = ends[key]
        else:
            return False
        return True

    def rows(self, columns: int, rows: int, *, colours: bool) -> list[Row]:
        """The page. Lines that are too long go on in the next row."""
        wide = max(1, columns - 1)
        self._room = max(1, rows - 2)
        if self._behind:
            self._behind += self._log.total - self._seen
        self._seen = self._log.total
        self._behind = max(0, min(self._behind, len(self._log) - 1))
        shown: list[Row] = []
        for line in self._log.newest(self._room, self._behind):
            shown += chopped(line_row(line, colours=colours), wide)
        place = f"{self._behind:,} newer below" if self._behind else "newest"
        head = spread(row(Span("Log", BOLD), Span(f"  {self._log.total:,} lines", DIM)), row(Span(place, DIM)), wide)
        shown = shown[-self._room :]
        foot = cut_row(row(Span(LOG_KEYS, DIM)), wide)
        return [head, *shown, *([EMPTY] * (self._room - len(shown))), foot][:rows]


def chopped(spans: Row, columns: int) -> list[Row]:
    """A row in rows of so many columns."""
    rows: list[Row] = []
    line: list[Span] = []
    room = columns
    for span in spans:
        text = span.text
        while width(text) > room:
            head = cut(text, room, "")
            narrow = not head and room == columns  # one character is wider than the screen
            line.append(Span("?" if narrow else head, span.style))
            text = text[1 if narrow else len(head) :]
            rows.append(tuple(line))
            line, room = [], columns
        line.append(Span(text, span.style))
        room -= width(text)
    return [*rows, tuple(line)]


_MEANINGS = (
    ("completed", "done"),
    ("running", "running"),
    ("degraded", "goes on with less than was planned; a run: its job is silent"),
    ("failed", "failed"),
    ("pending", "to come"),
    ("skipped", "skipped, or cancelled"),
)


def help_rows(keys: Sequence[tuple[str, str]], columns: int, rows: int) -> list[Row]:
    """What the keys do, and what the symbols mean."""
    wide = max(1, columns - 1)
    lines: list[Row] = [row(Span("Keys", BOLD))]
    lines += [row("  ", Span(f"{key:8}", ACCENT), meaning) for key, meaning in keys]
    lines += [EMPTY, row(Span("Symbols", BOLD))]
    lines += [row("  ", Span(f"{SYMBOLS[status]:8}", style_of(status)), meaning) for status, meaning in _MEANINGS]
    shown = [cut_row(line, wide) for line in lines][: max(0, rows - 1)]
    foot = cut_row(row(Span("any key goes back   q quit", DIM), Span("", PLAIN)), wide)
    return [*shown, *([EMPTY] * (rows - 1 - len(shown))), foot][:rows]
