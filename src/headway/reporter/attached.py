"""A run that another process owns, helped with from this one."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Self

from headway.protocol import names
from headway.reporter import current
from headway.reporter.channel import Channel, SinkOpener
from headway.reporter.elsewhere import elsewhere
from headway.reporter.leaving import leave, running
from headway.reporter.presence import Presence
from headway.reporter.run import flush_s
from headway.reporter.timing import Timing

logger = logging.getLogger("headway")


class AttachedRun(Presence):
    """Reports to a run that is there, under its own lease: if this process dies, its open stages fail, and no more.

    As a context manager it attaches and detaches; the run goes on. An exception in the block is nobody's but the
    caller's, unless it leaves a stage, which fails. Without a block it attaches with its first report, if not by
    ``attach``, and leaves at the interpreter's exit, if not by ``detach``, after which only ``attach`` begins again.

    Args:
        run_id: The run; it may still be on its way to the store.
        open_sink: Opens the target, called in the background; None to report nothing.
        lease_s: After how many seconds of silence its open stages fail.

    Raises:
        InvalidName: It is not a run id.
    """

    def __init__(self, run_id: str, open_sink: SinkOpener | None, *, lease_s: float) -> None:
        super().__init__(Channel(names.run_id(run_id), open_sink, lease_s), None, Timing(), {})
        self._channel.helps = True
        self._channel.join_later(self.attach)
        self._attached = self._detached = False

    def attach(self) -> Self:
        """Begin reporting, also once more after a ``detach``. Returns at once."""
        if not self._attached:
            self._attached = True
            if self._detached:
                self._channel.begin_again()
            self._timing.begin()
            running[self] = None
            self._channel.help()
            if self._channel.silent:
                running.pop(self, None)
        return self

    def detach(self) -> None:
        """Send what was reported, and leave the run. What is reported later is left out, until ``attach`` is called."""
        if not self._attached:
            return
        self._attached, self._detached = False, True
        self._channel.left.decide(None)
        leave(self._finish)

    def _finish(self) -> None:
        until = time.monotonic() + flush_s()
        try:
            self._channel.settle(flush_s() / 2)
        finally:
            self._channel.close_stages()
        self._close(until - time.monotonic())

    def _close(self, timeout_s: float) -> None:
        left = self._channel.close(timeout_s)
        running.pop(self, None)
        self._channel.tally.say()
        if left:
            logger.warning("%d reports for run %s were not stored", left, self.id)

    def __enter__(self) -> Self:
        try:
            self.attach()
            current.enter_run(self)
        except BaseException as error:  # an interrupt: nobody will leave what was not entered
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        current.leave(self)
        self._channel.left.decide(error)
        self.detach()

    async def __aenter__(self) -> Self:
        self.__enter__()
        self._channel.stopping.enter_task()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        current.leave(self)
        interrupted = self._channel.stopping.leave_task(error)
        self._channel.left.decide(error)
        try:
            await elsewhere(self.detach)
        except RuntimeError:  # no more threads
            self.detach()
        if interrupted:
            raise self._channel.stopping.cancelled() from error
