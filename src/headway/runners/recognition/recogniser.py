"""From the bytes of one stream to signs: lines, bars, groups and errors."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from headway.runners.recognition import shapes
from headway.runners.recognition.bars import Bars
from headway.runners.recognition.pattern import Pattern
from headway.runners.recognition.screen import ROW_CHARS, Row, Screen
from headway.runners.recognition.signs import GroupBegan, GroupEnded, Reading, Sign, TerminalProgress, Text
from headway.runners.recognition.workflow import WorkflowCommands

_HEADLINE = re.compile(
    r"^ *(?:Saving to: [\u2018'`](?P<file>[^\u2019'\n]+)[\u2019']"
    r"|--\d{4}-\d\d-\d\d \d\d:\d\d:\d\d-- +(?P<url>\S+)"
    r"|(?P<what>(?:Downloading|Uploading|Obtaining) \S+).*) *$",
    re.MULTILINE,
)
"""What wget and pip say above bars that have no name, or a part of one."""

_NO_FILES = ("/dev/null", "/dev/stdout", "STDOUT", "-")
"""What wget is told to save to when there is to be no file; what is fetched has a better name."""

_HEADLINE_CHARS = 500
_PROGRESS = re.compile(r"(?:;(?P<state>[0-4])?(?:;(?P<percent>\d{0,3}))?)?")
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,64}m")
FRAMES = 100
"""Drawings in one piece of output that can all be looked at."""

_HEAVY = "\u2501" * 5
"""In every bar of rich."""

_DOTS = ".........."


class Recogniser:
    """Finds what one stream's output says. Incremental: the pieces that the bytes come in make no difference.

    Ordinary lines are given back as they are; what is not UTF-8 becomes U+FFFD. Of a line that is drawn over, only its
    last state is. Bars are given as bars, and their last state as a line when they end.

    Args:
        recognise: Whether to look for bars, groups and errors, or for lines alone.
        patterns: A user's own, looked for first.
        terminal: The stream is a terminal's, in which ``\\r\\n`` ends a line.

    Attributes:
        unseen: There are bars, but only as they were last, in ordinary lines: on a terminal they would have been drawn.
    """

    def __init__(self, *, recognise: bool = True, patterns: Sequence[Pattern] = (), terminal: bool = False) -> None:
        self._recognise = recognise
        self._patterns = tuple(patterns)
        self._terminal = terminal
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._whole = True
        self._signs: list[Sign] = []
        self._lines: list[str] = []
        self._last = ""
        self._screen = Screen(self, terminal=terminal)
        self._bars = Bars(self._tell)
        self._commands = WorkflowCommands()
        self._asides: dict[str, Row] = {}
        self._drawn = self._undrawn = False

    @property
    def exact(self) -> bool:
        """Whether the lines so far, each with its end, are what came in; but for a last one that has none."""
        return self._whole and self._screen.exact

    @property
    def unseen(self) -> bool:
        """See above."""
        return self._undrawn and not self._drawn

    def feed(self, data: bytes) -> list[Sign]:
        """Take in bytes; what they said, in order."""
        self._take(self._decoder.decode(data))
        return self._told()

    def glimpse(self) -> Sign | None:
        """What the row that is being drawn shows, before it is known whether it is whole. Changes nothing."""
        row = self._screen.being_drawn()
        reading = None if row is None else self._read(self._screen.typed, drawn=True)
        return None if row is None or reading is None else self._bars.peek(row, reading)

    def finish(self) -> list[Sign]:
        """Nothing follows: what is still to be said."""
        self._take(self._decoder.decode(b"", final=True))
        self._screen.finish()
        self._bars.end_all()
        return self._told()

    # Text

    def _take(self, text: str) -> None:
        if "\ufffd" in text:
            self._whole = False
        text = self._screen.whole(text)
        if not self._take_plain(text):
            self._screen.feed(text)

    def _take_plain(self, text: str) -> bool:
        """The short way, for text in which nothing is to be found; false if it is not open."""
        if self._patterns or not self._screen.plain or "\b" in text:
            return False
        if "\x1b" in text and "\x1b" in _COLOUR.sub("", text):
            return False
        if "\r" in text:
            plain = text.replace("\r\n", "\n")
            if "\r" in plain:
                return False
            self._whole = self._whole and self._terminal
            text = plain
        ended, newline, rest = text.rpartition("\n")
        if newline:
            block = self._screen.typed + ended
            if not self._ordinary(block):
                return False
            self._screen.untype()
            self._end_what_text_ends()
            self._line(block)
        self._screen.type(rest)
        return True

    def _ordinary(self, block: str) -> bool:
        if self._recognise and (block.startswith("::") or "\n::" in block or _DOTS in block):
            return False
        return len(block) <= ROW_CHARS or max(map(len, block.split("\n"))) <= ROW_CHARS

    def _line(self, text: str) -> None:
        self._lines.append(text)
        if _HEAVY in text and self._recognise and not self._drawn and not self._undrawn:
            bars = [line for line in text.split("\n") if _HEAVY in line and len(line) <= ROW_CHARS]
            self._undrawn = any(shapes.rich(shapes.visible(line)) for line in bars)

    # What the screen tells

    def frame(self, row: Row, *, ends: bool) -> None:
        """See ``Viewer``."""
        if not self._recognise:
            return
        reading = self._read(row.text, drawn=row.drawn)
        if reading is None or (reading.style == "bar" and ends and self._bars.on(row) is None):
            self._bars.hide(row)  # a line of text that took the place of a bar is a line of text
        else:
            self._bars.show(row, reading, ends=ends)

    def final(self, row: Row) -> None:
        """See ``Viewer``."""
        if self._bars.end_on(row):
            self._screen.exact = False
        elif row.text.strip() or not (row.drawn or row.unknown):
            self._ordinary_row(row)

    def done(self, row: Row) -> bool:
        """See ``Viewer``."""
        bar = self._bars.on(row)
        return bool(row.text.strip()) if bar is None else bar.reading.complete and bar.reading.style != "rich"

    def terminal_progress(self, text: str) -> None:
        """See ``Viewer``."""
        found = _PROGRESS.fullmatch(text)
        if self._recognise and found is not None:
            percent = int(found["percent"]) if found["percent"] else None
            self._tell(TerminalProgress(int(found["state"] or 0), None if percent is None else min(percent, 100)))

    def cursor_shown(self) -> None:
        """See ``Viewer``."""
        self._bars.end_stacked()

    def _ordinary_row(self, row: Row) -> None:
        text = row.text.rstrip() if row.drawn else row.text
        if not self._recognise:
            self._line(text)
            return
        if _DOTS in text and self._take_dots(text):
            return
        self._end_what_text_ends()
        if not row.drawn:
            self._follow_patterns(text)
        sign = self._commands.read(text) if text.startswith("::") else None
        if sign is not None:
            self._tell(sign)
        if isinstance(sign, GroupBegan | GroupEnded):
            self._screen.exact = False
        else:
            self._line(text)

    def _end_what_text_ends(self) -> None:
        aside = self._asides.pop("", None)
        if aside is not None:
            self._bars.end_on(aside)
        self._bars.end_lost()

    def _take_dots(self, text: str) -> bool:
        reading = shapes.wget_dots(shapes.visible(text))
        if reading is None:
            return False
        self._screen.exact = False
        row = self._asides.setdefault("", Row())
        row.text = text
        self._bars.show(row, reading._replace(name=self._headline() or "wget"), ends=False)
        return True

    def _follow_patterns(self, text: str) -> None:
        """An ordinary line that fits a user's pattern says something, and stays a line."""
        reading = self._by_pattern(shapes.visible(text))
        if reading is not None:
            self._bars.show(self._asides.setdefault(f"pattern {reading.name}", Row()), reading, ends=False)

    def _read(self, text: str, *, drawn: bool) -> Reading | None:
        seen = shapes.visible(text)
        reading = self._by_pattern(seen)
        if reading is None:
            reading = shapes.read(seen) if drawn else shapes.rich(seen)
            self._drawn = self._drawn or reading is not None
        if reading is not None and (reading.style == "wget" or (reading.style == "rich" and not reading.name)):
            reading = reading._replace(name=self._headline() or reading.name)
        return reading

    def _by_pattern(self, text: str) -> Reading | None:
        for pattern in self._patterns:
            reading = pattern.read(text)
            if reading is not None:
                return reading
        return None

    def _headline(self) -> str:
        """What the last lines say about what is being done now."""
        recent = self._recent()
        found = list(_HEADLINE.finditer(recent))
        if not found:
            return ""
        doing, _, what = (found[-1]["what"] or "").partition(" ")
        if what:
            return f"{doing} {_last_part(what)}"
        urls = [each["url"] for each in found if each["url"]]
        file = found[-1]["file"] or _NO_FILES[0]
        return unquote(_last_part(urls[-1])) if urls and file in _NO_FILES else _last_part(file)

    def _recent(self) -> str:
        pieces: list[str] = []
        size = 0
        for line in reversed(self._lines):
            if size > _HEADLINE_CHARS:
                break
            pieces.append(line[-_HEADLINE_CHARS:])
            size += len(pieces[-1])
        return "\n".join([self._last, *reversed(pieces)])[-_HEADLINE_CHARS:]

    # Signs

    def _tell(self, sign: Sign) -> None:
        if isinstance(sign, Text):
            self._line(sign.text)
            return
        self._gather()
        self._signs.append(sign)

    def _gather(self) -> None:
        if self._lines:
            self._last = self._recent()
            self._signs.append(Text("\n".join(self._lines)))
            self._lines = []

    def _told(self) -> list[Sign]:
        self._gather()
        signs, self._signs = self._signs, []
        return signs


def _last_part(path: str) -> str:
    """The name of what a path or a URL leads to."""
    return path.partition("?")[0].rstrip("/").rpartition("/")[2] or path


def joined(signs: Iterable[Sign]) -> list[Sign]:
    """The same, with lines that follow each other in one."""
    result: list[Sign] = []
    for sign in signs:
        before = result[-1] if result else None
        if isinstance(sign, Text) and isinstance(before, Text):
            result[-1] = Text(f"{before.text}\n{sign.text}")
        else:
            result.append(sign)
    return result


def thinned(data: bytes) -> bytes:
    """The same output without drawings that others are drawn over at once: for who has more than can be looked at."""
    if data.count(b"\r") < FRAMES:
        return data
    first, *rest = data.split(b"\r")
    kept = [first]  # it goes on with what came before
    for number, frame in enumerate(rest):
        if not (number + 2 < len(rest) and _only_drawn(frame) and _only_drawn(rest[number + 1])):
            kept.append(frame)
    return b"\r".join(kept)


def _only_drawn(frame: bytes) -> bool:
    return bool(frame) and not (b"\n" in frame or b"\x1b" in frame or b"\b" in frame)
