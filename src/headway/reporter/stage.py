"""Stages as a job sees them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Iterable
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from headway.protocol import events, limits, names
from headway.protocol.events import JsonObject, Number, Role
from headway.reporter import current, plain
from headway.reporter.channel import Channel
from headway.reporter.failure import explain, is_cancel, is_success
from headway.reporter.plan import titled
from headway.reporter.reports import Reports
from headway.reporter.sampling import Progress
from headway.reporter.tidying import tidy
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
        optional: bool | None = None,
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
            optional: Its failure leaves the run going: an exception ends its block, and no more. That the run goes on
                with less is told: the stage is degraded, and then fails.

        What is said of a stage that is there already holds from its next start on; of one that is open, ``total``,
        ``unit``, ``message`` and ``data`` hold at once. A path that breaks the rules is made into one that does not.
        """
        inner = self._inner(path)
        said = events.StageStarted(
            title=titled(title),
            role=role,
            weight=weight,
            expect=expect,
            total=plain.number(total),
            unit=titled(unit),
            message=message,
            data=None if data is None else plain.frozen(data),
        )
        stage = self._stages.get(inner) or self._new_stage(inner)
        if self._channel.left.waiting:
            self._channel.left.go_on()  # it is not begun yet: it may be meant to fail with what is being handled
        stage._say(said, optional=optional)
        return stage

    def _inner(self, path: str) -> str:
        named = plain.text(path)
        inner = named if self._path is None else f"{self._path}/{named}"
        try:
            return names.stage_path(inner)
        except Exception:
            tidied = tidy(inner)
            self._channel.tally.add("put under another path", f"{inner[:140]!r} became {tidied!r}")
            return tidied

    def _new_stage(self, path: str) -> Stage:
        stage = Stage(self, path)
        if len(self._stages) >= limits.STAGES_PER_RUN:
            return stage  # it has no place in the state either, and is kept by whoever uses it
        return self._stages.setdefault(path, stage)


