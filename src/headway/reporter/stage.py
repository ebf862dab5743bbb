"""Stages as a job sees them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Iterable
from types import TracebackType
from typing import Self, TypeVar

from headway.protocol import events
from headway.protocol.events import JsonObject, Number, Role
from headway.reporter import current
from headway.reporter.channel import Channel
from headway.reporter.failure import explain, is_cancel
from headway.reporter.reports import Reports
from headway.reporter.sampling import Progress
from headway.reporter.timing import Timing
from headway.reporter.tracking import Tracked

T = TypeVar("T")


class Scope(Reports):
    """Where stages are: a run, or a stage."""

    def __init__(self, channel: Channel, path: str | None, timing: Timing, stages: dict[str, Stage]) -> None:
        super().__init__(channel, path)
        self._timing = timing
        self._stages = stages

    def stage(  # noqa: PLR0913 -- what people type
        self,
        path: str,
        *,
        title: str | None = None,
        weight: Number | None = None,
        role: Role | None = None,
        expect: Number | None = None,
        total: Number | None = None,
        unit: str | None = None,
        message: str | None = None,
        data: JsonObject | None = None,
        optional: bool = False,
    ) -> Stage:
        """A stage in here, to be entered with ``with`` or started; the same path gives the same stage again.

        Args:
            path: Its name; ``"vision/pass-2"`` is a stage inside ``"vision"``.
            title: What people read instead of the name.
            weight: Relative to its siblings; the plan's if it has one.
            role: ``"agent"`` makes it an agent.
            expect: How long it usually takes, in seconds.
            total: How much there is to do, in ``unit``.
            unit: What is counted.
            message: What it is doing.
            data: Any JSON, kept in the state.
            optional: Its failure leaves the run going: an exception ends its block, and no more.
        """
        started = events.StageStarted(
            title=title,
            role=role,
            weight=weight,
            expect=expect,
            total=total,
            unit=unit,
            message=message,
            data=data,
        )
        inner = path if self._path is None else f"{self._path}/{path}"
        known = self._stages.get(inner)
        if known is None:
            known = self._stages.setdefault(inner, Stage(self, inner, started, optional=optional))
        return known


class Stage(Scope):
    """A step of a run. As a context manager it starts, and ends as its block does; all methods are safe in any thread.

    The first report of a stage that was not started starts it. After its end a new ``start`` opens it again.
    """

    def __init__(self, scope: Scope, path: str, started: events.StageStarted, *, optional: bool) -> None:
        super().__init__(scope._channel, path, scope._timing, scope._stages)
        self._started = started
        self._optional = optional
        self._progress = Progress(path, self._channel.announce, started.total, started.unit)
        self._started_at: float | None = None
        self._open = False

    @property
    def path(self) -> str:
        """The stage's name: its parents' and its own, with ``/`` between them."""
        return self._progress.path

    def start(self) -> Self:
        """Begin, or begin again. Does nothing while the stage is open."""
        if not self._open:
            self._open = True
            self._started_at = time.monotonic()
            self._progress.closed = False
            self._put(self._started)
            self._channel.opened(self._progress)
        return self

    def advance(self, n: Number = 1) -> None:
        """So much more is done. Costs some tens of nanoseconds, as often as it may be called."""
        if not self._open:
            self.start()
        self._progress.add(n)

    def update(
        self,
        *,
        progress: Number | None = None,
        current: Number | None = None,
        total: Number | None = None,
        unit: str | None = None,
        message: str | None = None,
        data: JsonObject | None = None,
    ) -> None:
        """Where it stands: a fraction from 0 to 1, or how much of how much; what is not given stays as it was."""
        self.start()
        self._progress.update(progress=progress, current=current, total=total, unit=unit, message=message, data=data)

    def track(self, items: Iterable[T] | AsyncIterable[T]) -> Tracked[T]:
        """The same items, counted as they are done; each step is a safe point for a cancel.

        For ``for`` and ``async for``. The total is taken from ``len(items)`` unless it was given.

        Raises:
            Cancelled: In the loop, after somebody asked for a cancel.
        """
        return Tracked(items, self._progress, self.start, self._channel.check)

    def complete(self, summary: str | None = None, *, data: JsonObject | None = None) -> None:
        """Done."""
        self.start()
        self._end(events.StageCompleted(duration=self._duration(), summary=summary, data=data))

    def skip(self, reason: str | None = None) -> None:
        """It will not run, and counts as done."""
        self._end(events.StageSkipped(reason=reason))

    def degrade(self, reason: str, *, fallback: str | None = None) -> None:
        """It goes on with less than was planned."""
        self.start()
        self._put(events.StageDegraded(reason=reason, fallback=fallback))

    def fail(self, error: BaseException | str, *, recoverable: bool = False, code: str | None = None) -> None:
        """It failed. A text is shown to everybody; of an exception only its type is, the rest goes to the log."""
        self.start()
        where = f"stage {self.path} of run {self._channel.run_id}"
        info = explain(error, where=where, code=code, recoverable=recoverable)
        self._end(events.StageFailed(error=info, duration=self._duration()))

    def _duration(self) -> float:
        assert self._started_at is not None
        return round(time.monotonic() - self._started_at, 6)

    def _end(self, data: events.Data) -> None:
        if self._open:
            self._open = False
            # From here on the sender leaves the progress alone, so its last values come before the end.
            self._progress.closed = True
            last = self._progress.fetch()
            if last is not None:
                self._put(last)
            self._timing.ended(self.path, self._duration())
        self._put(data)

    def __enter__(self) -> Self:
        self.start()
        current.enter_stage(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        current.leave(self)
        if error is None:
            if self._open:
                self.complete()
            return False
        if self._open and not is_cancel(error):
            self.fail(error, recoverable=self._optional)
        return self._optional and isinstance(error, Exception) and not is_cancel(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return self.__exit__(kind, error, trace)
