"""A terminal for the program alone, and the one outside, which must be left as it was."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import tty
from contextlib import suppress
from typing import Any

_SIZE = struct.Struct("HHHH")
_DEFAULT_SIZE = _SIZE.pack(24, 80, 0, 0)


class InnerTerminal:
    """A pseudo-terminal of the size of the one outside.

    Attributes:
        master: Our side, which does not block.
        slave: The program's side; closed when it has been handed over.
    """

    def __init__(self) -> None:
        self.master, self.slave = _above_standard(os.openpty())
        os.set_blocking(self.master, False)
        self._last_typed = b"\n"
        self.resize()
        outer = _a_terminal()
        attributes = termios.tcgetattr(self.slave if outer is None else outer)
        if not os.isatty(0):
            attributes[3] &= ~termios.ECHO  # what comes from a file is not typed
        with suppress(termios.error):
            termios.tcsetattr(self.slave, termios.TCSANOW, attributes)

    def resize(self) -> None:
        """Make it as large as the one outside; the program is told by the system."""
        with suppress(OSError):
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, _outer_size())

    def type(self, data: bytes) -> int:
        """Type this; how much of it was taken."""
        try:
            taken = os.write(self.master, data)
        except BlockingIOError:
            return 0
        except OSError:  # the program has closed its side
            return len(data)
        self._last_typed = data[taken - 1 : taken] or self._last_typed
        return taken

    def end_of_input(self) -> bytes:
        """What is to be typed at the end of a file: twice, if a line is open."""
        return b"\x04" if self._last_typed == b"\n" else b"\x04\x04"


class OuterTerminal:
    """The terminal that Headway's standard input is, if it is one, and Headway is in its foreground."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None  # as termios has them

    def make_raw(self) -> bool:
        """Let every key through, as it is; false if that is not ours to do."""
        if self._before is not None or not in_foreground():
            return False
        try:
            before = termios.tcgetattr(0)
            tty.setraw(0, termios.TCSADRAIN)
        except termios.error:
            return False
        self._before = before
        return True

    @property
    def raw(self) -> bool:
        """Whether keys are let through."""
        return self._before is not None

    def restore(self) -> None:
        """Leave it as it was."""
        before, self._before = self._before, None
        if before is not None:
            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, before)


def in_foreground() -> bool:
    """Whether standard input is a terminal, and listens to us."""
    try:
        return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:  # not our session's: it knows no foreground
        return True


def _a_terminal() -> int | None:
    return next((descriptor for descriptor in (0, 1, 2) if os.isatty(descriptor)), None)


def _outer_size() -> bytes:
    for descriptor in (1, 2, 0):
        with suppress(OSError):
            size: bytes = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(_SIZE.size))
            if all(_SIZE.unpack(size)[:2]):
                return size
    return _DEFAULT_SIZE


def _above_standard(pair: tuple[int, int]) -> tuple[int, int]:
    ends = []
    for end in pair:
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3))
        os.close(end)
    return ends[0], ends[1]
