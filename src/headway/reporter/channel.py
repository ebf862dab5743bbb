"""What a run and its stages share: the outbox, the thread that empties it, and what has been heard back."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from headway.errors import Cancelled
from headway.ports import EventSink, NewRun, StoredBlob
from headway.protocol.events import Data, JsonObject, Priority
from headway.protocol.names import RunId
from headway.reporter.delivery import Delivery
from headway.reporter.identity import new_reporter
from headway.reporter.mirror import Mirror
from headway.reporter.outbox import LogLine, Marker, Outbox, Report
from headway.reporter.sampling import Progress
from headway.reporter.sender import Sender

if TYPE_CHECKING:
    from headway.progress.state import State

SinkOpener = Callable[[], EventSink]


class Channel:
    """One run's way out. Safe in any thread.

    Args:
        run_id: The run.
        open_sink: Opens the target, in the background; None to report nothing.
        lease_s: How long the run outlives its owner's silence.
    """

    def __init__(self, run_id: RunId, open_sink: SinkOpener | None, lease_s: float) -> None:
        self.run_id = run_id
        self.cancelled = False
        self._open_sink = open_sink
        self._lease_s = lease_s
        self._outbox = Outbox()
        self._mirror = Mirror(run_id)
        self._sender: Sender | None = None
        self._opened: weakref.WeakSet[Progress] = weakref.WeakSet()

    @property
    def silent(self) -> bool:
        """Whether there is nowhere to report to."""
        return self._open_sink is None

    def start(self, run: NewRun) -> None:
        """Begin to send."""
        if self._open_sink is None:
            return
        delivery = Delivery(self._open_sink, run, new_reporter(), self._lease_s)
        self._sender = Sender(
            self._outbox, delivery, self._mirror, renew_s=self._lease_s / 3, on_cancel=self._request_cancel
        )
        self._sender.start()

    def put(
        self, stage: str | None, data: Data | JsonObject, type_: str | None = None, priority: Priority | None = None
    ) -> None:
        """Send a report."""
        if self._open_sink is not None:
            self._outbox.put(Report(time.time(), stage, data, type_, priority))

    def put_line(self, stage: str | None, stream: str, level: str | None, text: str) -> None:
        """Send text for the log."""
        if self._open_sink is not None:
            self._outbox.put_line(LogLine(time.time(), stage, stream, level, text))

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

    def opened(self, progress: Progress) -> None:
        """A stage was opened: a cancel must reach its loops."""
        self._opened.add(progress)
        progress.attention = True

    def announce(self, progress: Progress) -> None:
        """A stage has progressed."""
        if self._sender is not None:
            self._sender.announce(progress)

    def flush_progress(self) -> None:
        """Put the newest progress of the open stages where the end of the run is about to follow."""
        for progress in list(self._opened):
            newest = None if progress.closed else progress.fetch()
            progress.closed = True
            if newest is not None:
                self.put(progress.path, newest)

    def check(self) -> None:
        """Raise Cancelled if somebody asked for it."""
        if self.cancelled:
            raise Cancelled(f"run {self.run_id} is cancelled")

    def _request_cancel(self) -> None:
        self.cancelled = True
        for progress in list(self._opened):
            progress.attention = True

    def state(self) -> State:
        """The state as last folded."""
        return self._mirror.state()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is durable; false if it is not in time, or never will be."""
        if self._sender is None:
            return self.silent
        marker = Marker()
        self._outbox.put(marker)
        return marker.done.wait(timeout_s) and not marker.failed

    def close(self, timeout_s: float) -> int:
        """Send what is left and end; how many reports could not be sent."""
        if self._sender is None or self._sender.close(timeout_s):
            return 0
        return self._sender.undelivered + len(self._outbox)
