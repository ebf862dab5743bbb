"""A line that says that a program has done what it was started for."""

from __future__ import annotations

import re

_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
_LONGEST = 4096


class Sentinel:
    """Looks for a line that is this text, without the white space and colours around it; pieces make no difference.

    Args:
        text: The line.

    Attributes:
        seen: It came.
    """

    def __init__(self, text: str) -> None:
        self._text = text.strip().encode()
        self._open = b""
        self._skipping = False
        self.seen = False

    def feed(self, data: bytes) -> bool:
        """Take in output; whether the line has come by now. A last line counts when it ends."""
        if self.seen:
            return True
        *ended, rest = (self._open + data).split(b"\n")
        if ended:
            ended[0] = b"" if self._skipping else ended[0]
            self._skipping = False
            self.seen = self._text in b"\n".join(ended) and any(map(self._is, ended))
        self._skipping = self._skipping or len(rest) > _LONGEST
        self._open = b"" if self._skipping else rest
        return self.seen

    def finish(self) -> bool:
        """The output has ended, and its last line with it."""
        self.seen = self.seen or (not self._skipping and self._is(self._open))
        return self.seen

    def _is(self, line: bytes) -> bool:
        return self._text in line and _COLOUR.sub(b"", line).strip() == self._text
