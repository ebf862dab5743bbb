"""What a job must hear: that somebody wants it to stop, and what somebody has answered.

A thread of its own, so that a cancel arrives also while the sender waits for a store that takes no appends.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from headway.errors import Gap, HeadwayError
from headway.ports import EventSink, Record, Stop
from headway.protocol import codec, events
from headway.protocol.cursor import Cursor
from headway.reporter.backoff import Backoff

logger = logging.getLogger("headway")


class Inbox:
    """Listens to one run's log until it is closed.

    Args:
        open_sink: Opens the target.
        run_id: The run.
        on_cancel: Called with the reason when a cancel was requested; in the inbox's thread.
        on_answer: Called with an input's id and value when somebody answered.
    """

    def __init__(
        self,
        open_sink: Callable[[], EventSink],
        run_id: str,
        on_cancel: Callable[[str | None], None],
        on_answer: Callable[[str, object], None],
    ) -> None:
        self._open_sink = open_sink
        self._run_id = run_id
        self._on_cancel = on_cancel
        self._on_answer = on_answer
        self._stop = Stop()
        self._cursor: Cursor | None = None
        self._thread = threading.Thread(target=self._run, name="headway-inbox", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread soon."""
        self._stop.set()

    def wait(self, timeout_s: float) -> None:
        """After ``close``: wait for the thread, which may be waiting for a server."""
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        backoff = Backoff()
        while not self._stop.is_set():
            try:
                self._listen(backoff)
            except Gap:
                self._cursor = None  # the log was replaced: hear the new one from its beginning
            except HeadwayError:
                # The run is not there yet, or the store is out of reach, which the sender says.
                self._stop.wait(backoff.next_delay())
            except Exception:
                logger.exception("listening to run %s ended by a defect: it cannot be cancelled any more", self._run_id)
                return

    def _listen(self, backoff: Backoff) -> None:
        sink = self._open_sink()
        try:
            while not self._stop.is_set():
                page = sink.listen(self._run_id, self._cursor, self._stop)
                for record in page.records:
                    self._hear(record)
                self._cursor = page.cursor
                backoff.reset()
        finally:
            sink.close()

    def _hear(self, record: Record) -> None:
        match codec.data_of(codec.decode_event(record.body)):
            case events.RunCancelRequested(reason=reason):
                self._on_cancel(reason)
            case events.InputGiven(id=input_id, value=value):
                self._on_answer(input_id, value)
