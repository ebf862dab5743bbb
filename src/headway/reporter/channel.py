"""What a run and its stages share: the outbox, the thread that empties it, and what has been heard back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from headway.errors import Cancelled
from headway.ports import EventSink, NewRun, StoredBlob
from headway.protocol.events import RANK, Data, JsonObject, Priority
from headway.protocol.names import RunId
from headway.reporter import plain
from headway.reporter.delivery import Delivery
from headway.reporter.identity import new_reporter
from headway.reporter.mirror import Mirror
from headway.reporter.outbox import LogLine, Marker, Outbox, Report
from headway.reporter.sampling import Progress
from headway.reporter.sender import Sender
from headway.reporter.tally import Tally

if TYPE_CHECKING:
    from headway.progress.state import State

logger = logging.getLogger("headway")

SinkOpener = Callable[[], EventSink]


class Channel:
    """One run's way out. Safe in any thread.

    Args:
        run_id: The run.
        open_sink: Opens the target, in the background; None to report nothing.
        lease_s: How long the run outlives its owner's silence.

    Attributes:
        cancelled: Somebody asked for a cancel.
        tally: What became of reports that were not delivered as they were made.
    """

    def __init__(self, run_id: RunId, open_sink: SinkOpener | None, lease_s: float) -> None:
        self.run_id = run_id
        self.cancelled = False
        self.tally = Tally(run_id)
        self._lease_s = lease_s
        self._stages: dict[Progress, None] = {}
        self._begin(open_sink)

    def _begin(self, open_sink: SinkOpener | None) -> None:
        self._open_sink = open_sink
        self._outbox = Outbox()
        self._mirror = Mirror(self.run_id)
        self._sender: Sender | None = None

    @property
    def silent(self) -> bool:
        """Whether there is nowhere to report to."""
        return self._open_sink is None

    def silence(self) -> None:
        """From now on report nothing. In a forked child: what waits is the parent's, and so may be any lock in here."""
        self._stages.clear()
        self._begin(None)

    def start(self, run: NewRun) -> None:
        """Begin to send."""
        if self._open_sink is None:
            return
        delivery = Delivery(self._open_sink, run, new_reporter(), self._lease_s)
        sender = Sender(
            self._outbox,
            delivery,
            self._mirror,
            self.tally,
            renew_s=self._lease_s / 3,
            on_cancel=self._request_cancel,
        )
        try:
            sender.start()
        except RuntimeError as error:  # no more threads: too many of them, or the interpreter is ending
            logger.warning("run %s is not reported: %s", self.run_id, error)
            self.silence()
        else:
            self._sender = sender

    def put(
        self, stage: str | None, data: Data | JsonObject, type_: str | None = None, priority: Priority | None = None
    ) -> None:
        """Send a report."""
        if self._open_sink is not None and not self._outbox.put(Report(time.time(), stage, data, type_, priority)):
            self._note_late()

    def emit(self, stage: str | None, type_: str, data: object, priority: Priority) -> None:
        """Send an event of a job's own."""
        if self._open_sink is None:
            return
        frozen = plain.frozen({} if data is None else data)
        known = isinstance(priority, str) and priority in RANK
        if frozen is None:
            self.tally.add("refused", f"{plain.text(type_)}: its data are too large: put them into an artifact")
        else:
            self.put(stage, frozen, plain.text(type_), priority if known else "medium")

    def put_line(self, stage: str | None, stream: str, level: str | None, text: str) -> None:
        """Send text for the log."""
        if self._open_sink is None:
            return
        line = LogLine(
            time.time(), stage, plain.text(stream), None if level is None else plain.text(level), plain.text(text)
        )
        if not self._outbox.put_line(line):
            self._note_late()

    def _note_late(self) -> None:
        # What was dropped for want of room is counted where it would have been.
        if self._outbox.closed:
            self.tally.add("left out", "it came after the run's end")

    def put_artifact(self, name: str, content: BinaryIO | Path) -> StoredBlob | None:
        """Store an artifact's content, at once; None if there is nowhere to store it.

        Raises:
            HeadwayError, OSError: It could not be read or stored.
        """
        if self._open_sink is None:
            return None
        sink = self._open_sink()
        try:
            return sink.put_artifact(self.run_id, name, content)
        finally:
            sink.close()

    def open_stage(self, progress: Progress, data: Data) -> None:
        """A stage starts: a cancel must reach its loops from now on."""
        if self._open_sink is None:
            return
        self._stages[progress] = None
        if not self._outbox.put(Report(time.time(), progress.path, data, opens=progress)):
            progress.starts_seen += 1  # there will be none to wait for
            self._note_late()

    def close_stage(self, progress: Progress) -> None:
        """A stage is about to end: put its newest progress, and leave it alone from now on."""
        progress.closed = True
        self._stages.pop(progress, None)
        newest = progress.fetch()
        if newest is not None:
            self.put(progress.path, newest)

    def close_stages(self) -> None:
        """The run is about to end: the same for all stages that are open."""
        for progress in list(self._stages):
            self.close_stage(progress)

    def announce(self, progress: Progress) -> None:
        """A stage has progressed."""
        if self._open_sink is not None:
            self._outbox.announce(progress)

    def check(self) -> None:
        """Raise Cancelled if somebody asked for it."""
        if self.cancelled:
            raise Cancelled(f"run {self.run_id} is cancelled")

    def _request_cancel(self) -> None:
        self.cancelled = True
        for progress in list(self._stages):
            progress.attention = True

    def state(self) -> State:
        """The state as last folded."""
        return self._mirror.state()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is durable; false if it is not in time, or never will be."""
        if self.silent:
            return True
        if self._sender is None:
            return False
        marker = Marker()
        if self._outbox.put(marker):
            return marker.done.wait(timeout_s) and not marker.failed
        return self._outbox.closed and self._sender.wait_sent(timeout_s)

    def stop(self) -> None:
        """Take no more reports, and begin to send what is left."""
        self._outbox.closed = True
        if self._sender is not None:
            self._sender.stop()

    def close(self, timeout_s: float) -> int:
        """Send what is left, and end; how many reports could not be sent."""
        self.stop()
        if self._sender is None or self._sender.wait(timeout_s):
            return 0
        return self._sender.undelivered + self._outbox.reports()
