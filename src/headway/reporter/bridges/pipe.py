"""What reaches a file descriptor without Python's streams: from child processes, C code, older handlers.

Theory of operation. The descriptor is made to lead into a pipe; a thread reads the pipe, passes everything on to where
the descriptor led before, and into the log. Whoever writes by way of Python first empties the pipe himself (``drain``),
so that what a child wrote before comes before. When the capture ends, the descriptor leads back and what is in the pipe
is taken; a child that still runs keeps its end of the pipe, so the thread goes on passing its output on, unlogged.
In a fork there is no such thread and nothing may be taken out of the pipe: it is the parent's.
"""

from __future__ import annotations

import codecs
import os
import select
import threading
from contextlib import suppress

from headway.reporter.bridges.line_log import LineLog
from headway.reporter.bridges.lines import Lines

READ_BYTES = 64 * 1024
"""What a pipe holds."""

READS = 16
"""How often a writer reads before his own turn: as much as the largest pipe holds, and no endless child stops him."""


class Pipe:
    """A descriptor's detour through a pipe, from ``start`` to ``restore``.

    Args:
        number: The descriptor: 1 or 2.
        log: Gets what is written to it.

    Raises:
        OSError: The descriptor is not open, or there are no more to be had; nothing was changed.

    Attributes:
        saved: A descriptor that leads to where it led before; closed some time after ``restore``.
    """

    def __init__(self, number: int, log: LineLog) -> None:
        self.saved = os.dup(number)
        self._number = number
        self._log = log
        self._lines = Lines()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lock = threading.RLock()
        self._draining = False
        self._logging = True
        self._ended = False
        self._pid = os.getpid()
        try:
            self._source, self._sink = os.pipe()
        except OSError:
            os.close(self.saved)
            raise
        os.set_blocking(self._source, False)
        self._thread = threading.Thread(target=self._pump, name="headway-output", daemon=True)

    def start(self) -> None:
        """Begin the detour.

        Raises:
            RuntimeError: There can be no more threads; nothing was changed.
        """
        try:
            self._thread.start()  # first: into a pipe that nobody empties the job would write until it is full
        except RuntimeError:
            for descriptor in (self._source, self._sink, self.saved):
                os.close(descriptor)
            raise
        _flush_c()
        os.dup2(self._sink, self._number)
        os.close(self._sink)

    def drain(self) -> None:
        """Pass on, and log, what is in the pipe now."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            # A finalizer that writes may come back here in the midst of it.
            if self._draining or self._ended:
                return
            self._draining = True
            try:
                self._read()
            finally:
                self._draining = False

    def restore(self) -> None:
        """End the detour: everything that was written to the descriptor before is logged when this returns."""
        _flush_c()
        os.dup2(self.saved, self._number)
        if os.getpid() != self._pid:
            os.close(self._source)
            os.close(self.saved)
            return
        self.drain()
        with self._lock:
            self._logging = False
            self._log.put(self._lines.feed(self._decoder.decode(b"", final=True)) + self._lines.flush())
        if self._ended:
            self._thread.join()

    def _read(self) -> None:
        for _ in range(READS):
            try:
                data = os.read(self._source, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self._ended = True
                return
            self._pass_on(data)
            if self._logging:
                self._log.put(self._lines.feed(self._decoder.decode(data)))

    def _pass_on(self, data: bytes) -> None:
        rest = memoryview(data)
        # If there is nobody any more to show it to, the children need not know; and the log still has it.
        with suppress(OSError):
            while rest:
                rest = rest[os.write(self.saved, rest) :]

    def _pump(self) -> None:
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        while not self._ended:
            poll.poll()
            self.drain()
        os.close(self._source)
        os.close(self.saved)


def _flush_c() -> None:
    """Let C code's buffers out before the descriptor leads elsewhere; without ctypes they are let out later."""
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).fflush(None)
