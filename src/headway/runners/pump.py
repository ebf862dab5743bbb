"""Between a program's output and those who want it: the terminal at once, the log in its own time.

One thread reads, shows and keeps; it waits for the program and the terminal only, in one poll. What the terminal does
not take yet is not read from the program either, as it would be without Headway. What the log does not take yet waits
in the backlog.
"""

from __future__ import annotations

import fcntl
import os
import select
import sys
import termios
from collections.abc import Callable
from contextlib import suppress

from headway.runners.backlog import Backlog
from headway.runners.display import Display
from headway.runners.kept import Kept
from headway.runners.program import Program, Word
from headway.runners.sentinel import Sentinel
from headway.runners.terminal import InnerTerminal

READ_BYTES = 64 * 1024
"""Read at once, usually."""

READ_MORE_BYTES = 1024 * 1024
"""Read at once from a program that has filled the first."""

LAST_BYTES = 1024 * 1024
"""Read at most once nobody looks any more: what is in the pipe was written with success, but ``yes`` fills it again."""

STUCK_MS = 200
"""How long a terminal that takes nothing is waited for at a time, once the program is gone."""


class Stream:
    """One of the program's output streams.

    Args:
        number: Its number in the backlog.
        descriptor: Where to read.
        display: Where it is seen.
        kept: Keeps its bytes.
        sentinel: Looks for a line in it.
    """

    def __init__(
        self, number: int, descriptor: int, display: Display, kept: Kept | None, sentinel: Sentinel | None
    ) -> None:
        self.number = number
        self.descriptor = descriptor
        self.display = display
        self.kept = kept
        self.sentinel = sentinel
        self.open = True
        self._size = READ_BYTES
        os.set_blocking(descriptor, False)

    def read(self) -> bytes | None:
        """What there is; None if there is nothing at the moment, nothing at all at the end."""
        try:
            data = os.read(self.descriptor, self._size)
        except BlockingIOError:
            return None
        except OSError:  # the end of a terminal
            return b""
        self._size = READ_MORE_BYTES if len(data) == self._size else READ_BYTES
        return data

    def want(self, wanted: dict[int, int]) -> None:
        """Say what to wait for."""
        if self.display.busy:
            assert self.display.descriptor is not None
            wanted[self.display.descriptor] = wanted.get(self.display.descriptor, 0) | select.POLLOUT
        elif self.open:
            wanted[self.descriptor] = wanted.get(self.descriptor, 0) | select.POLLIN

    def waiting(self) -> int:
        """How many bytes could be read now."""
        count = fcntl.ioctl(self.descriptor, termios.FIONREAD, bytes(4))
        return int.from_bytes(count, sys.byteorder)

    def close(self) -> None:
        """Read no more; a program that goes on writing is told so by the system."""
        if self.open:
            self.open = False
            os.close(self.descriptor)


