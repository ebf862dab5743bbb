"""Progress in plain lines, from the run's own state: one for each change and one every so many percent, in ASCII."""

import threading
from collections.abc import Callable
from typing import Protocol, Self, TextIO

from headway.progress.remaining import format_duration
from headway.progress.state import StageState, State, View

INTERVAL_S = 0.1
# Plain lines between changes of a stage: so many percent apart.
STEP = 5


Viewed = Callable[[State], View]
"""What adds a clock and the history to a state."""


class Watched(Protocol):
    """Whatever has a state that is up to date: a run."""

    @property
    def state(self) -> State:
        """The state as last folded."""


class Display:
    """Shows a run as long as its block lasts, and at the end of it the last state.

    A thread asks for the state ten times a second. Put it around the run, so that it sees the end.

    Args:
        run: Whose state to show.
        out: Where to.
        view: Adds the times to a state.
    """

    def __init__(self, run: Watched, out: TextIO, view: Viewed) -> None:
        self._run = run
        self._view = view
        self._show = _Lines(out)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="display", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self.refresh()

    def _draw(self) -> None:
        while not self._stopped.wait(INTERVAL_S):
            self.refresh()

    def refresh(self) -> None:
        """Tell what has changed."""
        state = self._run.state
        # nothing was reported yet, or nothing ever will be: there is no target
        if state.seq:
            self._show.refresh(state, times(self._view(state)))


class _Lines:
    """A line for each stage that changed, and for each step of the whole."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown: dict[str, str] = {}
        self._percent = 0

    def refresh(self, state: State, times: str) -> None:
        percent = int(state.progress * 100)
        for stage in state.stages:
            moved = stage.status == "running" and percent >= self._percent + STEP
            if stage.status != self._shown.get(stage.path, "pending") or moved:
                self._shown[stage.path] = stage.status
                self._percent = percent
                self._out.write(f"{percent:3d} %  {times:<23}  {_stage(stage)}\n")
        self._out.flush()


def times(view: View) -> str:
    """Elapsed and remaining, as far as they are known."""
    elapsed = format_duration(view.elapsed or 0.0)
    return elapsed if view.eta is None else f"{elapsed}, {format_duration(view.eta.remaining)} left"


def _stage(stage: StageState) -> str:
    return f"{stage.status:<10} {stage.path:<12} {_detail(stage)}".rstrip()


def _detail(stage: StageState) -> str:
    if stage.message or stage.current is None:
        return stage.message or ""
    of = f" of {stage.total:,}" if stage.total else ""
    unit = f" {stage.unit}s" if stage.unit else ""
    return f"{stage.current:,}{of}{unit}"
