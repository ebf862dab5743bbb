"""The real terminal: its modes, which are given back whatever happens, and what is on it.

The screen is drawn on the terminal's second page, so that nothing of what was there before is lost and no change of
its size can break what was drawn; what stays in the end is printed on the first. Only the rows that changed are
written, all at once: terminals that know synchronized output show each picture whole.
"""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from headway.cli.screen.look import Look
from headway.cli.screen.rows import Row
from headway.cli.screen.taskbar import REMOVED, knows_progress

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[0m\x1b[2J"
LEAVE = "\x1b[0m\x1b[H\x1b[2J\x1b[?7h\x1b[?25h\x1b[?1049l"
"""Cleared first, for terminals that have no second page."""

SMALLEST = (1, 1)
USUAL = (80, 24)
_LOCAL_FLAGS = 3


class Terminal:
    """A terminal that is drawn on. Use as a context manager; for one thread.

    Args:
        look: How rows are written.
        out: The file that is the terminal.
        keys: The file that its keys come from; None if there are none.
        environment: What says which terminal it is.
    """

    def __init__(
        self, look: Look, *, out: int = 1, keys: int | None = 0, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._look = look
        self._out = out
        self.keys = keys
        self._modes: list[Any] | None = None
        self._shown: list[str] = []
        self._size = SMALLEST
        self._knows_progress = knows_progress(environment)
        self._taskbar = ""
        self._entered = False

    def __enter__(self) -> Self:
        self.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def enter(self) -> None:
        """Take the terminal, also again after it was left or after somebody else had it."""
        if self.keys is not None:
            modes = termios.tcgetattr(self.keys)
            self._modes = self._modes or [*modes]
            modes[_LOCAL_FLAGS] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(self.keys, termios.TCSADRAIN, modes)
        self._entered = True
        self._shown = []
        self._write(ENTER + self._taskbar)

    def leave(self) -> None:
        """Give it back as it was; a second time does nothing."""
        if not self._entered:
            return
        self._entered = False
        with suppress(OSError):  # the terminal may be gone
            self._write(LEAVE + (REMOVED if self._taskbar else ""))
        if self.keys is not None and self._modes is not None:
            with suppress(termios.error):
                termios.tcsetattr(self.keys, termios.TCSADRAIN, self._modes)
            self._modes = None

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        try:
            columns, rows = os.get_terminal_size(self._out)
        except OSError:
            return USUAL
        return (columns or USUAL[0], rows or USUAL[1])

    def paint(self, rows: Sequence[Row], size: tuple[int, int], taskbar: str = "") -> None:
        """Show these rows, and the terminal's own progress."""
        lines = [self._look.row(row) for row in rows[: size[1]]]
        if size != self._size:
            self._size, self._shown = size, []
        text = self._changes(lines)
        if self._knows_progress and taskbar != self._taskbar:
            self._taskbar = taskbar
            text += taskbar
        if text:
            self._write(f"{BEGIN}{text}{END}")

    def _changes(self, lines: list[str]) -> str:
        shown, self._shown = self._shown, lines
        if len(shown) != len(lines):
            return "\x1b[2J" + "".join(f"\x1b[{at};1H{line}" for at, line in enumerate(lines, 1) if line)
        changed = [(at, line) for at, (old, line) in enumerate(zip(shown, lines, strict=True), 1) if old != line]
        # Erased behind the row, whose last column is never used: nothing flickers without synchronized output either.
        return "".join(f"\x1b[{at};1H{line}\x1b[K" for at, line in changed)

    def _write(self, text: str) -> None:
        data = text.encode(sys.stdout.encoding or "utf-8", "replace")
        while data:
            data = data[os.write(self._out, data) :]
