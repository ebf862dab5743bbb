"""Frames from a source that may block, in a thread of their own; and what is asked of the run, in others."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import closing

from headway.cli.screen.log import LINES_KEPT
from headway.cli.screen.signals import Signals
from headway.cli.screen.watched import Delivery
from headway.cli.source import Source
from headway.cli.watching import Opener, RunFrames
from headway.errors import HeadwayError
from headway.progress.state import InputEntry

WAITING_FRAMES = 64
"""Frames that wait for a screen that stands still; with more the source is not read on."""

PUT_S = 0.2
END_S = 1.0
"""How long the end of a thread is waited for: it may be in the middle of a read that a lock holds up."""


class WatchFeed:
    """See ``Feed``: a run that is watched.

    Args:
        watching: Its frames.

    Attributes:
        over: See ``Feed``.
        wake: Has the screen drawn again soon; from any thread.
    """

    def __init__(self, watching: RunFrames) -> None:
        self._watching = watching
        self._queue: queue.Queue[Delivery] = queue.Queue(WAITING_FRAMES)
        self._stopped = threading.Event()
        self._failure: BaseException | None = None
        self._done = self.over = False
        self._thread = threading.Thread(target=self._run, name="headway-watch", daemon=True)
        self.wake: Callable[[], None] = threading.Event().set

    def start(self, signals: Signals) -> None:
        """See ``Feed``."""
        self.wake = signals.wake
        self._thread.start()

    def _run(self) -> None:
        try:
            with closing(self._watching.frames()) as frames:
                for frame in frames:
                    lines = self._watching.newest_lines(frame, LINES_KEPT)
                    self._put(Delivery(frame, lines, self._watching.heard_at(frame)))
        except BaseException as error:  # raised again where frames are taken
            self._failure = error
        self._done = True
        self.wake()

    def _put(self, delivery: Delivery) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(delivery, timeout=PUT_S)
            except queue.Full:
                continue
            self.wake()
            return

    def take(self) -> Sequence[Delivery]:
        """See ``Feed``."""
        done = self._done  # before the queue is looked at: after it nothing comes
        taken = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        if done and not taken:
            self.over = True
            if self._failure is not None:
                raise self._failure
        return taken

    def due_s(self) -> float | None:
        """See ``Feed``."""
        return 0.0 if self._done else None

    def stop(self) -> None:
        """See ``Feed``."""
        self._stopped.set()
        self._watching.stop()
        if self._thread.is_alive():
            self._thread.join(END_S)


class Asking:
    """See ``Actions``: each in a thread of its own, with a source of its own.

    Args:
        opener: Opens the source.
        run_id: The run.
        tell: Told what came of it; from any thread.
    """

    def __init__(self, opener: Opener, run_id: Callable[[], str | None], tell: Callable[[str], None]) -> None:
        self._opener = opener
        self._run_id = run_id
        self._tell = tell

    def cancel(self) -> None:
        """See ``Actions``."""

        def ask(source: Source, run_id: str) -> str:
            done = source.cancel(run_id)
            return "cancelled: nobody was working on it" if done.ended else "asked the job to stop"

        self._start(ask, "asking the job to stop …")

    def answer(self, question: InputEntry, text: str) -> None:
        """See ``Actions``."""

        def give(source: Source, run_id: str) -> str:
            from headway.cli.answering import parse_answer

            source.answer(run_id, question.id, parse_answer(question, text, is_text=False))
            return "answered"

        self._start(give, "answering …")

    def _start(self, ask: Callable[[Source, str], str], meanwhile: str) -> None:
        run_id = self._run_id()
        if run_id is None:
            return
        self._tell(meanwhile)
        threading.Thread(target=self._ask, args=(ask, run_id), name="headway-ask", daemon=True).start()

    def _ask(self, ask: Callable[[Source, str], str], run_id: str) -> None:
        try:
            with self._opener() as source:
                self._tell(ask(source, run_id))
        except HeadwayError as error:
            self._tell(str(error))