class Stage(Scope):
    """A step of a run. As a context manager it starts, and ends as its block does; all methods are safe in any thread.

    The first report of a stage that was not started starts it. Its end is its end: what is said of it afterwards
    changes nothing, until ``start`` (or a new ``with``, or ``track``) opens it again.
    """

    def __init__(self, scope: Scope, path: str) -> None:
        super().__init__(scope._channel, path, scope._timing, scope._stages)
        self._said = events.StageStarted()
        self._optional = False
        self._progress = Progress(path, self._channel.announce)
        self._started_at: float | None = None
        self._left_at: float | None = None
        self._open = False
        self._degraded = False
        self._entered_in = 0

    def _say(self, said: events.StageStarted, *, optional: bool | None) -> None:
        self._optional = self._optional if optional is None else optional
        given = {name: value for name, value in msgspec.structs.asdict(said).items() if value is not None}
        if not given:
            return
        self._said = msgspec.structs.replace(self._said, **given)
        if self._open:
            changes = {name: given.get(name) for name in ("total", "unit", "message", "data")}
            self._progress.update(**changes)

    @property
    def over(self) -> bool:
        """Whether it has ended, and was not opened again."""
        return self._started_at is not None and not self._open

    @property
    def path(self) -> str:
        """The stage's name: its parents' and its own, with ``/`` between them."""
        return self._progress.path

    def start(self) -> Self:
        """Begin, or begin again. Does nothing while the stage is open."""
        if self._channel.left.waiting:
            self._channel.left.go_on(self)
        now = time.monotonic()
        # Nothing is called between looking and writing, so that of two threads only one starts it.
        if not self._open:
            self._started_at = now
            self._left_at = None
            self._degraded = False
            self._open = True
            self._progress.open(self._said.total, self._said.unit)
            self._channel.open_stage(self._progress, self._said)
        return self

    def _reporting(self) -> bool:
        """Start if that was not done; false if the stage has ended."""
        if self._open:
            return True
        if self._started_at is None:
            self.start()
        return self._open

    def advance(self, n: Number = 1) -> None:
        """So much more is done. Costs some tens of nanoseconds, as often as it may be called."""
        if self._open or self._reporting():
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
        if self._reporting():
            self._progress.update(
                progress=progress, current=current, total=total, unit=unit, message=message, data=data
            )

    def track(self, items: Iterable[T] | AsyncIterable[T]) -> Tracked[T]:
        """The same items, counted as they are done; each step is a safe point for a cancel.

        For ``for`` and ``async for``. The total is taken from ``len(items)`` unless it was given.

        Raises:
            Cancelled: In the loop, after somebody asked for a cancel.
        """
        return Tracked(items, self._progress, self.start, self._channel.stopping.check)

    def complete(self, summary: str | None = None, *, data: JsonObject | None = None) -> None:
        """Done."""
        if self._reporting():
            kept = None if data is None else plain.frozen(data)
            self._end(events.StageCompleted(duration=self._duration(), summary=summary, data=kept))

    def skip(self, reason: BaseException | str | None = None) -> None:
        """It will not run, and counts as done. Of an exception only the type is shown, as by ``fail``."""
        self._end(events.StageSkipped(reason=plain.optional_text(reason)))

    def cancel(self, reason: BaseException | str | None = None) -> None:
        """It was stopped, and keeps its progress. The reason becomes its message, of an exception only the type."""
        if reason is not None:
            self.update(message=plain.text(reason))
        self._end(events.StageSkipped(reason=events.CANCELLED))

    def degrade(self, reason: BaseException | str, *, fallback: str | None = None) -> None:
        """It goes on with less than was planned. Of an exception only the type is shown, as by ``fail``."""
        if self._reporting():
            self._degraded = True
            self._put(events.StageDegraded(reason=plain.text(reason), fallback=plain.optional_text(fallback)))

    def fail(self, error: BaseException | str, *, recoverable: bool = False, code: str | None = None) -> None:
        """It failed. A text is shown to everybody; of an exception only its type is, the rest goes to the log.

        An optional stage is degraded first, for the same reason, unless it is so already: the run goes on with less.
        """
        if not self._reporting():
            return
        where = f"stage {self.path} of run {self._channel.run_id}"
        info = explain(error, where=where, code=code, recoverable=recoverable)
        failed = events.StageFailed(error=info, duration=self._duration())
        if self._optional and not self._degraded:
            self._end(events.StageDegraded(reason=info.message), failed)
        else:
            self._end(failed)

    def _fail_with(self, error: BaseException) -> None:
        """An exception has left it: of an optional stage that is recoverable."""
        self.fail(error, recoverable=self._optional)

    def _ended_at(self) -> float:
        """When it has ended, if it ends now: how comes out later than that it was left."""
        return time.monotonic() if self._left_at is None else self._left_at

    def _duration(self) -> float:
        return 0.0 if self._started_at is None else round(self._ended_at() - self._started_at, 6)

    def _end(self, *told: events.Data) -> None:
        duration, ended_at = self._duration(), self._ended_at()
        was_open, self._open = self._open, False
        if was_open:
            # From here on the sender leaves the progress alone, so its last values come before the end.
            self._channel.close_stage(self._progress)
            if self._stages.get(self.path) is self:  # one that has no place in the state has none in the history
                self._timing.ended(self.path, duration, ended_at)
        if was_open or self._started_at is None:
            self._started_at = self._started_at or time.monotonic()
            for data in told:
                self._put(data)

    def __enter__(self) -> Self:
        self._entered_in = self._channel.generation
        self.start()
        current.enter_stage(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        # Not plain bool: type checkers would take it that any stage swallows exceptions, and miss a return behind it.
        current.leave(self)
        # A forked child that returns from a block leaves the stage, which goes on in its parent.
        is_open = self._open and self._entered_in == self._channel.generation
        if isinstance(error, GeneratorExit):
            if is_open:
                self._left_at = time.monotonic()
                self._channel.leave_stage(self)
            return False
        self._channel.left.decide(error, below=f"{self.path}/")
        if error is None or is_success(error):
            if is_open:
                self.complete()
            return False
        if is_open and not is_cancel(error):
            self._fail_with(error)
        return self._optional and isinstance(error, Exception) and not is_cancel(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self.__exit__(kind, error, trace)
