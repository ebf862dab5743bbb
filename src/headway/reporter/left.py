"""Stages whose blocks were left by closing the generator that they are in: it is not known yet how they ended.

Theory of operation. A generator that is closed cannot tell whether its loop was left by ``break``, which is no failure,
or by an exception that is on its way to a block around it. So its stages wait here, still open, for what comes next. A
block around them ends with an exception: they fail with it. That block ends well, or the same thread or task reports
something else, or nothing comes for a moment: they are completed, as after a break. When the run is cancelled they are
left as they are, and end with it.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Protocol

from headway.reporter.failure import is_cancel, is_success
from headway.reporter.stopping import Here, whereabouts

MOMENT_S = 1.0
"""An exception that nobody handles reaches the blocks around in less, unless it meets a long ``finally``."""


class Leavable(Protocol):
    """A stage."""

    @property
    def path(self) -> str:
        """Its name."""

    def complete(self) -> None:
        """It ended well."""

    def _fail_with(self, error: BaseException) -> None:
        """An exception has left it."""


class LeftStages:
    """The stages of a run that wait. Safe in any thread.

    Attributes:
        waiting: They, in the order in which they were left, each with where that was, and when on the monotonic clock.
    """

    def __init__(self) -> None:
        self.waiting: dict[Leavable, tuple[Here, float]] = {}
        self._completing = threading.RLock()

    def add(self, stage: Leavable) -> None:
        """The stage's generator was closed."""
        self.waiting[stage] = (whereabouts(), time.monotonic())

    @property
    def due_at(self) -> float:
        """When the moment of the first is over."""
        return min((since + MOMENT_S for _, since in list(self.waiting.values())), default=float("inf"))

    def decide(self, error: BaseException | str | None, below: str = "", *, here: bool = False) -> None:
        """A block ends, or the run; what stands in it (whose paths begin with ``below``) ends as it does.

        A block that is closed with its generator knows no more than they do: they are completed.

        Args:
            error: What leaves the block, if anything does.
            below: How the paths begin of what stands in it.
            here: Only this thread or task was in it.
        """
        place = whereabouts() if here else None
        for stage, (where, _) in list(self.waiting.items()):
            if not stage.path.startswith(below) or place not in (None, where):
                continue
            if not self._take(stage) or isinstance(error, str):
                continue
            if error is None or isinstance(error, GeneratorExit) or is_success(error):
                stage.complete()
            elif not is_cancel(error):
                stage._fail_with(error)

    def forget(self) -> None:
        """The run is cancelled."""
        self.waiting.clear()

    def go_on(self, stage: Leavable | None = None) -> None:
        """This thread or task has something else to say, or somebody begins the stage anew: no exception has come."""
        if sys.exc_info()[1] is not None and stage is None:
            return  # it speaks while it handles an exception, which may be that one
        here = whereabouts()
        for each, (where, _) in list(self.waiting.items()):
            if (where == here or each is stage) and self._take(each):
                each.complete()

    def look(self, now: float) -> None:
        """Complete those whose moment is over. For the sender's thread, with which the job cannot agree on a time."""
        for stage, (_, since) in list(self.waiting.items()):
            if since + MOMENT_S > now:
                continue
            with self._completing:
                if stage in self.waiting:
                    stage.complete()
                    # Only now: who begins it anew, or ends a block around it, finds it here and waits for its end.
                    self.waiting.pop(stage, None)

    def _take(self, stage: Leavable) -> bool:
        """Whether it waited; of two threads only one gets it. If it did not, the sender has completed it by now."""
        with self._completing:
            return self.waiting.pop(stage, None) is not None
