"""Runs and stages that report nothing: each call is one that does nothing, and costs next to nothing.

What a job can see of them is as with others: what has ended, which exceptions leave a block, which ids and paths there
are. Exceptions that nobody else would hear of still go to the operator's log.

``stage`` and ``finding`` take by place too what others take by name only: Python 3.11 looks up the default of each
such parameter, which would take longer than all the rest.
"""

# ruff: noqa: ARG002 -- what is reported here is what goes unused

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

from headway.protocol import limits
from headway.protocol.events import Json, JsonObject, Number, Priority, Role, Severity, Size
from headway.reporter.attached import AttachedRun
from headway.reporter.failure import explain, is_cancel, told
from headway.reporter.presence import Presence
from headway.reporter.reports import Finding
from headway.reporter.run import Run, RunOptions
from headway.reporter.stage import Scope, Stage
from headway.reporter.tracking import Tracked

T = TypeVar("T")

LEASE_S = 30.0
"""Nobody holds it."""


class SilentFinding(Finding):
    """A finding that nobody is told of. Its id is made when somebody asks for it."""

    __slots__ = ("_name",)
    _name: str
    __init__ = object.__init__  # what has nothing to do takes half the time in C

    @property
    def id(self) -> str:  # type: ignore[override]
        """A new one, unless it was given."""
        new = os.urandom(6).hex()
        # Nothing is called between looking and writing, so that of two threads only one names it.
        try:
            return self._name
        except AttributeError:
            self._name = new
            return new

    def update(
        self,
        *,
        title: str | None = None,
        severity: Severity | None = None,
        detail: str | None = None,
        confidence: Number | None = None,
        evidence: Json = None,
    ) -> None:
        """See ``Finding.update``."""


def _named(id_: str) -> Finding:
    found = SilentFinding()
    found._name = id_
    return found  # type: ignore[no-any-return]  # mypy makes something else of object's own __init__


def _tell(value: object) -> None:
    """Let the operator's log have what an exception says, which nobody else hears of."""
    if isinstance(value, BaseException):
        told(value, "an exception was reported")


