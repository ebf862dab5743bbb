"""Stages whose blocks were left by closing the generator that they are in: it is not known yet how they ended.

Theory of operation. A generator that is closed cannot tell whether its loop was left by ``break``, which is no failure,
or by an exception that is on its way to a block around it. So its stages wait here, still open, for what comes next. A
block around them ends with an exception: they fail with it. That block ends well, or the same thread or task reports
something else while it handles no exception, or nothing comes for a moment: they are completed, as after a break. When
the run is cancelled they are left as they are, and end with it. A process that ends decides like a block.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
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
        for stage in self._taken(lambda each, where: each.path.startswith(below) and place in (None, where)):
            if isinstance(error, str):
                continue
            if error is None or isinstance(error, GeneratorExit) or is_success(error):
                stage.complete()
            elif not is_cancel(error):
                stage._fail_with(error)

    def forget(self) -> None:
        """The run is cancelled."""
        self._taken(lambda *_: True)

    def go_on(self, stage: Leavable | None = None) -> None:
        """This thread or task has something else to say, or somebody begins the stage anew: no exception has come."""
        # While it handles an exception, that may be the one.
        place = whereabouts() if sys.exc_info()[1] is None else None
        for each in self._taken(lambda each, where: each is stage or where == place):
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

    def _taken(self, meant: Callable[[Leavable, Here], bool]) -> list[Leavable]:
        """Those that are meant and still wait for what comes next: when their moment is over, that was nothing.

        All of them wait no more before the first is ended: what is said of its end is not what comes next for others.
        """
        waiting = list(self.waiting.items())
        taken = {each: since for each, (where, since) in waiting if meant(each, where) and self._take(each)}
        over_since = time.monotonic() - MOMENT_S
        for each, since in taken.items():
            if since <= over_since:  # the sender had no time to look: it waits for the store
                each.complete()
        return [each for each, since in taken.items() if since > over_since]

    def _take(self, stage: Leavable) -> bool:
        """Whether it waited; of two threads only one gets it. If it did not, the sender has completed it by now."""
        with self._completing:
            return self.waiting.pop(stage, None) is not None