class Pump:
    """Moves output until the program has ended and everything was read.

    Args:
        program: The program.
        streams: Its output.
        backlog: Gets all of it.
        on_word: Called with what the supervisor says.
        on_sentinel: Called when the sentinel's line has come.

    Attributes:
        keyboard: Moves input to a terminal of the program's own; None if it reads ours.
        hasty: See ``hurry``.
    """

    def __init__(
        self,
        program: Program,
        streams: list[Stream],
        backlog: Backlog,
        on_word: Callable[[Word], None],
        on_sentinel: Callable[[], None],
    ) -> None:
        self._program = program
        self._streams = streams
        self._backlog = backlog
        self._on_word = on_word
        self._on_sentinel = on_sentinel
        self._begun = False
        self._gone = False
        self.keyboard: Keyboard | None = None
        self.hasty = False

    def hurry(self) -> None:
        """Wait for nobody who does not take what the program has said. In any thread."""
        self.hasty = True

    def run(self) -> None:
        """Until all is over; an exception that is raised in here, as by Ctrl-C, leaves everything as it is."""
        while not self._gone or any(stream.open or stream.display.busy for stream in self._streams):
            self._round()

    def _round(self) -> None:
        wanted: dict[int, int] = {} if self._gone else {self._program.answers: select.POLLIN}
        # A terminal is made ready when the program starts: nothing of what that says may be shown before.
        streams = self._streams if self._begun or self.keyboard is None else []
        for stream in streams:
            stream.want(wanted)
        if self.keyboard is not None and not self._gone:
            self.keyboard.want(wanted)
        ready = _ready(wanted, self._patience_ms())
        for stream in streams:
            self._move(stream, ready)
        if self.keyboard is not None:
            self.keyboard.move(ready)
        if not self._gone and self._program.answers in ready:
            self._listen()

    def _patience_ms(self) -> int | None:
        """How long to wait: when the program is gone, what it has written is there already."""
        if not self._gone:
            return None
        return STUCK_MS if any(stream.display.busy for stream in self._streams) else 0

    def _move(self, stream: Stream, ready: set[int]) -> None:
        if stream.display.busy:
            if self._gone and self.hasty and not ready:
                stream.display.give_up()  # whoever stopped us does not wait for a terminal that is stuck
            stream.display.push()
        elif stream.open and (stream.descriptor in ready or self._gone):
            self._read(stream)
        if stream.display.closed and stream.open:
            self._read_last(stream)
            stream.close()  # as if the program wrote there itself: it is told at its next write

    def _read(self, stream: Stream) -> None:
        data = stream.read()
        if data:
            self._take(stream, data)
        elif data is not None or self._gone:
            stream.close()

    def _read_last(self, stream: Stream) -> None:
        """Keep what the program has written to a display that is closed: it may have ended well with it."""
        left = LAST_BYTES
        while left > 0:
            data = stream.read()
            if not data:
                return
            self._take(stream, data)
            left -= len(data)
        self._backlog.leave_out(stream.waiting())

    def _take(self, stream: Stream, data: bytes) -> None:
        stream.display.show(data)
        if stream.kept is not None:
            stream.kept.add(data)
        self._backlog.put(stream.number, data)
        if stream.sentinel is not None and not stream.sentinel.seen and stream.sentinel.feed(data):
            self._on_sentinel()

    def _listen(self) -> None:
        words = self._program.hear()
        if words is None:
            self._begun = self._gone = True
        for word in words or ():
            self._on_word(word)
            self._begun = True
            self._gone = self._gone or word.word in ("gone", "unable")


def _ready(wanted: dict[int, int], timeout_ms: int | None) -> set[int]:
    poll = select.poll()
    for descriptor, events in wanted.items():
        poll.register(descriptor, events)
    return {descriptor for descriptor, _ in poll.poll(timeout_ms)}


class Keyboard:
    """Moves what is typed to a terminal of the program's own.

    Args:
        terminal: The terminal.
        on_interrupt: Called when Ctrl-C is typed, which the program gets like any other key.

    Attributes:
        reading: What is typed is ours: not so while we are stopped, or in the background.
    """

    def __init__(self, terminal: InnerTerminal, on_interrupt: Callable[[], None]) -> None:
        self._terminal = terminal
        self._on_interrupt = on_interrupt
        self._pending = b""
        self._ended = False
        self.reading = False

    def want(self, wanted: dict[int, int]) -> None:
        """Say what to wait for."""
        if self._pending:
            wanted[self._terminal.master] = wanted.get(self._terminal.master, 0) | select.POLLOUT
        elif self.reading and not self._ended:
            wanted[0] = wanted.get(0, 0) | select.POLLIN

    def move(self, ready: set[int]) -> None:
        """Read, and type."""
        if not self._pending and self.reading and not self._ended and 0 in ready:
            self._read()
        if self._pending:
            self._pending = self._pending[self._terminal.type(self._pending) :]

    def _read(self) -> None:
        data = b""
        with suppress(OSError):
            data = os.read(0, 4096)
        if not data:
            self._ended = True
        elif b"\x03" in data:
            self._on_interrupt()
        self._pending = data or self._terminal.end_of_input()
