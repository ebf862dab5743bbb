"""A run as a job sees it."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec

from headway.errors import InvalidInput
from headway.ports import NewRun
from headway.protocol import codec, events, limits, names, times
from headway.protocol.events import Json, JsonObject, Size
from headway.protocol.incoming import check_event
from headway.reporter import current, plain, results
from headway.reporter.channel import Channel, SinkOpener
from headway.reporter.elsewhere import elsewhere, within
from headway.reporter.failure import explain, is_cancel, is_success
from headway.reporter.leaving import close_all, leave, running
from headway.reporter.plan import Plan, chunks, flatten, titled
from headway.reporter.presence import Presence
from headway.reporter.timing import Timing

logger = logging.getLogger("headway")

HELPERS_S = 10.0
"""How long the completion of a run waits for those who help with it."""

FLUSH_LIMIT_S = 3_600.0
"""An hour: who wants to wait longer wants something else."""

FLUSH_S = 10.0
"""How long the end of a run waits for its reports to be stored; ``HEADWAY_FLUSH_S`` changes it."""

RESULT_S = 1.0
"""A large result has so much time in any case: a disk that works takes it in less."""


def flush_s() -> float:
    """The seconds that an end waits; the usual ones, and a warning, if the setting is none."""
    text = os.environ.get("HEADWAY_FLUSH_S")
    if text is None:
        return FLUSH_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if 0 <= seconds <= FLUSH_LIMIT_S:
        return seconds
    logger.warning("HEADWAY_FLUSH_S is %r: give seconds, from 0 to %.0f", text, FLUSH_LIMIT_S)
    return FLUSH_S


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


def _new_run(kind: str, options: RunOptions, plan: list[tuple[events.PlannedStage, ...]]) -> NewRun:
    """What is to be created, checked as a reader of the log will.

    Raises:
        InvalidInput: Something of it breaks a rule.
    """
    said = events.RunCreated(
        kind=_kind(kind),
        variant=options.variant,
        title=titled(options.title),
        size=None if options.size is None else plain.frozen(options.size),
        meta=None if options.meta is None else _meta(options.meta),
        parent=_id(options.parent),
        retry_of=_id(options.retry_of),
    )
    tail = codec.encode_tail(events.draft(said, at=times.to_text(0)))
    created = codec.data_of(codec.decode_event(codec.numbered(tail, 1)))
    assert isinstance(created, events.RunCreated)
    check_event("run.created", None, created)
    return NewRun(
        run_id=_id(options.run_id) or names.uuid7(time.time(), os.urandom(10)),
        at=times.to_text(0),
        plan=plan[0] if plan else (),
        **msgspec.structs.asdict(created),
    )


def _kind(kind: object) -> str:
    if not isinstance(kind, str):
        raise InvalidInput(f"{kind!r} is not a kind: give a text, such as 'video-summary'")
    return kind


def _id(run_id: object) -> str | None:
    if run_id is None:
        return None
    if not isinstance(run_id, str):
        raise InvalidInput(f"{run_id!r} is not a run id: give a text")
    return names.run_id(run_id)


def _meta(meta: JsonObject) -> JsonObject:
    frozen: JsonObject | None = plain.frozen(meta)
    if frozen is None:
        raise InvalidInput(f"meta is over {limits.EVENT_BYTES:,} bytes: put large content into an artifact")
    return frozen


class Run(Presence):
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
        plan = chunks(flatten(options.plan or {}))
        self._new, self._more_plan = _new_run(kind, options, plan), plan[1:]
        super().__init__(Channel(names.RunId(self._new.run_id), open_sink, lease_s), None, Timing(), {})
        self._result: bytes | None = None
        self._cut = False
        self._begun = False
        self._ended = False
        self._told = False

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._ended

    def start(self) -> Self:
        """Begin reporting. Returns at once; the run is created in the background."""
        if not self._begun:
            self._begun = True
            self._timing.begin()
            for part in self._more_plan:
                self._put(events.RunPlanned(stages=part))
            running[self] = None
            self._channel.start(msgspec.structs.replace(self._new, at=times.to_text(time.time())))
            if self._channel.silent:
                running.pop(self, None)
        return self

    def update(
        self,
        *,
        title: str | None = None,
        variant: str | None = None,
        size: Size | None = None,
        meta: JsonObject | None = None,
    ) -> None:
        """Change what was said of the run; what is not given stays."""
        self._put(
            events.RunUpdated(
                title=titled(title),
                variant=variant,
                size=None if size is None else plain.frozen(size),
                meta=None if meta is None else plain.frozen(meta),
            )
        )

    def result(self, value: Json) -> None:
        """What came out: any JSON, as it is now, told with the completion.

        One that does not fit into an event is kept as an artifact, ``result.json``, by the completion, and the result
        that is told is ``{"artifact": its name}``. If that cannot be done in the time that the completion waits, the
        run completes without a result, which is logged and counted.
        """
        self._result = plain.encoded(value)

    def complete(self, result: Json = None) -> None:
        """The end: it worked. Waits for processes that help with the run, ten seconds at most."""
        self.start()
        self._channel.left.decide(None)
        if self._ended:
            return
        until = time.monotonic() + flush_s()
        if result is not None:
            self.result(result)
        try:
            stored = self._channel.flush(flush_s() / 2)
            if stored:
                self._channel.wait_for_helpers(HELPERS_S)
            # If the log does not answer there is only the other half of the time: some for this, some for the end.
            self._keep_result(flush_s() if stored else flush_s() / 4)
            if stored:
                until = time.monotonic() + flush_s()
        finally:  # who interrupts the waiting interrupts no work: that is done
            self._finish(self._completed, until)

    def _keep_result(self, timeout_s: float) -> None:
        """Keep a result that the last event has no room for as an artifact, and tell its name."""
        body = self._result
        untold = self._ended or self._channel.helps or self._channel.silent
        if body is None or untold or results.fits(body):
            return
        self._result, self._cut = None, True
        kept: list[str] = []

        def keep() -> None:
            name = results.free_name(self._channel.artifact_names())
            if self.artifact(name, body, media_type=results.MEDIA_TYPE):
                kept.append(name)

        try:
            within(max(RESULT_S, timeout_s), keep)
        finally:  # also when somebody interrupts the waiting
            if kept:
                self._result = msgspec.json.encode({"artifact": kept[0]})
            else:
                self._channel.tally.add(
                    "left out", "a result over 64 KiB, which could not be kept as an artifact in time"
                )

    def _completed(self) -> events.Data:
        return events.RunCompleted(
            result=None if self._result is None else msgspec.Raw(self._result),
            duration=self._timing.elapsed(),
            durations=self._timing.durations(),
            spans=self._timing.spans(),
            waited=self._timing.waited(),
            truncated=self._cut,
        )

    def fail(self, error: BaseException | str, *, recoverable: bool = False, code: str | None = None) -> None:
        """The end: it failed. A text is shown to everybody; of an exception only its type is."""
        self.start()
        self._channel.left.decide(error)
        info = explain(error, where=f"run {self.id}", code=code, recoverable=recoverable)
        self._finish(
            lambda: events.RunFailed(error=info, duration=self._timing.elapsed(), durations=self._timing.durations())
        )

    def cancel(self, reason: BaseException | str | None = None) -> None:
        """The end: it was stopped. Of an exception only the type is shown, as by ``fail``."""
        self.start()
        self._channel.left.forget()
        said = plain.optional_text(reason)
        self._finish(lambda: events.RunCancelled(reason=said, duration=self._timing.elapsed()))

    def _finish(self, end: Callable[[], events.Data], until: float | None = None) -> None:
        if self._ended:
            return
        self._ended = True

        def finish() -> None:
            by = until or time.monotonic() + flush_s()
            try:
                self._channel.settle(flush_s() / 2)
            finally:  # also when somebody interrupts the waiting
                self._channel.close_stages()
                if not self._channel.helps:  # a forked child leaves the run, which goes on in its parent
                    self._put(end())
                    self._told = True
            self._close(by - time.monotonic())

        leave(finish)

    def _close(self, timeout_s: float) -> None:
        left = self._channel.close(timeout_s)
        # Only now: a KeyboardInterrupt while it waits leaves the rest to the interpreter's exit.
        running.pop(self, None)
        self._channel.tally.say()
        if left:
            logger.warning("run %s ended with %d reports that were not stored", self.id, left)

    def __enter__(self) -> Self:
        try:
            self.start()
            current.enter_run(self)
        except BaseException as error:  # an interrupt: nobody will leave what was not entered
            self.__exit__(type(error), error, None)
            raise
        return self

    def _end_as(self, error: BaseException | None) -> None:
        if self._channel.helps:
            self._channel.left.decide(error)
            self._finish(self._completed)  # which is not said: a forked child leaves the run, and no more
        elif error is None or is_success(error):
            self.complete()
        elif is_cancel(error):
            self.cancel("interrupted" if isinstance(error, KeyboardInterrupt) else self._channel.stopping.reason)
        elif isinstance(error, GeneratorExit):
            # The generator that the run is in was closed before its end: by a break, or after an exception elsewhere.
            self.cancel("left before its end")
        else:
            self.fail(error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            current.leave(self)
            self._end_as(error)
        except BaseException:  # another interrupt, before the end was told: tell one, and wait for nothing any more
            self._end_at_once()
            raise

    def _end_at_once(self) -> None:
        self._ended = True
        self._channel.left.forget()
        if not (self._told or self._channel.helps):
            self._channel.close_stages()
            self._put(events.RunCancelled(reason="interrupted"))
        self._channel.stop()

    async def __aenter__(self) -> Self:
        self.__enter__()
        self._channel.stopping.enter_task()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        current.leave(self)
        interrupted = self._channel.stopping.leave_task(error)
        try:
            await elsewhere(lambda: self._end_as(error))
        except RuntimeError:  # no more threads
            self._end_as(error)
        if interrupted:
            raise self._channel.stopping.cancelled() from error


@atexit.register
def _close_all() -> None:
    close_all(flush_s())


def _close_at_the_end_of_the_child(close: Callable[[], None]) -> None:
    sys.modules["multiprocessing.util"].Finalize(None, close, exitpriority=0)


def _in_child() -> None:
    """After a fork: the runs are the parent's, who goes on reporting them; from here they are helped with."""
    for each in list(running):
        each._channel.join_after_fork()
    # A child of multiprocessing ends without the interpreter's own exit. It calls its own finalizers, which it forgets
    # at its start, and after that what was registered for it. It may attach to a run, also if its parent is in none.
    multiprocessing = sys.modules.get("multiprocessing.util")
    if multiprocessing is not None:
        multiprocessing.register_after_fork(_close_all, _close_at_the_end_of_the_child)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
if (processes := sys.modules.get("multiprocessing.process")) is not None and processes.parent_process() is not None:
    _close_at_the_end_of_the_child(_close_all)  # this was imported in such a child
