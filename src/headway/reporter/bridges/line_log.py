"""A stream of text as lines of a log, written to by many threads."""

from __future__ import annotations

import codecs
import logging
import os
import threading
import weakref

from headway.reporter.bridges.lines import Lines
from headway.reporter.bridges.whereabouts import here, in_own_thread
from headway.reporter.reports import Reports

logger = logging.getLogger("headway")

_thread = threading.local()


class _Unlogged:
    """What this thread writes meanwhile is not logged, because it is reported in another way."""

    def __enter__(self) -> None:
        _thread.depth = getattr(_thread, "depth", 0) + 1

    def __exit__(self, *_: object) -> None:
        _thread.depth -= 1


unlogged = _Unlogged()


class _ThreadText:
    """What one thread has written of a line."""

    __slots__ = ("busy", "decoder", "lines", "own", "thread")

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.own = in_own_thread()
        self.busy = False
        self.lines = Lines()
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")


class LineLog:
    """Writes a stream into the log line by line; each thread's lines are whole, whatever the others write between.

    Never raises. What is written while a line is being reported, or by Headway's own threads, is left out, or it
    would report itself again. There is no lock: a fork finds none held.

    Args:
        run: Whose log it is; a line belongs to the stage of that run that the writing thread is in.
        stream: The stream's name.
    """

    def __init__(self, run: Reports, stream: str) -> None:
        self._run = run
        self._stream = stream
        self._closed = False
        self._forget()
        _open.add(self)

    def write(self, text: object) -> None:
        """Take in text; what is no text is for somebody else to complain of."""
        if isinstance(text, str):
            self._write(text)

    def write_bytes(self, data: bytes) -> None:
        """Take in UTF-8; what is none becomes U+FFFD."""
        self._write(data)

    def put(self, lines: list[str]) -> None:
        """Report whole lines."""
        scope = here(self._run)
        if lines and scope is not None:
            try:
                scope.log("\n".join(lines) + "\n", stream=self._stream)
            except Exception:
                logger.warning("some of %s could not be reported", self._stream, exc_info=True)

    def close(self) -> None:
        """Report the lines that did not end, and take in nothing more."""
        self._closed = True
        for text in list(self._texts):
            self._finish(text)

    def _write(self, text: str | bytes) -> None:
        if self._closed or getattr(_thread, "depth", 0) > 0:
            return
        own = self._text()
        if own.busy or own.own:
            return
        own.busy = True
        try:
            self.put(own.lines.feed(text if isinstance(text, str) else own.decoder.decode(text)))
        finally:
            own.busy = False

    def _text(self) -> _ThreadText:
        text: _ThreadText | None = getattr(self._local, "text", None)
        if text is None:
            for each in [each for each in self._texts if not each.thread.is_alive()]:
                self._finish(each)
            text = self._local.text = _ThreadText()
            self._texts.append(text)
        return text

    def _finish(self, text: _ThreadText) -> None:
        try:
            self._texts.remove(text)
        except ValueError:  # another thread was faster
            return
        self.put(text.lines.feed(text.decoder.decode(b"", final=True)) + text.lines.flush())

    def _forget(self) -> None:
        self._local = threading.local()
        self._texts: list[_ThreadText] = []


_open: weakref.WeakSet[LineLog] = weakref.WeakSet()


def _after_fork() -> None:
    """What the parent's threads began to write is the parent's to report."""
    for each in list(_open):
        each._forget()


os.register_at_fork(after_in_child=_after_fork)
