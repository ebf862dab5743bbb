"""The thread that reads a program's output for the log, as fast as the log takes it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from headway.runners.backlog import Backlog
from headway.runners.recognition.recogniser import Recogniser, thinned
from headway.runners.recognition.signs import Sign
from headway.runners.telling import Telling

logger = logging.getLogger("headway")

AHEAD_BYTES = 1 * 1024 * 1024
"""Given to the reporter without knowing that it has been stored: its memory is not the place for more."""

PATIENCE_S = 2.0
"""After so long a store is taken to be out of reach, and the reporter's own spool is the better place."""

SETTLED_S = 0.05
"""When nothing more comes for so long, what a program was drawing is drawn."""


class Feeder:
    """Takes output from the backlog to the run, in a thread of its own.

    Args:
        backlog: Where the output is.
        recognisers: One for each stream, by its number.
        telling: Where it goes.
        flush: Waits until what was given so far is durable, so many seconds at most.
    """

    def __init__(
        self,
        backlog: Backlog,
        recognisers: Sequence[Recogniser],
        telling: Telling,
        flush: Callable[[float], bool],
    ) -> None:
        self._backlog = backlog
        self._recognisers = recognisers
        self._telling = telling
        self._flush = flush
        self._ahead = 0
        self._stalled = False
        self._unsettled: set[int] = set()
        self._thread = threading.Thread(target=self._run, name="headway-output", daemon=True)

    def start(self) -> None:
        """Begin. Raises RuntimeError if there can be no more threads."""
        self._thread.start()

    def finish(self) -> None:
        """After the backlog's end: wait until everything was given to the run."""
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._backlog.ended:
                self._round()
            for stream, recogniser in enumerate(self._recognisers):
                self._tell(stream, recogniser.finish())
        except Exception:
            logger.exception("a program's output is not reported any more, because of a defect")
            while not self._backlog.ended:
                self._backlog.take(None)

    def _round(self) -> None:
        piece = self._backlog.take(SETTLED_S if self._unsettled else None)
        if piece is None:
            self._glimpse()
        elif piece.left_out:
            self._telling.left_out(piece.left_out)
        else:
            data = thinned(piece.data) if self._backlog.crowded else piece.data
            self._tell(piece.stream, self._recognisers[piece.stream].feed(data))
            self._unsettled.add(piece.stream)
            self._keep_pace(len(data))

    def _tell(self, stream: int, signs: list[Sign]) -> None:
        for sign in signs:
            self._telling.tell(stream, sign)

    def _glimpse(self) -> None:
        for stream in self._unsettled:
            sign = self._recognisers[stream].glimpse()
            if sign is not None:
                self._telling.tell(stream, sign)
        self._unsettled.clear()

    def _keep_pace(self, size: int) -> None:
        self._ahead += size
        if self._ahead >= AHEAD_BYTES:
            self._ahead = 0
            # While the store is out of reach nobody waits long for it: it may be so for hours.
            self._stalled = not self._flush(PATIENCE_S / 10 if self._stalled else PATIENCE_S)
