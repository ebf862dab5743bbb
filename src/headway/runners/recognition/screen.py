"""The bottom of a terminal's screen: which lines stand, and what is drawn over.

Theory of operation. A program that shows progress draws over what it has written: it goes back to the beginning of the
line, up some lines, erases, and writes again. So a row of the screen is final only when nothing goes back to it. A row
that was written from left to right, and ended, is final at once, together with all rows above it. A row that was drawn
over, or is followed by others while the cursor is hidden, is held: until such an ordinary row is below it, the cursor
is shown again, there are too many of them, or all ends. Each time that a row is left, by whatever way, what it shows
then is a frame.

Rows overwrite each other whole, not column by column: progress bars pad, and nobody reads what is left of others.
Whatever the pieces that the text comes in, frames and final rows are the same.
"""

from __future__ import annotations

import re
from typing import Protocol

ROW_CHARS = 64 * 1024
"""A row that does not end is cut here: memory must stay bounded."""

ROWS_HELD = 50
"""Rows that may be drawn over: no terminal shows many more."""

SPACES = 200
"""No cursor moves further to the right than this."""

_TOKEN = re.compile(
    r"\r{0,8}\n|\r+|\x08+|\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x00-\x1f]{0,4096}(?:\x07|\x1b\\)|\x1b[78]"
)
_BEGUN = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|\][^\x00-\x1f]{0,4096}\x1b?)?")
BEGUN_CHARS = 4_200
"""No command is longer."""

_ALTERNATE = {"?47", "?1047", "?1049"}


class Row:
    """One row.

    Attributes:
        text: What it shows, with its colours.
        drawn: It was drawn over, or may be.
        unknown: It stood there before; what it showed is not known, and was told.
    """

    __slots__ = ("drawn", "text", "unknown")

    def __init__(self, *, unknown: bool = False) -> None:
        self.text = ""
        self.drawn = unknown
        self.unknown = unknown


class Viewer(Protocol):
    """Who is told what happens on the screen."""

    def frame(self, row: Row, *, ends: bool) -> None:
        """A row shows something, for as long as nothing else is drawn there; ``ends``: the cursor goes below it."""

    def final(self, row: Row) -> None:
        """Nothing will be drawn over this row any more."""

    def done(self, row: Row) -> bool:
        """Whether a row that was left will not be drawn over again: what it shows is complete."""

    def terminal_progress(self, text: str) -> None:
        """``OSC 9;4;…``: what stands behind the 4."""

    def cursor_shown(self) -> None:
        """It was hidden."""


