"""A run as a job sees it."""

from __future__ import annotations

import asyncio
import atexit
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from headway.errors import Cancelled, HeadwayError
from headway.ports import EventSink, NewRun, StoredBlob
from headway.progress.state import State
from headway.protocol import codec, events, names, times
from headway.protocol.events import Json, JsonObject, Number, Role, Size
from headway.reporter import current
from headway.reporter.delivery import Delivery
from headway.reporter.failure import explain, is_cancel, logger
from headway.reporter.identity import new_reporter
from headway.reporter.mirror import Mirror
from headway.reporter.outbox import Marker, Outbox
from headway.reporter.plan import Plan, chunks, flatten
from headway.reporter.reports import Reports
from headway.reporter.sampling import Progress
from headway.reporter.sender import Sender
from headway.reporter.stage import Stage, StageOptions

FLUSH_S = 10.0
"""How long the end of a run waits for its reports to be stored."""

SinkOpener = Callable[[], EventSink]


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


class Run(Reports):
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
        self.id = names.run_id(options.run_id) if options.run_id else names.RunId(names.uuid7())
        self._run = self
        self._path = None
        self._kind = names.kind(kind)
        self._options = options
        self._plan = flatten(options.plan or {})
        self._open_sink = open_sink
        self._lease_s = lease_s
        self._outbox = Outbox()
        self._mirror = Mirror(self.id)
        self._sender: Sender | None = None
        self._result: Json = None
        self._started_at = 0.0
        self._spans: dict[str, tuple[float, float]] = {}
        self._durations: dict[str, float] = {}
        self._stages: weakref.WeakSet[Stage] = weakref.WeakSet()
        self._ended = False
        self._cancel_requested = False
        self._entry: current.Entry | None = None
        self._check_fits()

    def _new_run(self, at: str) -> NewRun:
        first = chunks(self._plan)[:1]
        said = {
            name: getattr(self._options, name) for name in ("title", "variant", "size", "meta", "retry_of", "parent")
        }
        return NewRun(run_id=self.id, kind=self._kind, at=at, plan=first[0] if first else (), **said)

    def _check_fits(self) -> None:
        run = self._new_run(times.to_text(0))
        created = events.RunCreated(kind=run.kind, variant=run.variant, title=run.title, size=run.size, meta=run.meta)
        codec.encode_tail(events.draft(created, at=run.at))

    def start(self) -> Self:
        """Begin reporting. Returns at once; the run is created in the background."""
        if self._sender is not None or self._ended:
            return self
        self._started_at = time.monotonic()
        if self._open_sink is None:
            self._outbox = _Nowhere()
            return self
        new_run = self._new_run(times.to_text(time.time()))
        delivery = Delivery(self._open_sink, new_run, new_reporter(), self._lease_s)
        self._sender = Sender(
            self._outbox, delivery, self._mirror, renew_s=self._lease_s / 3, on_cancel=self._request_cancel
        )
        for part in chunks(self._plan)[1:]:
            self._put(events.RunPlanned(stages=part))
        self._sender.start()
        _running.add(self)
        return self

    @property
    def state(self) -> State:
        """The state as last folded: everything in it is durable."""
        return self._mirror.state()

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
        """A stage of the run, to be entered with ``with`` or started.

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
            optional: Its failure leaves the run going.
        """
        options = StageOptions(
            title=title,
            weight=weight,
            role=role,
            expect=expect,
            total=total,
            unit=unit,
            message=message,
            data=data,
            optional=optional,
        )
        return Stage(self, path, options)

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
        return self._cancel_requested

    def check(self) -> None:
        """A safe point: raises Cancelled if somebody asked for a cancel."""
        if self._cancel_requested:
            raise Cancelled(f"run {self.id} is cancelled")

    def complete(self, result: Json = None) -> None:
        """The end: it worked."""
        durations, spans = dict(self._durations), dict(self._spans)
        self._finish(
            events.RunCompleted(
                result=self._result if result is None else result,
                duration=self._elapsed(),
                durations=durations or None,
                spans=spans or None,
            )
        )

    def fail(self, error: BaseException | str, *, recoverable: bool = False, code: str | None = None) -> None:
        """The end: it failed. A text is shown to everybody; of an exception only its type is."""
        info = explain(error, where=f"run {self.id}", code=code, recoverable=recoverable)
        self._finish(events.RunFailed(error=info, duration=self._elapsed(), durations=dict(self._durations) or None))

    def cancel(self, reason: str | None = None) -> None:
        """The end: it was stopped."""
        self._finish(events.RunCancelled(reason=reason, duration=self._elapsed()))

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything reported so far is durable.

        Returns:
            False if that was not so within ``timeout`` seconds, or never will be.
        """
        if self._sender is None:
            return self._open_sink is None
        marker = Marker()
        self._outbox.put(marker)
        return marker.done.wait(timeout) and not marker.failed

    def _elapsed(self) -> float:
        return round(time.monotonic() - self._started_at, 6)

    def _finish(self, data: events.Data) -> None:
        if self._ended:
            return
        self.start()
        self._ended = True
        for stage in list(self._stages):
            if stage._open:
                stage._flush_progress()
        self._put(data)
        self._close(FLUSH_S)

    def _close(self, timeout_s: float) -> None:
        _running.discard(self)
        if self._sender is None:
            return
        if not self._sender.close(timeout_s):
            left = self._sender.undelivered + len(self._outbox)
            logger.warning("run %s ended with %d reports that were not stored", self.id, left)

    def _announce(self, progress: Progress) -> None:
        if self._sender is not None:
            self._sender.announce(progress)

    def _request_cancel(self) -> None:
        self._cancel_requested = True
        for stage in list(self._stages):
            stage._progress.attention = True

    def _stage_started(self, stage: Stage) -> None:
        self._stages.add(stage)

    def _stage_ended(self, stage: Stage, started_at: float) -> None:
        now = time.monotonic()
        begun = self._spans.get(stage.path, (started_at - self._started_at, 0.0))[0]
        self._spans[stage.path] = (round(begun, 6), round(now - self._started_at, 6))
        self._durations[stage.path] = round(self._durations.get(stage.path, 0.0) + now - started_at, 6)

    def _store_artifact(self, name: str, content: BinaryIO | Path) -> StoredBlob | None:
        if self._open_sink is None:
            return None
        sink = self._open_sink()
        try:
            return sink.put_artifact(self.id, name, content)
        finally:
            sink.close()

    def __enter__(self) -> Self:
        self.start()
        self._entry = current.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entry is not None:
            current.leave(self._entry)
            self._entry = None
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self.complete()
        elif is_cancel(error):
            self.cancel("interrupted" if isinstance(error, KeyboardInterrupt) else None)
        else:
            self.fail(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entry is not None:
            current.leave(self._entry)
            self._entry = None
        # The end waits for the store, which must not keep the other tasks waiting.
        await asyncio.to_thread(self.__exit__, kind, error, trace)


class _Nowhere(Outbox):
    """Takes nothing: what a run without a target writes to."""

    def put(self, item: object) -> None:
        """Forget it."""

    def put_line(self, line: object) -> None:
        """Forget it."""


_running: weakref.WeakSet[Run] = weakref.WeakSet()


@atexit.register
def _flush_all() -> None:
    """At the interpreter's end: store what was reported by runs that nobody ended."""
    for run in list(_running):
        run._close(FLUSH_S)


__all__ = ["HeadwayError", "Run", "RunOptions"]
