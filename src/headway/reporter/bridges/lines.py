"""Text that comes in pieces, as whole lines."""

from __future__ import annotations

LINE_CHARS = 64 * 1024
"""A line that does not end is cut here: a log event holds no more anyway, and memory must stay bounded."""


class Lines:
    """Joins pieces of text and gives back its lines, the same however the text was cut.

    A line ends with ``\\n``, or ``\\r\\n``. What a terminal would draw over is left out: of a line with ``\\r`` in it
    only what was drawn last remains. Not for several threads at once.
    """

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0

    def feed(self, text: str) -> list[str]:
        """Take in text; the lines that it ended, in order."""
        self._pieces.append(text)
        self._size += len(text)
        if "\n" in text:
            *ended, rest = "".join(self._pieces).split("\n")
            self._keep(rest)
            return [_last_drawn(line) for line in ended]
        if self._size > LINE_CHARS:
            return self.flush()
        if "\r" in text:
            # A bar may be redrawn for hours before its line ends.
            self._keep(_shortened("".join(self._pieces)))
        return []

    def flush(self) -> list[str]:
        """The last line, if it did not end and shows anything."""
        line = _last_drawn("".join(self._pieces))
        self._keep("")
        return [line] if line.strip() else []

    def _keep(self, text: str) -> None:
        self._pieces = [text] if text else []
        self._size = len(text)


def _last_drawn(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]


def _shortened(line: str) -> str:
    """What of a line decides what its last drawing will be, whatever follows."""
    drawn = _last_drawn(line)
    return drawn + "\r" if line.endswith("\r") else drawn