class Screen:
    """Takes in text, in any pieces, and tells a viewer of it.

    Args:
        viewer: Who is told.
        terminal: The text comes through a terminal, which makes ``\\r\\n`` of every line's end.

    Attributes:
        exact: Everything so far was shown, as it is, in final rows.
    """

    def __init__(self, viewer: Viewer, *, terminal: bool = False) -> None:
        self.exact = True
        self._viewer = viewer
        self._line_ends = {"\n", "\r\n"} if terminal else {"\n"}
        self._rows = [Row()]
        self._at = 0
        self._typed: list[str] = []
        self._size = 0
        self._begun = ""
        self._hidden = False
        self._away = False  # on the alternate screen, where editors and pagers live
        self._saved: list[str] | None = None
        self._aside: Row | None = None  # where a saved cursor was moved to

    @property
    def plain(self) -> bool:
        """Whether an ordinary row is being written, with nothing held above it."""
        return not (
            self._hidden
            or self._away
            or self._saved is not None
            or len(self._rows) > 1
            or self._row.drawn
            or self._row.text
        )

    def type(self, text: str) -> None:
        """Take in text that moves no cursor and ends no row."""
        while self._size + len(text) > ROW_CHARS:
            room = ROW_CHARS - self._size
            self._keep(text[:room])
            text = text[room:]
            self.exact = False
            self._new_line()
        self._keep(text)

    @property
    def typed(self) -> str:
        """What has been written in the row where the cursor is, since it is there."""
        return "".join(self._typed)

    def untype(self) -> None:
        """Forget that: it was taken another way, which is open to plain text."""
        self._typed, self._size = [], 0

    def whole(self, text: str) -> str:
        """The text with what was held of the text before, and without what may be the beginning of a command."""
        text = self._begun + text
        end = _whole_until(text)
        self._begun = text[end:]
        return text[:end]

    def feed(self, text: str) -> None:
        """Take in text that is whole."""
        position = 0
        for token in _TOKEN.finditer(text):
            self._write(text[position : token.start()])
            self._obey(token[0])
            position = token.end()
        self._write(text[position:])

    def being_drawn(self) -> Row | None:
        """The row that is being drawn; None if it is an ordinary one, or has nothing on it yet."""
        return self._row if self._typed and not self._away and self._row.drawn else None

    def finish(self) -> None:
        """Nothing follows: every row is final."""
        begun, self._begun = self._begun, ""
        self.exact = self.exact and not begun
        self._write(begun.rstrip("\r\x08"))
        self._end_frame(ends=False)
        self._finalise_all()

    @property
    def _row(self) -> Row:
        return self._rows[self._at] if self._aside is None else self._aside

    def _keep(self, text: str) -> None:
        if text:
            self._typed.append(text)
            self._size += len(text)

    def _write(self, text: str) -> None:
        if self._away:
            self.exact = self.exact and not text
        elif text:
            self.type(text)

    def _obey(self, token: str) -> None:
        first, last = token[0], token[-1]
        if last == "\n":
            self._new_line()
            self.exact = self.exact and token in self._line_ends
        elif first == "\r":
            self._back()
        elif first == "\x08":
            self._erase_back(len(token))
        elif token[1] == "]":
            self._command(token)
        elif token[1] in "78":
            self._keep_place(last == "7")
        elif last == "m":
            self._write(token)
        else:
            self.exact = False
            self._move(last, token[2:-1])

    def _command(self, token: str) -> None:
        body = token[2:].rstrip("\x07\x1b\\")
        if body == "9;4" or body.startswith("9;4;"):
            self.exact = False
            self._viewer.terminal_progress(body[3:])
        else:
            self._write(token)

    def _move(self, command: str, parameters: str) -> None:
        first = parameters.partition(";")[0]
        count = min(int(first), SPACES) if first.isdecimal() else 1
        match command:
            case "A" | "F" | "B" | "E":
                self._go(max(1, count) * (-1 if command in "AF" else 1))
            case "C":
                self._write(" " * count)
            case "D":
                self._erase_back(count)
            case "G" | "`":
                self._back() if count <= 1 else self._write(" ")
            case "H" | "f" | "d":
                self._leave()
            case "J" | "K":
                self._erase(command, first)
            case "h" | "l":
                self._switch(parameters, on=command == "h")
            case "s" | "u":
                self._keep_place(command == "s")

    def _back(self) -> None:
        if self._away:
            return
        self.exact = False
        self._row.drawn = True
        self._end_frame(ends=False)

    def _erase_back(self, count: int) -> None:
        """Backspaces: what they go over is written anew."""
        if self._away:
            return
        self.exact = False
        typed = self.typed
        if count > 1:
            self._row.drawn = True
            self._end_frame(ends=False)
        kept = typed[: max(0, len(typed) - count)]
        self._typed, self._size = [kept] if kept else [], len(kept)

    def _erase(self, command: str, which: str) -> None:
        if self._away or (command == "K" and which in ("", "0")):
            return
        if command == "J" and which in ("", "0"):
            for row in self._rows[self._at + 1 :]:
                row.text = ""
                self._viewer.frame(row, ends=False)
            return
        if command == "J" and which != "1":
            self._leave()
            return
        self._row.drawn = True
        self._end_frame(ends=False)
        self._row.text = ""
        self._viewer.frame(self._row, ends=False)

    def _leave(self) -> None:
        """The cursor goes somewhere else on the screen: what was held stands, unless it will be back."""
        if self._away:
            return
        self._end_frame(ends=False)
        if self._saved is not None:
            self._aside = Row(unknown=True)
            return
        self._finalise_all()

    def _keep_place(self, save: bool) -> None:
        self.exact = False
        if save:
            self._save()
        else:
            self._restore()

    def _save(self) -> None:
        if not self._away and self._saved is None:
            self._saved = list(self._typed)

    def _restore(self) -> None:
        if self._away or self._saved is None:
            return
        if self._aside is not None:
            self._end_frame(ends=False)
            self._aside = None
            self._typed, self._size = self._saved, sum(map(len, self._saved))
        self._saved = None

    def _switch(self, parameters: str, *, on: bool) -> None:
        modes = set(parameters.split(";")) if parameters.startswith("?") else set()
        if modes & _ALTERNATE:
            if on and not self._away:
                self._end_frame(ends=False)
            self._away = on
        if "?25" in modes or parameters == "?25":
            was_hidden, self._hidden = self._hidden, not on
            if was_hidden and on and not self._away:
                self._show_cursor()

    def _show_cursor(self) -> None:
        self._viewer.cursor_shown()
        if self._at:
            self._finalise(self._at)

    def _go(self, rows: int) -> None:
        if self._away:
            return
        self._row.drawn = True
        self._end_frame(ends=False)
        if self._aside is not None:
            return
        self._at = min(self._at + rows, ROWS_HELD - 1)  # at the bottom and the top it stops, as on any screen
        if self._at < 0:
            self._rows[:0] = [Row(unknown=True) for _ in range(min(-self._at, ROWS_HELD - len(self._rows)))]
            self._at = 0
        while self._at >= len(self._rows):
            self._rows.append(Row())
        if rows < 0 and self._hidden:
            self._finalise(self._at)
        self._row.drawn = True

    def _end_frame(self, *, ends: bool) -> None:
        """The cursor leaves the row, or goes back to its beginning: what it shows counts."""
        row = self._row
        if self._typed:
            row.text = self.typed
            self._typed, self._size = [], 0
            row.unknown = False
            if row.drawn or self._hidden:
                self._viewer.frame(row, ends=ends)

    def _new_line(self) -> None:
        if self._away:
            return
        self._end_frame(ends=True)
        if self._aside is not None:
            return
        left = self._row
        self._at += 1
        if self._at < len(self._rows):
            self._drop_done()
            return
        self._rows.append(Row())
        held = self._hidden or left.drawn or any(row.drawn for row in self._rows)
        if not held or (not left.drawn and not self._hidden and left.text):
            self._finalise(self._at)
        else:
            self._drop_done()
            self._bound()

    def _bound(self) -> None:
        if len(self._rows) > ROWS_HELD:
            self._finalise(len(self._rows) - ROWS_HELD)

    def _drop_done(self) -> None:
        if self._hidden:
            return
        count = 0
        while count < self._at and self._viewer.done(self._rows[count]):
            count += 1
        if count:
            self._finalise(count)

    def _finalise_all(self) -> None:
        while self._rows and not self._rows[-1].text:
            self._rows.pop()
        self._finalise(len(self._rows))
        self._at = 0

    def _finalise(self, count: int) -> None:
        """The first rows stand for good."""
        final, self._rows = self._rows[:count], self._rows[count:] or [Row()]
        self._at = max(0, self._at - count)
        for row in final:
            self._viewer.final(row)


def _whole_until(text: str) -> int:
    """Where the last command begins that is not whole yet."""
    tail = max(0, len(text) - BEGUN_CHARS)
    if text[-1:] in ("\r", "\x08"):  # more of them may follow, or a line's end
        return max(tail, len(text.rstrip(text[-1])))
    last = text.rfind("\x1b", tail)
    if last > 0 and last == len(text) - 1:  # it may be the end of the command before
        before = text.rfind("\x1b", tail, last)
        if before >= 0 and _BEGUN.fullmatch(text, before):
            return before
    return last if last >= 0 and _BEGUN.fullmatch(text, last) else len(text)
