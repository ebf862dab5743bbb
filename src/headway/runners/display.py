"""Where a program's output is seen: Headway's own standard output or error, which may be slow, stuck or closed."""

from __future__ import annotations

import errno
import os
import select
import stat

AT_ONCE = 4096
"""A pipe or terminal that is ready takes so much without making us wait."""


class Display:
    """Passes bytes on unchanged. Waits for nobody: who wants to know when it takes more polls its descriptor.

    Args:
        descriptor: Where to write; None to show nothing.

    Attributes:
        closed: Nobody reads any more.
        terminal: It is a terminal.
        trouble: Why nothing more can be shown: what the system said, such as that the disk is full.
    """

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor = descriptor
        self.closed = False
        self.trouble: str | None = None
        self._pending = memoryview(b"")
        self._file = self.terminal = False
        if descriptor is not None:
            try:
                self._file = stat.S_ISREG(os.fstat(descriptor).st_mode)
                self.terminal = os.isatty(descriptor)
            except OSError:  # it was closed when we were started
                self.descriptor = None

    @property
    def busy(self) -> bool:
        """Whether it still has something to pass on, and takes nothing new."""
        return bool(self._pending)

    def show(self, data: bytes) -> None:
        """Take bytes, and pass on what can be."""
        if self.descriptor is None:
            return
        self._pending = memoryview(data)
        self.push()

    def push(self) -> None:
        """Pass on what can be."""
        while self._pending and (self._file or self._ready()):
            assert self.descriptor is not None
            try:
                written = os.write(self.descriptor, self._pending if self._file else self._pending[:AT_ONCE])
            except BlockingIOError:
                return
            except OSError as error:
                self._give_up(error)
                return
            self._pending = self._pending[written:]

    def give_up(self) -> None:
        """Show nothing more."""
        self.descriptor = None
        self._pending = memoryview(b"")

    def _give_up(self, error: OSError) -> None:
        self.closed = error.errno in (errno.EPIPE, errno.EIO)
        self.trouble = None if self.closed else error.strerror
        self.give_up()

    def _ready(self) -> bool:
        poll = select.poll()
        poll.register(self.descriptor or 0, select.POLLOUT)
        return bool(poll.poll(0))
