"""A run as a job sees it."""

from __future__ import annotations

import atexit
import logging
import os
import time
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from headway.ports import NewRun
from headway.protocol import codec, events, names, times
from headway.protocol.events import Json, JsonObject, Size
from headway.reporter import current
from headway.reporter.channel import Channel, SinkOpener
from headway.reporter.failure import explain, is_cancel
from headway.reporter.plan import Plan, chunks, flatten
from headway.reporter.stage import Scope
from headway.reporter.timing import Timing

if TYPE_CHECKING:
    from headway.progress.state import State

logger = logging.getLogger("headway")

FLUSH_S = 10.0
"""How long the end of a run waits for its reports to be stored."""


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a run when it is opened."""

    title: str | None = None
    plan: Plan | None = None
    run_id: str | None = None
    variant: str | None = None
    size: Size | None = None
    meta: JsonObject | None = None
    retry_of: str | None = None
    parent: str | None = None


class Run(Scope):
    """One execution of a job. As a context manager it starts, and ends as its block does.

    All methods are safe in any thread. None waits for the store but ``flush``, ``artifact`` and the end; none raises
    when it is out of reach: reports wait in memory, and what cannot be kept is counted and logged.

    Args:
        kind: What sort of run it is; estimates are learned per kind.
        options: See ``headway.run``.
        open_sink: Opens the target, called in the background; None to report nothing.
        lease_s: After how many seconds of silence the run counts as lost.

    Raises:
        InvalidInput: The kind, the id, the plan or what else is said of the run breaks a rule.
    """

    def __init__(self, kind: str, options: RunOptions, open_sink: SinkOpener | None, *, lease_s: float) -> None:
        run_id = (
            names.run_id(options.run_id) if options.run_id else names.RunId(names.uuid7(time.time(), os.urandom(10)))
        )
        super().__init__(Channel(run_id, open_sink, lease_s), None, Timing(), {})
        self._kind = names.kind(kind)
        self._options = options
        self._plan = chunks(flatten(options.plan or {}))
        self._result: Json = None
        self._begun = False
        self._ended = False
        self._check_fits()

    @property
    def id(self) -> str:
        """The run's id."""
        return self._channel.run_id

    def _new_run(self, at: str) -> NewRun:
        said = msgspec.structs.asdict(self._options)
        plan = self._plan[0] if self._plan else ()
        return NewRun(**said | {"run_id": self.id, "kind": self._kind, "at": at, "plan": plan})

    def _check_fits(self) -> None:
        run = self._new_run(times.to_text(0))
        created = events.RunCreated(kind=run.kind, variant=run.variant, title=run.title, size=run.size, meta=run.meta)
        codec.encode_tail(events.draft(created, at=run.at))

    def start(self) -> Self:
        """Begin reporting. Returns at once; the run is created in the background."""
        if not self._begun:
            self._begun = True
            self._timing.begin()
            for part in self._plan[1:]:
                self._put(events.RunPlanned(stages=part))
            self._channel.start(self._new_run(times.to_text(time.time())))
            _running.add(self)
        return self

    @property
    def state(self) -> State:
        """The state as last folded: everything in it is durable."""
        return self._channel.state()

    def update(
        self,
        *,
        title: str | None = None,
        variant: str | None = None,
        size: Size | None = None,
        meta: JsonObject | None = None,
    ) -> None:
        """Change what was said of the run; what is not given stays."""
        self._put(events.RunUpdated(title=title, variant=variant, size=size, meta=meta))

    def result(self, value: Json) -> None:
        """What came out: any JSON, told with the completion."""
        self._result = value

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for a cancel."""
        return self._channel.cancelled

    def check(self) -> None:
        """A safe point: raises Cancelled if somebody asked for a cancel."""
        self._channel.check()

    def complete(self, result: Json = None) -> None:
        """The end: it worked."""
        self.start()
        self._finish(
            events.RunCompleted(
                result=self._result if result is None else result,
                duration=self._timing.elapsed(),
                durations=self._timing.durations(),
                spans=self._timing.spans(),
            )
        )

    def fail(self, error: BaseException | str, *, recoverable: bool = False, code: str | None = None) -> None:
        """The end: it failed. A text is shown to everybody; of an exception only its type is."""
        self.start()
        info = explain(error, where=f"run {self.id}", code=code, recoverable=recoverable)
        self._finish(events.RunFailed(error=info, duration=self._timing.elapsed(), durations=self._timing.durations()))

    def cancel(self, reason: str | None = None) -> None:
        """The end: it was stopped."""
        self.start()
        self._finish(events.RunCancelled(reason=reason, duration=self._timing.elapsed()))

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything reported so far is durable.

        Returns:
            False if that was not so within ``timeout`` seconds, or never will be.
        """
        return self._channel.flush(timeout)

    def _finish(self, data: events.Data) -> None:
        if not self._ended:
            self._ended = True
            self._channel.flush_progress()
            self._put(data)
            self._close()

    def _close(self) -> None:
        _running.discard(self)
        left = self._channel.close(FLUSH_S)
        if left:
            logger.warning("run %s ended with %d reports that were not stored", self.id, left)

    def __enter__(self) -> Self:
        self.start()
        current.enter_run(self)
        return self

    def _end_as(self, error: BaseException | None) -> None:
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self.complete()
        elif is_cancel(error):
            self.cancel("interrupted" if isinstance(error, KeyboardInterrupt) else None)
        else:
            self.fail(error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        current.leave(self)
        self._end_as(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import asyncio

        current.leave(self)
        # The end waits for the store, which must not keep the other tasks waiting.
        await asyncio.to_thread(self._end_as, error)


_running: weakref.WeakSet[Run] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """At the interpreter's end: store what was reported by runs that nobody ended."""
    for run in list(_running):
        run._close()
