"""Standard output and error as lines of a run's log."""

from __future__ import annotations

import atexit
import io
import sys
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self, TextIO, cast

from headway.reporter.bridges.line_log import LineLog
from headway.reporter.bridges.pipe import Pipe
from headway.reporter.bridges.tee import Tee
from headway.reporter.reports import Reports

STREAMS = {"stdout": 1, "stderr": 2}
"""The streams, and where programs that are not Python find them."""


class OutputCapture:
    """While it is entered, what is written to stdout and stderr goes into the log too, under these names.

    The terminal gets everything as before. Of a line that is drawn over with ``\\r`` the last state is logged, of a
    last line without an end what there is; bad UTF-8 becomes U+FFFD. What threads write side by side stays in whole
    lines, each under the stage that its thread is in. Captures may be nested; afterwards everything is as it was.

    Args:
        run: Whose log it is.
        fd: Whether to log also what is written past Python: by child processes and C code. They find a pipe where
            they may expect a terminal. A child that outlives the capture is still shown, and not logged any more;
            one that outlives the whole process finds the pipe closed.
    """

    def __init__(self, run: Reports, *, fd: bool = False) -> None:
        self._run = run
        self._fd = fd
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            for name, number in STREAMS.items():
                self._capture(name, number, undo)
            self._undo = undo.pop_all()
        atexit.register(self._undo.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        atexit.unregister(self._undo.close)
        self._undo.close()

    def _capture(self, name: str, number: int, undo: ExitStack) -> None:
        log = LineLog(self._run, name)
        undo.callback(log.close)
        before: TextIO | None = getattr(sys, name)
        pipe = self._detour(number, log, before, undo)
        if before is None:  # as in a process without a console
            return
        if pipe is None:
            tee = Tee(before, log)
        else:
            direct = _lead_past(pipe, number, before, undo)
            tee = Tee(direct, log, before=pipe.drain, fileno=number)
        undo.callback(_put_back, name, tee, before)
        setattr(sys, name, tee)

    def _detour(self, number: int, log: LineLog, stream: TextIO | None, undo: ExitStack) -> Pipe | None:
        if not self._fd:
            return None
        _flush(stream)
        try:
            pipe = Pipe(number, log)
            pipe.start()
        except (OSError, RuntimeError):  # it is closed, and nobody can write there; or there can be no more threads
            return None
        undo.callback(pipe.restore)
        return pipe


def _lead_past(pipe: Pipe, number: int, stream: TextIO, undo: ExitStack) -> TextIO:
    """A way for Python's text to where the descriptor led before: through the pipe it would be logged twice."""
    tee, bottom = _bottom(stream)
    undo.callback(_flush, bottom)
    if _descriptor(bottom) != number:
        return stream
    direct = _writer(pipe.saved, bottom)
    undo.callback(_flush, direct)
    if tee is None:
        return direct
    tee.target = direct
    undo.callback(setattr, tee, "target", bottom)
    return stream


def _bottom(stream: TextIO) -> tuple[Tee | None, TextIO]:
    """The innermost of captures that are nested, if there are any, and the stream below it."""
    tee: Tee | None = None
    below: object = stream
    while isinstance(below, Tee):
        tee, below = below, below.target
    return tee, cast(TextIO, below)


def _writer(descriptor: int, like: TextIO) -> TextIO:
    unbuffered = getattr(like, "write_through", False)
    file = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        # Python's own unbuffered streams are made like this too, whatever the type says.
        cast(io.BufferedWriter, file) if unbuffered else io.BufferedWriter(file),
        encoding=like.encoding,
        errors=like.errors,
        newline="\n",
        line_buffering=getattr(like, "line_buffering", True),
        write_through=unbuffered,
    )


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):  # no descriptor below it, or it is closed
        return None


def _flush(stream: TextIO | None) -> None:
    with suppress(AttributeError, OSError, ValueError):
        cast(TextIO, stream).flush()


def _put_back(name: str, tee: Tee, before: TextIO) -> None:
    _flush(tee.target)
    if getattr(sys, name) is tee:
        setattr(sys, name, before)
    tee.release(before)
