"""A run's frames from a server: its own, through lost connections and restarts."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from threading import Event as Flag

import msgspec

from headway.cli.last_news import heard_at
from headway.cli.server_source import ServerSource
from headway.cli.source import find_run
from headway.errors import HeadwayError, NotFound
from headway.ports import LogQuery, Record, RunFilter
from headway.protocol.frames import AnyFrame, ProblemFrame, SnapshotFrame, WaitingFrame
from headway.protocol.ready import ready

LOOK_S = 0.25
"""Between two looks whether somebody has had enough."""


AGAIN_S = 1.0
"""Between two looks for the first run."""


class _Seq(msgspec.Struct):
    seq: int


class ServerWatching:
    """The frames of one run of a server, in the mode ``all``. See ``Watching``, whose methods these are.

    Args:
        url: The server.
        run: A run's id or the beginning of one; None for the newest run, or the first.
        patience_s: How long the first run is waited for.
    """

    def __init__(self, url: str, run: str | None, patience_s: float) -> None:
        self._source = ServerSource(url)
        self._run = run
        self._patience_s = patience_s
        self._stopped = Flag()

    def stop(self) -> None:
        """End the frames, within a moment."""
        self._stopped.set()

    def frames(self) -> Iterator[AnyFrame]:
        """The frames, to ``end`` or to ``stop``.

        Raises:
            NotFound: There is no run at all, and one was waited for long enough; or several whose ids begin so.
            HeadwayError: The server refuses it.
        """
        with self._source:
            trouble: str | None = None
            run_id = yield from self._find()
            if run_id is None:
                return
            watching = self._source.client.watch(run_id, mode="all")
            try:
                while not self._stopped.is_set():
                    try:
                        frame = watching.next(LOOK_S)
                    except TimeoutError:
                        if watching.connection == "reconnecting" and watching.trouble != trouble:
                            trouble = watching.trouble
                            yield ProblemFrame(code="store-unavailable", message=trouble or "the connection is lost")
                        continue
                    if frame is None:
                        return
                    trouble = None
                    yield frame
            finally:
                watching.close()

    def _find(self) -> Generator[AnyFrame, None, str | None]:
        began = time.monotonic()
        told = False
        while not self._stopped.is_set():
            try:
                return find_run(self._source, self._run)
            except NotFound:
                if self._run is not None:
                    if self._is_ambiguous(self._run):
                        raise
                    return self._run  # the server waits for it
                if time.monotonic() - began >= self._patience_s:
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
