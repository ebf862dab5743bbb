"""The thread that sends. What it does there is imported there, so that the job need not wait for it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from headway.reporter.errand import Errand
from headway.reporter.loading import loading
from headway.reporter.outbox import Marker, reports_in

if TYPE_CHECKING:
    from headway.reporter.rounds import Rounds

logger = logging.getLogger("headway")

GIVING_UP_S = 1.0
"""The last part of the time for closing: what is under way is told to end."""

KEEPING_S = 10.0
"""For what is left to be kept on disk, by a thread that is about to do it: most often that takes milliseconds."""

DRAIN_ITEMS = 5_000
"""Items that are let go of at once."""

DRAIN_S = 10.0
"""Between two looks for what has come in since, when nobody rings."""


class Sender:
    """Sends one run's reports. Start it once; ``stop`` and ``wait`` end it."""

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self._outbox = errand.outbox
        self._rounds: Rounds | None = None
        self._given_up = False
        self._let_go = 0
        # Not the thread's own end: a join that a KeyboardInterrupt breaks off can take a live thread for a dead one.
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="headway-sender", daemon=True)

    @property
    def undelivered(self) -> int:
        """How many reports the log has not taken, of those that are not in the outbox any more."""
        in_rounds = 0 if self._rounds is None else self._rounds.undelivered
        return self._let_go + in_rounds + self._outbox.taken

    def start(self) -> None:
        """Start the thread. Raises RuntimeError if there can be no more threads."""
        self._thread.start()

    def stop(self) -> None:
        """Let it send what is there, and end. The outbox must be closed."""
        self._outbox.wake()

    def wait(self, timeout_s: float) -> bool:
        """After ``stop``: wait for the end; false if something could neither be sent nor kept.

        What could not be sent when the time is over is kept on disk, whatever keeps the sending thread waiting.
        """
        if not self._over.wait(max(0.0, timeout_s - GIVING_UP_S)):
            self.give_up()
            if not self._over.wait(max(0.0, min(timeout_s, GIVING_UP_S))):
                self._keep()
        return self._all_sent()

    def _keep(self) -> None:
        if self._rounds is not None and self._rounds.keep():
            self._drain()
        elif not self._all_sent():
            self._over.wait(KEEPING_S)

    def wait_sent(self, timeout_s: float) -> bool:
        """After ``stop``: whether everything was sent within ``timeout_s`` seconds. Gives nothing up."""
        return self._over.wait(timeout_s) and self._all_sent()

    def _all_sent(self) -> bool:
        return self.undelivered == 0 and not self._outbox.reports()

    def give_up(self) -> None:
        """After ``stop``: let it keep on disk what it could not send. ``wait`` does so by itself when it is time."""
        self._given_up = True
        if self._rounds is not None:
            self._rounds.give_up()

    def _run(self) -> None:
        try:
            with loading():
                from headway.reporter.rounds import Rounds

            rounds = self._rounds = Rounds(self._errand)
            if self._given_up:
                rounds.give_up()
            rounds.run()
        except Exception:
            logger.exception("reporting ended by a defect")
        try:
            if self._rounds is None or not self._rounds.abandoned:  # else it belongs to who keeps what is in there
                self._drain()
        finally:
            self._over.set()

    def _drain(self) -> None:
        """Nothing can be delivered any more: keep the outbox empty for as long as the job goes on, and count."""
        ended = self._rounds is not None and self._rounds.ended
        while True:
            items = self._outbox.take(DRAIN_ITEMS)
            self._outbox.take_announced()
            if not ended:
                self._let_go += reports_in(items)
            self._outbox.account()
            for item in items:
                if isinstance(item, Marker):
                    item.fail()
            if self._outbox.closed and not self._outbox.busy:
                return
            self._outbox.sleep(0.0 if self._outbox.closed else DRAIN_S)
