"""A stage as a job sees it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec

from headway.protocol import events
from headway.protocol.events import JsonObject, Number, Role
from headway.reporter import current
from headway.reporter.failure import explain, is_cancel
from headway.reporter.reports import Reports
from headway.reporter.sampling import Progress
from headway.reporter.tracking import Tracked

if TYPE_CHECKING:
    from headway.reporter.run import Run

T = TypeVar("T")


class StageOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a stage when it is named."""

    title: str | None = None
    weight: Number | None = None
    role: Role | None = None
    expect: Number | None = None
    total: Number | None = None
    unit: str | None = None
    message: str | None = None
    data: JsonObject | None = None
    optional: bool = False


class Stage(Reports):
    """A step of a run. As a context manager it starts, and ends as its block does; all methods are safe in any thread.

    The first report of a stage that was not started starts it. After its end a new ``start`` opens it again.
    """

    def __init__(self, run: Run, path: str, options: StageOptions) -> None:
        self._run = run
        self._path: str = path
        self._options = options
        self._progress = Progress(path, run._announce, options.total, options.unit)
        self._started_at: float | None = None
        self._open = False
        self._entry: current.Entry | None = None

    @property
    def path(self) -> str:
        """The stage's name: its parents' and its own, with ``/`` between them."""
        return self._path

    def start(self) -> Self:
        """Begin, or begin again. Does nothing while the stage is open."""
        if self._open:
            return self
        self._open = True
        self._started_at = time.monotonic()
        self._progress.closed = False
        members = {name: getattr(self._options, name) for name in events.StageStarted.__struct_fields__}
        self._put(events.StageStarted(**members))
        self._run._stage_started(self)
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
        return Tracked(self, items)

    def stage(self, path: str, **options: object) -> Stage:
        """A stage inside this one; see ``Run.stage``."""
        return self._run.stage(f"{self._path}/{path}", **options)  # type: ignore[arg-type]  # the same options

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
        info = explain(error, where=f"stage {self._path} of run {self._run.id}", code=code, recoverable=recoverable)
        self._end(events.StageFailed(error=info, duration=self._duration()))

    def _duration(self) -> float:
        assert self._started_at is not None
        return round(time.monotonic() - self._started_at, 6)

    def _end(self, data: events.Data) -> None:
        was_open, self._open = self._open, False
        if was_open:
            self._flush_progress()
        self._put(data)
        if was_open and self._started_at is not None:
            self._run._stage_ended(self, self._started_at)

    def _flush_progress(self) -> None:
        # From here on the sender leaves the progress alone, so the last values come before the end.
        self._progress.closed = True
        last = self._progress.fetch()
        if last is not None:
            self._put(last)

    def __enter__(self) -> Self:
        self.start()
        self._entry = current.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._entry is not None:
            current.leave(self._entry)
            self._entry = None
        if error is None:
            if self._open:
                self.complete()
            return False
        if self._open and not is_cancel(error):
            self.fail(error, recoverable=self._options.optional)
        return self._options.optional and isinstance(error, Exception) and not is_cancel(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return self.__exit__(kind, error, trace)
