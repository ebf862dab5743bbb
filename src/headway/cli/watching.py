"""A run's frames from a source, as a server would send them in the mode ``all``: snapshot, events, ticks, end.

Whatever becomes of the source, the frames go on: while a store is not there yet, locked or away, a ``problem`` says so,
once for each reason, and the first frame after it says that it is over. A run that does not exist yet is waited for.
A log that was replaced begins with another ``snapshot``, whose ``gap`` says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from threading import Event as Flag
from typing import Literal, Protocol, cast

import msgspec

from headway.cli.last_news import heard_at
from headway.cli.source import SeveralRuns, Source, find_run, is_server, open_source, target_of
from headway.errors import Gap, HeadwayError, NotFound, StoreReadOnly
from headway.ports import LogQuery, Page, Record
from headway.progress.fold import Fold
from headway.protocol import codec, cursor, names
from headway.protocol.cursor import Cursor
from headway.protocol.frames import (
    AnyFrame,
    EndFrame,
    EventsFrame,
    FrameGap,
    GapReason,
    ProblemFrame,
    SnapshotFrame,
    TickFrame,
    WaitingFrame,
)
from headway.protocol.ready import ready

TICK_S = 2.0
"""A frame comes at least so often, as the protocol has it."""

GATHER_S = 0.1
"""What comes within so long after a frame is one frame: nobody looks more often than a screen is drawn."""

LOOK_S = 0.25
"""One wait for news; between two of them somebody may have had enough."""

AGAIN_S = 0.5
"""Between two attempts to reach a source."""

PATIENCE_S = 600.0
"""How long a run is waited for that does not exist, as the protocol has it."""

Opener = Callable[[], Source]
_EndStatus = Literal["completed", "failed", "cancelled", "deleted"]
_encode = msgspec.json.Encoder().encode


class _Seq(msgspec.Struct):
    seq: int


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))


class RunFrames(Protocol):
    """The frames of one run, wherever it is. ``frames`` blocks and is for one thread; ``stop`` is for any.

    Whoever leaves the frames early closes them: what is left to the end of the process may wait for threads that run no
    more by then.
    """

    def stop(self) -> None:
        """End the frames, within a moment."""

    def frames(self) -> Generator[AnyFrame, None, None]:
        """The frames, to ``end`` or to ``stop``."""

    def newest_lines(self, frame: AnyFrame, lines: int) -> Sequence[Record]:
        """The newest ``log`` events that are in a ``snapshot``, for as many lines; to be asked between two frames."""

    def heard_at(self, frame: AnyFrame) -> str | None:
        """When the job of a ``snapshot`` last reported, if that can be told; to be asked between two frames."""


def watch(url: str | None, run: str | None, *, wait: bool) -> RunFrames:
    """The frames of a run of the source that a URL names; see ``Watching``."""
    target = target_of(url)
    if not is_server(target):
        return Watching(lambda: open_source(url), run, wait=wait)
    from headway.cli.server_watching import ServerWatching

    return ServerWatching(target, run, float("inf") if wait else PATIENCE_S)


class Watching:
    """The frames of one run of a store. ``frames`` blocks and is for one thread; ``stop`` may be called from any.

    Args:
        opener: Opens the source; asked again while it cannot be.
        run: A run's id or the beginning of one; None for the newest run, or the first.
        wait: Wait for a run without end, not for ten minutes at most.
    """

    def __init__(self, opener: Opener, run: str | None, *, wait: bool = False) -> None:
        self._opener = opener
        self._run: str | None = None if run is None else names.run_id(run)
        self._patience_s = float("inf") if wait else PATIENCE_S
        self._needs_store = run is None and not wait
        self._stopped = Flag()
        self._source: Source | None = None
        self._trouble: str | None = None

    def stop(self) -> None:
        """End the frames, within a moment."""
        self._stopped.set()

    def frames(self) -> Generator[AnyFrame, None, None]:
        """The frames, to ``end`` or to ``stop``.

        Raises:
            NotFound: There is no such run, and it was waited for long enough.
            HeadwayError: The source is none that can be watched.
        """
        try:
            log: RunLog | None = None
            while not self._stopped.is_set() and not (log and log.ended):
                log = (yield from self._find()) if log is None else (yield from self._follow(log))
        finally:
            self._close()

    def newest_lines(self, frame: AnyFrame, lines: int) -> Sequence[Record]:
        """The newest ``log`` events that are in a ``snapshot``, for as many lines; to be asked between two frames."""
        if self._source is None or not isinstance(frame, SnapshotFrame):
            return ()
        up_to = msgspec.json.decode(frame.state, type=_Seq).seq
        try:
            found = self._source.log(frame.run_id, LogQuery(tail=lines)).records
        except HeadwayError:
            return ()  # the next frame says what is the matter
        return [record for record in found if record.seq <= up_to]

    def heard_at(self, frame: AnyFrame) -> str | None:
        """When the job of a ``snapshot`` last reported, if that can be told; to be asked between two frames."""
        return None if self._source is None else heard_at(self._source, frame)

    def _find(self) -> Generator[AnyFrame, None, RunLog | None]:
        """The run's log, when it is there."""
        began = time.monotonic()
        told = False
        while not self._stopped.is_set():
            try:
                return RunLog(find_run(self._opened(), self._run))
            except SeveralRuns:
                raise
            except NotFound:  # also when there is no store yet
                lacking = self._needs_store and self._source is None
                if lacking or time.monotonic() - began >= self._patience_s:
                    raise
                if not told:
                    yield WaitingFrame(run_id=self._run or "")
                told = True
                self._close()
                self._source = None  # it may be made meanwhile, where no store was
            except HeadwayError as error:
                yield from self._lost(error)
            self._stopped.wait(AGAIN_S)
        return None

    def _opened(self) -> Source:
        if self._source is None:
            self._source = self._opener()
        return self._source

    def _close(self) -> None:
        if self._source is not None:
            self._source.__exit__(None, None, None)

    def _follow(self, log: RunLog) -> Generator[AnyFrame, None, RunLog | None]:
        """What comes until the log ends or must be looked for again, with pauses while it cannot be read."""
        while not log.ended and not self._stopped.is_set():
            try:
                frame = log.next_frame(self._opened())
            except NotFound:  # another store is in its place
                self._run, self._patience_s = log.run_id, max(self._patience_s, PATIENCE_S)
                return None
            except HeadwayError as error:
                yield from self._lost(error)
                self._stopped.wait(AGAIN_S)
                continue
            if frame is not None:
                self._trouble = None
                yield frame
                self._stopped.wait(log.pause_s)
        return log

    def _lost(self, error: HeadwayError) -> Iterator[AnyFrame]:
        if not error.retryable or (isinstance(error, StoreReadOnly) and self._source is None):
            raise error
        if str(error) != self._trouble:
            self._trouble = str(error)
            yield ProblemFrame(code=error.code, message=str(error))


