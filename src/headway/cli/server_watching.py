"""A run's frames from a server: its own, through lost connections and restarts."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from threading import Event as Flag

import msgspec

from headway.cli.last_news import heard_at
from headway.cli.server_source import ServerSource
from headway.cli.source import find_run
from headway.errors import HeadwayError, NotFound
from headway.ports import LogQuery, Record, RunFilter
from headway.protocol.frames import AnyFrame, EventsFrame, ProblemFrame, SnapshotFrame, WaitingFrame
from headway.protocol.problems import error_of
from headway.protocol.ready import ready

LOOK_S = 0.25
"""Between two looks whether somebody has had enough."""


AGAIN_S = 1.0
"""Between two looks for the first run."""

_NEWS = (SnapshotFrame, EventsFrame)
"""What comes of a run that is there."""


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
        self._until = float("inf")
        self._stopped = Flag()

    def stop(self) -> None:
        """End the frames, within a moment."""
        self._stopped.set()

    def frames(self) -> Generator[AnyFrame, None, None]:
        """The frames, to ``end`` or to ``stop``.

        Raises:
            NotFound: There is no such run, and it was waited for long enough; or several whose ids begin so.
            HeadwayError: The server refuses it.
        """
        self._until = time.monotonic() + self._patience_s
        with self._source:
            run_id = yield from self._find()
            over = run_id is None
            while run_id is not None and not over:
                over = yield from self._watch(run_id)

    def _watch(self, run_id: str) -> Generator[AnyFrame, None, bool]:
        """The frames of a run; whether they are all. They are not when the server has no more patience than we."""
        trouble: str | None = None
        waiting = False
        watching = self._source.client.watch(run_id, mode="all")
        try:
            while not self._stopped.is_set():
                if waiting and time.monotonic() >= self._until:
                    find_run(self._source, run_id)  # says what there is instead
                try:
                    frame = watching.next(LOOK_S)
                except TimeoutError:
                    if watching.connection == "reconnecting" and watching.trouble != trouble:
                        trouble = watching.trouble
                        yield ProblemFrame(code="store-unavailable", message=trouble or "the connection is lost")
                    continue
                if isinstance(frame, ProblemFrame) and frame.run_id is not None:
                    if waiting and frame.code == NotFound.code:
                        return False
                    raise error_of(500, {"code": frame.code, "detail": frame.message})
                if frame is None:
                    return True
                trouble = None
                waiting = isinstance(frame, WaitingFrame) or (waiting and not isinstance(frame, _NEWS))
                yield frame
        finally:
            watching.close()
        return True

    def _find(self) -> Generator[AnyFrame, None, str | None]:
        told = False
        while not self._stopped.is_set():
            try:
                return find_run(self._source, self._run)
            except NotFound:
                if self._run is not None:
                    if self._is_ambiguous(self._run):
                        raise
                    return self._run  # the server waits for it
                if time.monotonic() >= self._until:
                    raise
            if not told:
                yield WaitingFrame(run_id="")
            told = True
            self._stopped.wait(AGAIN_S)
        return None

    def _is_ambiguous(self, run: str) -> bool:
        return len(self._source.list_runs(RunFilter(runs=(run,)), limit=2).runs) > 1

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
