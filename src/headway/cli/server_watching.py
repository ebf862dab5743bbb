"""A run's frames from a server: its own, through lost connections and restarts."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from threading import Event as Flag

import msgspec

from headway.cli.last_news import heard_at
from headway.cli.server_source import ServerSource
from headway.cli.source import SeveralRuns, find_run
from headway.client import Connection
from headway.errors import HeadwayError, NotFound, StoreUnavailable
from headway.ports import LogQuery, Record
from headway.protocol.frames import AnyFrame, EventsFrame, ProblemFrame, SnapshotFrame, WaitingFrame
from headway.protocol.problems import error_of
from headway.protocol.ready import ready

LOOK_S = 0.25
"""Between two looks whether somebody has had enough."""

AGAIN_S = 1.0
"""Between two looks for a run that is waited for."""

_NEWS = (SnapshotFrame, EventsFrame)
"""What comes of a run that is there."""

_CONNECTED: tuple[Connection, ...] = ("live", "polling")


class _Seq(msgspec.Struct):
    seq: int


class ServerWatching:
    """The frames of one run of a server, in the mode ``all``. See ``Watching``, whose methods these are.

    Args:
        url: The server.
        run: A run's id or the beginning of one; None for the newest run, or the first.
        patience_s: How long a run is waited for that does not exist.
    """

    def __init__(self, url: str, run: str | None, patience_s: float) -> None:
        self._source = ServerSource(url)
        self._run = run
        self._patience_s = patience_s
        self._until: float | None = None
        self._look_at = 0.0
        self._trouble: str | None = None
        self._stopped = Flag()

    def stop(self) -> None:
        """End the frames, within a moment."""
        self._stopped.set()

    def frames(self) -> Generator[AnyFrame, None, None]:
        """The frames, to ``end`` or to ``stop``.

        Raises:
            NotFound: There is no such run, and it was waited for long enough; or several whose ids begin so.
            HeadwayError: The server refuses it, or was never reached.
        """
        with self._source:
            run_id = yield from self._find()
            while run_id is not None:
                run_id = yield from self._watch(run_id)

    def _find(self) -> Generator[AnyFrame, None, str | None]:
        """The run to watch, or what is known of its id: the server waits for that; for the first run of all we do."""
        try:
            return find_run(self._source, self._run)
        except SeveralRuns:
            raise
        except NotFound:
            if self._run is not None:
                return self._run
        yield self._heeded(WaitingFrame(run_id=""))
        while not self._stopped.wait(AGAIN_S):
            found = yield from self._look(None)
            if found is not None:
                return found
        return None

    def _watch(self, run_id: str) -> Generator[AnyFrame, None, str | None]:
        """The frames of a run; then the one to go on with, if any.

        That is the same run when the server has no more patience than we, and another one when what was waited for is
        the beginning of its id: a server waits for whole ids.
        """
        watching = self._source.client.watch(run_id, mode="all")
        try:
            while not self._stopped.is_set():
                if self._should_look(watching.connection):
                    found = yield from self._look(run_id)
                    if found not in (None, run_id):
                        return found
                try:
                    frame = watching.next(LOOK_S)
                except TimeoutError:
                    if watching.connection == "reconnecting":
                        yield from self._lost(watching.trouble or "the connection is lost")
                    continue
                if isinstance(frame, ProblemFrame) and frame.run_id is not None:
                    if self._until is not None and frame.code == NotFound.code:
                        return run_id
                    raise error_of(500, {"code": frame.code, "detail": frame.message})
                if frame is None:
                    return None
                yield self._heeded(frame)
        finally:
            watching.close()
        return None

    def _heeded(self, frame: AnyFrame) -> AnyFrame:
        """A frame, once it is known whether a run is waited for from then on."""
        self._trouble = None
        if isinstance(frame, _NEWS):
            self._until = None
        elif isinstance(frame, WaitingFrame) and self._until is None:
            self._until = time.monotonic() + self._patience_s
            self._look_at = time.monotonic() + AGAIN_S
        return frame

    def _should_look(self, connection: Connection) -> bool:
        """Whether it is time to look for a run that is waited for; a connection that is lost comes back first."""
        return self._until is not None and connection in _CONNECTED and time.monotonic() >= self._look_at

    def _look(self, run: str | None) -> Generator[AnyFrame, None, str | None]:
        """The whole id of a run that is waited for, if it is there by now."""
        self._look_at = time.monotonic() + AGAIN_S
        try:
            return find_run(self._source, run)
        except NotFound as error:
            over = self._until is not None and time.monotonic() >= self._until
            if over or isinstance(error, SeveralRuns):
                raise
            if self._trouble is not None:  # which is over
                yield self._heeded(WaitingFrame(run_id=run or ""))
        except HeadwayError as error:
            if not error.retryable:
                raise
            yield from self._lost(str(error))
        return None

    def _lost(self, trouble: str) -> Iterator[AnyFrame]:
        if trouble != self._trouble:
            self._trouble = trouble
            yield ProblemFrame(code=StoreUnavailable.code, message=trouble)

    def newest_lines(self, frame: AnyFrame, lines: int) -> Sequence[Record]:
        """The newest ``log`` events that are in a ``snapshot``, for as many lines; to be asked between two frames."""
        if not isinstance(frame, SnapshotFrame):
            return ()
        up_to = msgspec.json.decode(frame.state, type=_Seq).seq
        try:
            found = self._source.log(frame.run_id, LogQuery(tail=lines)).records
        except HeadwayError:
            return ()
        return [record for record in found if record.seq <= up_to]

    def heard_at(self, frame: AnyFrame) -> str | None:
        """When the job of a ``snapshot`` last reported, if that can be told; to be asked between two frames."""
        return heard_at(self._source, frame)


ready(_Seq)
