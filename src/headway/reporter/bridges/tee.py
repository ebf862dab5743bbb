"""A text stream that goes on to where it always went, and into a log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import BinaryIO, TextIO

from headway.reporter.bridges.line_log import LineLog


class Tee:
    """Stands in for ``sys.stdout`` or ``sys.stderr``. Whatever is asked of it, its target answers.

    Args:
        target: Where the text goes first; may be changed while the tee is in use.
        log: Gets the same text.
        before: Called where a line begins: what was written elsewhere earlier comes first.
        fileno: The descriptor for those who write without Python; the target's own by default.
    """

    def __init__(
        self, target: TextIO, log: LineLog, *, before: Callable[[], None] | None = None, fileno: int | None = None
    ) -> None:
        self.target = target
        self._log = log
        self._before = before
        self._fileno = fileno
        self._in_line = False

    def write(self, text: str) -> int:
        """Write text; what the target raises is raised."""
        if self._before is not None and not self._in_line:
            self._before()
        try:
            return self.target.write(text)
        finally:
            self._log.write(text)
            self._in_line = text[-1:] != "\n"

    def writelines(self, lines: Iterable[str]) -> None:
        """Write all of them, one after the other."""
        for line in lines:
            self.write(line)

    def fileno(self) -> int:
        """The descriptor; raises OSError if there is none."""
        return self.target.fileno() if self._fileno is None else self._fileno

    @property
    def buffer(self) -> TeeBuffer:
        """The stream of bytes below; raises AttributeError if the target has none."""
        return TeeBuffer(self.target.buffer, self._log, self._before)

    def release(self, target: TextIO) -> None:
        """From now on it is nothing but another name of the target: somebody may have kept it."""
        self.target = target
        self._before = self._fileno = None

    def __getattr__(self, name: str) -> object:
        return getattr(self.target, name)


class TeeBuffer:
    """The bytes below a tee."""

    def __init__(self, target: BinaryIO, log: LineLog, before: Callable[[], None] | None) -> None:
        self._target = target
        self._log = log
        self._before = before

    def write(self, data: bytes) -> int:
        """Write bytes; what the target raises is raised."""
        if self._before is not None:
            self._before()
        try:
            return self._target.write(data)
        finally:
            self._log.write_bytes(bytes(data))

    def writelines(self, lines: Iterable[bytes]) -> None:
        """Write all of them, one after the other."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self._target, name)
