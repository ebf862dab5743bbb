"""What a run and its stages share: the outbox, the thread that empties it, and what has been heard back."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from headway.errors import HeadwayError
from headway.ports import EventSink, NewRun, StoredBlob
from headway.protocol import codec, times
from headway.protocol.events import RANK, Data, Error, InputRequested, Json, JsonObject, Priority, RunCancelRequested
from headway.protocol.names import RunId
from headway.reporter import plain, results
from headway.reporter.asking import Questions, wait
from headway.reporter.errand import Errand
from headway.reporter.identity import new_reporter
from headway.reporter.inbox import Inbox
from headway.reporter.left import Leavable, LeftStages
from headway.reporter.loading import loading
from headway.reporter.mirror import Mirror
from headway.reporter.outbox import Marker, Outbox, Report
from headway.reporter.sampling import Progress
from headway.reporter.sender import Sender
from headway.reporter.stopping import Stopping
from headway.reporter.tally import Tally

if TYPE_CHECKING:
    from headway.progress.state import State
    from headway.reporter.gallery import Gallery
    from headway.reporter.pictures import PictureOptions

logger = logging.getLogger("headway")

PATIENCE_S = 10.0
"""After a cancel: most jobs come to a safe point sooner, and who waits longer wants to know why."""

INBOX_END_S = 0.2
"""An inbox that looks into a store ends at once; one that waits for a server is left to itself."""

HELPERS_POLL_S = 0.05
"""Between two looks whether helpers have left: short beside what a person notices."""

LOG = "log"
"""The stream of what is logged without naming one."""

OWN_TYPES = (
    "an event of your own is named 'x.' and a name, such as 'x.page-scrolled'; the protocol's come from the calls that "
    "they tell of, as findings do from finding(), and what becomes of a run its owner and its log say"
)
"""Why a type is not taken."""

SinkOpener = Callable[[], EventSink]


class Channel:
    """One run's way out, and what is heard back. Safe in any thread.

    Args:
        run_id: The run.
        open_sink: Opens the target, in the background; None to report nothing.
        lease_s: How long the run outlives its owner's silence.

    Attributes:
        stopping: Whether somebody wants the job to stop.
        tally: What became of reports that were not delivered as they were made.
        helps: Another process owns the run; this one reports parts of it.
        left: Stages of which it is not known yet how they ended.
        generation: How many forks lie between who made it and this process.
        like_results: Names of artifacts from here that a result must not take.
    """

    def __init__(self, run_id: RunId, open_sink: SinkOpener | None, lease_s: float) -> None:
        self.run_id = run_id
        self.helps = False
        self.generation = 0
        self.stopping = Stopping(run_id, self._reach_everybody)
        self.like_results: set[str] = set()
        self._lease_s = lease_s
        self._stages: dict[Progress, None] = {}
        self._begin(open_sink)

    def _begin(self, open_sink: SinkOpener | None) -> None:
        self._open_sink = open_sink
        self.tally = Tally(self.run_id)
        self._reporter = new_reporter()
        self._questions = Questions()
        self._outbox = Outbox()
        self._mirror = Mirror(self.run_id)
        self.left = LeftStages()
        self._gallery: Gallery | None = None
        self._sender: Sender | None = None
        self._inbox: Inbox | None = None
        self._joins_late = False
        self._joins: deque[Callable[[], object]] = deque()
        self._announced_at: dict[Progress, float] = {}
        self._patience: threading.Timer | None = None
        self._lock = threading.RLock()  # for what happens seldom

    @property
    def silent(self) -> bool:
        """Whether there is nowhere to report to."""
        return self._open_sink is None

    def silence(self) -> None:
        """From now on report nothing."""
        self._stages.clear()
        self._begin(None)

    def join_after_fork(self) -> None:
        """In a forked child: what waits is the parent's, and so may be any lock in here. Help from the first report on.

        Stages that are open may be reported on from here, too.
        """
        if self._open_sink is None:
            return
        self.generation += 1
        self.stopping.join_after_fork()
        self._begin(self._open_sink)
        self.helps = True
        self.join_later(self.help)
        for progress in self._stages:
            progress.starts_seen = progress.starts
            progress.fetch()  # what was there at the fork is the parent's to tell
            progress.attention = True

    def help(self) -> None:
        """Begin to send, as a helper; the run may still be on its way to the store."""
        self.start(NewRun(run_id=self.run_id, kind="", at=times.to_text(time.time())))

    def join_later(self, join: Callable[[], object]) -> None:
        """Begin with the first report, by a call of ``join``, unless ``start`` comes first."""
        if self._open_sink is not None:
            self._joins.append(join)
            self._joins_late = True

    def begin_again(self) -> None:
        """After the end: with another identity, to be started once more."""
        self._begin(self._open_sink)

    def start(self, run: NewRun) -> None:
        """Begin to send, as the run's owner, or as a helper."""
        self._joins_late = False
        self._joins.clear()
        if self._open_sink is None:
            return
        if self._reporter.pid != os.getpid():  # the run was made before a fork: two processes may start it
            self._reporter = new_reporter()
        errand = Errand(
            outbox=self._outbox,
            open_sink=self._open_sink,
            run=run,
            reporter=self._reporter,
            lease_s=self._lease_s,
            mirror=None if self.helps else self._mirror,
            tally=self.tally,
            on_stop=self._told_to_stop,
            left=self.left,
        )
        sender = Sender(errand)
        inbox = Inbox(self._open_sink, self.run_id, self.stopping.request, self._questions.answer)
        try:
            inbox.start()
            sender.start()  # last, since a sender that has begun owns the run
        except RuntimeError as error:  # no more threads: too many of them, or the interpreter is ending
            logger.warning("run %s is not reported: %s", self.run_id, error)
            inbox.close()
            self.silence()
        except BaseException:  # an interrupt: what has begun is to be ended
            inbox.close()
            self._sender = None if sender._thread.ident is None else sender
            raise
        else:
            self._sender, self._inbox = sender, inbox

    def _join(self) -> None:
        try:
            join = self._joins.pop()
        except IndexError:  # another thread is just doing it
            return
        join()

    def hear(self) -> None:
        """The job wants to know whether it is to stop: then somebody must listen."""
        if self._joins_late:
            self._join()

    def _told_to_stop(self, reason: str | None) -> None:
        """The log has answered to the sender that somebody asked for a cancel, and does not say why."""
        self.stopping.request(reason or self._asked_reason())

    def _asked_reason(self) -> str | None:
        if self._open_sink is None or self.stopping.reason is not None:
            return None
        at_once = threading.Event()
        at_once.set()
        with suppress(HeadwayError), closing(self._open_sink()) as sink:
            for record in sink.listen(self.run_id, None, at_once).records:
                data = codec.data_of(codec.decode_event(record.body))
                if isinstance(data, RunCancelRequested) and data.reason:
                    return data.reason
        return None

    def put(
        self, stage: str | None, data: Data | JsonObject, type_: str | None = None, priority: Priority | None = None
    ) -> bool:
        """Send a report; false if there was no room for it, or the run is over."""
        if self.left.waiting:
            self.left.go_on()
        if self._joins_late:
            self._join()
        if self._open_sink is None or self._outbox.put(Report(time.time(), stage, data, type_, priority)):
            return True
        self._note_late()
        return False

    def emit(self, stage: str | None, type_: str, data: object, priority: Priority) -> None:
        """Send an event of a job's own."""
        if self._open_sink is None:
            return
        name, frozen = plain.text(type_), plain.frozen({} if data is None else data)
        known = isinstance(priority, str) and priority in RANK
        if not name.startswith("x."):
            self.tally.add("refused", f"{name[:80]!r} cannot be emitted: {OWN_TYPES}")
        elif frozen is None:
            self.tally.add("refused", f"{name}: its data are too large: put them into an artifact")
        else:
            self.put(stage, frozen, name, priority if known else "medium")

    def put_line(self, stage: str | None, stream: str, level: str | None, text: str) -> None:
        """Send text for the log."""
        if self._open_sink is None:
            return
        if self._joins_late:
            self._join()
        if self.left.waiting:
            self.left.go_on()
        # One call in a hundred is odd, and the others need not pay for it. What UTF-8 cannot say the sender mends.
        if type(text) is not str:
            text = plain.text(text)
        if stream is not LOG and (type(stream) is not str or not stream.isascii()):
            stream = plain.text(stream)
        if level is not None:
            level = plain.text(level)
        if not self._outbox.put_line(stage, stream, level, text):
            self._note_late()

    def _note_late(self) -> None:
        # What was dropped for want of room is counted where it would have been.
        if self._outbox.closed:
            over = "this process had left the run" if self.helps else "the run's end"
            self.tally.add("left out", f"it came after {over}")

    def put_artifact(self, name: str, content: BinaryIO | Path) -> StoredBlob | None:
        """Store an artifact's content, at once; None if there is nowhere to store it.

        Raises:
            HeadwayError, OSError: It could not be read or stored.
        """
        if self._open_sink is None:
            return None
        with closing(self._open_sink()) as sink:
            blob = sink.put_artifact(self.run_id, name, content)
        if results.is_like(name):
            self.like_results.add(name)
        return blob

    def artifact_names(self) -> set[str]:
        """The names that the run's artifacts have: as the log says, and those from here that it may not have yet."""
        mirror = Mirror(self.run_id)  # the sender's stands behind what helpers have put since
        if self._open_sink is not None:
            with suppress(HeadwayError), closing(self._open_sink()) as sink:
                mirror.catch_up(sink)
        states = mirror.state(), self._mirror.state()
        return self.like_results.union(entry.name for state in states for entry in state.artifacts)

    def put_picture(
        self, stage: str | None, content: object, caption: str | None, options: PictureOptions | None
    ) -> bool:
        """Take a screenshot, to be drawn small and stored in the background; false if it is refused."""
        if self._open_sink is None:
            return False
        if self._joins_late:
            self._join()
        return self._opened_gallery().take(content, stage, caption, options)

    def _opened_gallery(self) -> Gallery:
        with self._lock:  # two of them would give their pictures the same names
            if self._gallery is None:
                with loading():
                    from headway.reporter.gallery import Gallery
                self._gallery = Gallery(self._reporter.id, self.put_artifact, self.put, self._drop_picture)
            return self._gallery

    def _drop_picture(self) -> None:
        self.tally.add("dropped", "screenshots come faster than they can be drawn")

    def ask(
        self, request: Callable[[str], InputRequested], timeout_s: float, check: Callable[[], None] | None = None
    ) -> Json:
        """Ask a person, and wait.

        Args:
            request: Makes the question of its id.
            timeout_s: For how long.
            check: Raises when there is no use in waiting any longer; by default, when the job is to stop.

        Raises:
            TimeoutError, Cancelled
        """
        if self._open_sink is None:
            raise TimeoutError("there is nobody to ask: the run is reported nowhere")
        question = self._questions.ask()
        try:
            if not self.put(None, request(question.id)):
                raise TimeoutError("nobody was asked: the run is over, or its store has been out of reach for too long")
            check = check or self.stopping.check
            check()
            return wait(question, timeout_s, check)
        finally:
            self._questions.forget(question)

    def look_up(self) -> None:
        """Let everybody who waits for an answer look whether there is still a use in it."""
        self._questions.wake()

    def open_stage(self, progress: Progress, data: Data) -> None:
        """A stage starts: a cancel must reach its loops from now on."""
        if self.left.waiting:
            self.left.go_on()
        if self._joins_late:
            self._join()
        if self._open_sink is None:
            return
        self._stages[progress] = None
        if not self._outbox.put(Report(time.time(), progress.path, data, opens=progress)):
            progress.starts_seen += 1  # there will be none to wait for
            self._note_late()

    def leave_stage(self, stage: Leavable) -> None:
        """A stage's generator was closed: what comes next decides how the stage has ended."""
        if not self._outbox.closed:
            self.left.add(stage)
            self._outbox.wake()

    def close_stage(self, progress: Progress) -> None:
        """A stage is about to end: put its newest progress, and leave it alone from now on."""
        progress.closed = True
        self._stages.pop(progress, None)
        self._announced_at.pop(progress, None)
        newest = progress.fetch()
        if newest is not None:
            self.put(progress.path, newest)

    def close_stages(self) -> None:
        """The run is about to end: the same for all stages that are open."""
        for progress in list(self._stages):
            self.close_stage(progress)

    def announce(self, progress: Progress) -> None:
        """A stage has progressed."""
        if self.left.waiting:
            self.left.go_on()
        if self._joins_late:
            self._join()
        if self._open_sink is None:
            return
        if self.stopping.requested:
            # Whoever has just taken the flag down: the next item of a loop is a safe point all the same. So this may
            # come with every item, and the sender need not be told again before it has fetched.
            progress.attention = True
            if self._announced_at.get(progress) == progress.sent_at:
                return
            self._announced_at[progress] = progress.sent_at
        self._outbox.announce(progress)

    def _reach_everybody(self) -> None:
        """Somebody asks for a cancel: let the loops of all open stages come to a safe point, and who waits look up."""
        for progress in list(self._stages):
            progress.attention = True
        self._questions.wake()
        self._be_patient()

    def _be_patient(self) -> None:
        """A cancel was asked for: if the job has not stopped after a while, say so to those who wait for it."""
        if self._open_sink is not None and not self.helps:
            self._patience = threading.Timer(PATIENCE_S, self._lose_patience)
            self._patience.daemon = True
            with suppress(RuntimeError):  # no more threads: nobody is told
                self._patience.start()

    def _lose_patience(self) -> None:
        if not self._outbox.closed:
            logger.warning("run %s was cancelled %.0f s ago and has not reached a safe point", self.run_id, PATIENCE_S)
            message = "the cancel was heard, but the job has not reached a point at which it can stop"
            self.put(None, Error(message=message, code="cancel-ignored", recoverable=True))

    def state(self) -> State:
        """The state as last folded; a helper reads it when it is asked for."""
        if self.helps and self._open_sink is not None:
            # Two threads that read the same events would fold them twice.
            with self._lock, suppress(HeadwayError), closing(self._open_sink()) as sink:
                self._mirror.catch_up(sink)
        return self._mirror.state()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is durable; false if it is not in time, or never will be."""
        until = time.monotonic() + timeout_s
        self.left.go_on()
        if self.silent or self._joins_late:
            return True
        if self._sender is None or not self.drain_pictures(timeout_s):
            return False
        left = max(0.0, until - time.monotonic())
        marker = Marker()
        if self._outbox.put(marker):
            return marker.done.wait(left) and not marker.failed
        return self._outbox.closed and self._sender.wait_sent(left)

    def settle(self, timeout_s: float) -> None:
        """Before the end: wait for the callbacks of a cancel, and for screenshots; both may still report."""
        until = time.monotonic() + timeout_s
        self.stopping.wait_called(timeout_s)
        if not self.drain_pictures(max(0.0, until - time.monotonic())):
            self.tally.add("left out", "screenshots that were still being drawn at the end")

    def drain_pictures(self, timeout_s: float) -> bool:
        """Wait for the screenshots that are being drawn; false if that takes longer."""
        return self._gallery is None or self._gallery.drain(timeout_s)

    def wait_for_helpers(self, timeout_s: float) -> None:
        """Wait until the processes that help with the run have left it, so that their last reports come before its end.

        Those that are gone without a word are waited for as long as their leases hold, or this time allows.
        """
        if self._open_sink is None or self.helps:
            return
        until = time.monotonic() + timeout_s
        with suppress(HeadwayError), closing(self._open_sink()) as sink:
            while sink.helpers(self.run_id) and time.monotonic() < until:
                time.sleep(HELPERS_POLL_S)

    def wait_sent(self, timeout_s: float) -> None:
        """After ``stop``: wait until everything is sent, and give nothing up."""
        if self._sender is not None:
            self._sender.wait_sent(max(0.0, timeout_s))

    def give_up(self) -> None:
        """After ``stop``: begin to keep what could not be sent; ``close`` waits for that."""
        if self._sender is not None:
            self._sender.give_up()

    def stop(self) -> None:
        """Take no more reports, and begin to send what is left."""
        self._outbox.closed = True
        if self._patience is not None:
            self._patience.cancel()
        if self._inbox is not None:
            self._inbox.close()
        if self._sender is not None:
            self._sender.stop()

    def close(self, timeout_s: float) -> int:
        """Send what is left, and end; how many reports could not be sent."""
        self.stop()
        if self._inbox is not None:
            self._inbox.wait(INBOX_END_S)
        if self._sender is None or self._sender.wait(timeout_s):
            return 0
        return self._sender.undelivered + self._outbox.reports()