class SilentScope(Scope):
    """What silent runs and silent stages share."""

    _known: dict[str, Stage]  # as they were asked for

    def stage(  # noqa: PLR0913, PLR0917 -- as in ``Scope``
        self,
        path: str,
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
        """See ``Scope.stage``."""
        try:
            stage = self._known[path]
        except (KeyError, TypeError):
            stage = self._look_up(path)
        if optional is not None:
            stage._optional = optional
        return stage

    def _look_up(self, path: str) -> Stage:
        inner = self._inner(path)
        stage = self._stages.get(inner) or self._new_stage(inner)
        if isinstance(path, str) and stage is self._stages.get(inner) and len(self._known) < limits.STAGES_PER_RUN:
            self._known[path] = stage
        return stage

    def _new_stage(self, path: str) -> Stage:
        stage = SilentStage(self, path)
        return stage if len(self._stages) >= limits.STAGES_PER_RUN else self._stages.setdefault(path, stage)

    def finding(
        self,
        title: str,
        severity: Severity = "medium",
        id: str | None = None,  # noqa: A002 -- the protocol's word
        detail: str | None = None,
        confidence: float | None = None,
        evidence: Json = None,
    ) -> Finding:
        """See ``Reports.finding``."""
        return SilentFinding() if id is None else _named(id)

    def highlight(self, text: str) -> None:
        """See ``Reports.highlight``."""

    def note(self, text: str) -> None:
        """See ``Reports.note``."""

    def error(self, message: BaseException | str, *, code: str | None = None, recoverable: bool = True) -> None:
        """See ``Reports.error``."""
        if message.__class__ is not str:  # which calls nothing
            _tell(message)

    def log(self, text: str, *, stream: str = "log", level: str | None = None) -> None:
        """See ``Reports.log``."""

    def emit(self, type: str, data: JsonObject | None = None, *, priority: Priority = "medium") -> None:  # noqa: A002 -- the protocol's word
        """See ``Reports.emit``."""

    def screenshot(
        self,
        picture: object,
        *,
        caption: str | None = None,
        size: tuple[int, int] = (200, 150),
        quality: int = 70,
    ) -> bool:
        """See ``Reports.screenshot``."""
        return False

    def artifact(self, name: str, content: Path | str | bytes | BinaryIO, *, media_type: str | None = None) -> bool:
        """See ``Reports.artifact``."""
        return False


_NOTHING = nullcontext()


class SilentPresence(SilentScope, Presence):
    """What silent runs share, be they a job's own or somebody else's."""

    _quiet = True

    @property
    def cancelled(self) -> bool:
        """See ``Run.cancelled``."""
        return False

    def check(self) -> None:
        """See ``Run.check``."""

    def on_cancel(self, callback: Callable[[], object]) -> None:
        """See ``Run.on_cancel``."""

    def shielded(self) -> AbstractContextManager[None]:
        """See ``Run.shielded``."""
        return _NOTHING

    def flush(self, timeout: float | None = 5.0) -> bool:
        """See ``Run.flush``."""
        return True


class SilentRun(SilentPresence, Run):
    """A run that reports nothing. What it is made of is checked as with any other."""

    def __init__(self, kind: str, options: RunOptions) -> None:
        super().__init__(kind, options, None, lease_s=LEASE_S)
        self._known = {}

    def start(self) -> Self:
        """See ``Run.start``."""
        return self

    def update(
        self,
        *,
        title: str | None = None,
        variant: str | None = None,
        size: Size | None = None,
        meta: JsonObject | None = None,
    ) -> None:
        """See ``Run.update``."""

    def result(self, value: Json) -> None:
        """See ``Run.result``."""

    def complete(self, result: Json = None) -> None:
        """See ``Run.complete``."""
        self._end()

    def fail(self, error: BaseException | str, *, recoverable: bool = False, code: str | None = None) -> None:
        """See ``Run.fail``."""
        if isinstance(error, BaseException):
            explain(error, where=f"run {self.id}")
        self._end()

    def cancel(self, reason: BaseException | str | None = None) -> None:
        """See ``Run.cancel``."""
        if reason.__class__ is not str:
            _tell(reason)
        self._end()

    def _end(self) -> None:
        self._ended = True
        self._quiet = False

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


class SilentAttachedRun(SilentPresence, AttachedRun):
    """Somebody else's run, to which nothing is reported."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id, None, lease_s=LEASE_S)
        self._known = {}

    def attach(self) -> Self:
        """See ``AttachedRun.attach``."""
        return self

    def detach(self) -> None:
        """See ``AttachedRun.detach``."""

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


class SilentStage(SilentScope, Stage):
    """A stage that reports nothing."""

    def __init__(self, scope: Scope, path: str) -> None:
        # Not what other stages are made of: nothing is sampled here, and making one must cost little.
        self._channel = scope._channel
        self._timing = scope._timing
        self._stages = scope._stages
        self._known = {}
        self._path = path
        self._optional = False
        self._started_at = None
        self._open = False

    @property
    def path(self) -> str:
        """See ``Stage.path``."""
        assert self._path is not None
        return self._path

    def start(self) -> Self:
        """See ``Stage.start``."""
        self._started_at = 0.0
        self._open = True
        return self

    def advance(self, n: Number = 1) -> None:
        """See ``Stage.advance``."""

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
        """See ``Stage.update``."""

    def track(self, items: Iterable[T] | AsyncIterable[T]) -> Tracked[T]:
        """See ``Stage.track``."""
        self._started_at = 0.0
        self._open = True
        tracked: SilentTracked[T] = SilentTracked()
        tracked._items = items
        return tracked

    def complete(self, summary: str | None = None, *, data: JsonObject | None = None) -> None:
        """See ``Stage.complete``."""
        self._started_at = 0.0
        self._open = False

    def skip(self, reason: BaseException | str | None = None) -> None:
        """See ``Stage.skip``."""
        if reason.__class__ is not str:
            _tell(reason)
        self._started_at = 0.0
        self._open = False

    def cancel(self, reason: BaseException | str | None = None) -> None:
        """See ``Stage.cancel``."""
        if reason.__class__ is not str:
            _tell(reason)
        self._started_at = 0.0
        self._open = False

    def degrade(self, reason: BaseException | str, *, fallback: str | None = None) -> None:
        """See ``Stage.degrade``."""
        if reason.__class__ is not str:
            _tell(reason)

    def fail(self, error: BaseException | str, *, recoverable: bool = False, code: str | None = None) -> None:
        """See ``Stage.fail``."""
        if isinstance(error, BaseException) and not self.over:
            explain(error, where=f"stage {self._path} of run {self._channel.run_id}")
        self._started_at = 0.0
        self._open = False

    def __enter__(self) -> Self:
        # Nothing looks for the innermost stage of a run that reports nothing.
        self._started_at = 0.0
        self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or not self._optional:
            self._open = False
            return False
        return self._leave(error)

    def _leave(self, error: BaseException) -> bool:
        """The end of an optional stage, whose exception goes no further: nobody else can tell of it."""
        if not isinstance(error, Exception) or is_cancel(error):
            self._open = False
            return False
        self.fail(error)
        return True


class SilentTracked(Tracked[T]):
    """Items that nobody counts: the loop gets them from where they come from."""

    __slots__ = ()
    __init__ = object.__init__  # as above

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)  # type: ignore[arg-type]  # which says of items that come asynchronously what they are

    def __aiter__(self) -> AsyncIterator[T]:
        items = self._items
        return aiter(items) if isinstance(items, AsyncIterable) else _each(items)


async def _each(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item


class Nowhere(SilentRun):
    """What a thread that is in no run has instead: one for all, which never ends and keeps nothing."""

    def _end(self) -> None:
        pass

    def _new_stage(self, path: str) -> Stage:
        return SilentStage(self, path)


NOWHERE = Nowhere("none", RunOptions(run_id="none"))
"""The run of those who are in none."""