class RunLog:
    """A log that is read on and on, each call one step, and folded meanwhile.

    Args:
        run_id: The run.

    Attributes:
        run_id: The run.
        ended: Whether ``end`` was given.
        pause_s: How long the reader may rest before the next step.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.ended = False
        self.pause_s = 0.0
        self._fold: Fold | None = None
        self._cursor: Cursor | None = None
        self._gap: FrameGap | None = None
        self._all_read = False
        self._spoke = float("-inf")

    def next_frame(self, source: Source) -> AnyFrame | None:
        """The next frame, if one came within a moment.

        Raises:
            NotFound: The run is not there any more.
            StoreError: It cannot be read now; the next call goes on.
        """
        self.pause_s = 0.0
        if self._fold is None:
            return self._spoken(self._snapshot(source))
        if self._all_read:
            return self._end(cast(_EndStatus, self._fold.short().status))
        try:
            page = source.events(self.run_id, self._cursor, wait_s=LOOK_S)
        except Gap as gap:
            return self._replaced(gap)
        except HeadwayError:
            self._spoke = float("-inf")  # when it is back, that is to be seen at once
            raise
        return self._took(source, page)

    def _took(self, source: Source, page: Page) -> AnyFrame | None:
        self._all_read = page.ended
        if page.records:
            return self._spoken(self._events(source, page))
        if not page.ended and time.monotonic() - self._spoke >= TICK_S:
            return self._spoken(self._tick(source))
        return None

    def _spoken(self, frame: AnyFrame) -> AnyFrame:
        self._spoke = time.monotonic()
        return frame

    def _snapshot(self, source: Source) -> SnapshotFrame:
        shown = source.show(self.run_id)
        self._fold, self._cursor = Fold.restore(shown.state), cursor.parse(shown.cursor)
        gap, self._gap = self._gap, None
        return SnapshotFrame(
            run_id=self.run_id, cursor=shown.cursor, state=_raw(shown.state), view=_raw(shown.view), gap=gap
        )

    def _events(self, source: Source, page: Page) -> EventsFrame:
        assert self._fold is not None
        for record in page.records:
            self._fold.apply(codec.decode_event(record.body))
        self._cursor = page.cursor
        self.pause_s = GATHER_S if page.complete and not page.ended else 0.0
        return EventsFrame(
            run_id=self.run_id,
            from_=page.records[0].seq,
            to=page.records[-1].seq,
            cursor=str(page.cursor),
            events=tuple(msgspec.Raw(record.body) for record in page.records),
            conflated={},
            short=_raw(self._fold.short()),
            view=_raw(source.view(self._fold.state())),
        )

    def _tick(self, source: Source) -> TickFrame:
        assert self._fold is not None
        state = self._fold.state()
        return TickFrame(run_id=self.run_id, view=_raw(source.view(state)), last_event_at=state.last_event_at)

    def _replaced(self, gap: Gap) -> AnyFrame | None:
        if gap.reason == "deleted":
            return self._end("deleted")
        self._gap = FrameGap(after=str(self._cursor), reason=cast(GapReason, gap.reason))
        self._fold = None
        return None

    def _end(self, status: _EndStatus) -> EndFrame:
        self.ended = True
        return EndFrame(run_id=self.run_id, status=status, cursor=str(self._cursor))


ready(_Seq)
