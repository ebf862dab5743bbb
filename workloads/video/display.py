"""Progress in the terminal, drawn from the run's own state.

In a terminal one screen is drawn over and over in its place; elsewhere plain lines tell what changed, one
a change and one every so many percent. All of it is ASCII, and nothing is switched that would have to be
switched back.
"""

import shutil
import threading
from collections.abc import Callable
from typing import Protocol, Self, TextIO

from headway.progress.remaining import format_duration
from headway.progress.state import StageState, State, View

INTERVAL_S = 0.1
# Plain lines between changes of a stage: so many percent apart.
STEP = 5
BAR_WIDTH = 40
MIN_COLUMNS = 20


Viewed = Callable[[State], View]
"""What adds a clock and the history to a state."""


class Watched(Protocol):
    """Whatever has a state that is up to date: a run."""

    @property
    def state(self) -> State:
        """The state as last folded."""


class Display:
    """Shows a run as long as its block lasts, and at the end of it the last state.

    A thread asks for the state ten times a second and draws it. Put it around the run, so that it sees the end.

    Args:
        run: Whose state to show.
        out: Where to; a terminal is drawn on, anything else gets lines.
        view: Adds the times to a state.
    """

    def __init__(self, run: Watched, out: TextIO, view: Viewed) -> None:
        self._run = run
        self._view = view
        self._show = _Screen(out) if out.isatty() else _Lines(out)
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
        """Draw the state as it is now."""
        state = self._run.state
        # nothing was reported yet, or nothing ever will be: there is no target
        if state.seq:
            self._show.refresh(state, times(self._view(state)))


class _Screen:
    """A few lines that are written over."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._height = 0

    def refresh(self, state: State, times: str) -> None:
        columns = max(MIN_COLUMNS, shutil.get_terminal_size().columns)
        lines = [line[: columns - 1] for line in screen(state, times)]
        up = f"\x1b[{self._height}A" if self._height else ""
        # each line is cleared to its end, and then what an earlier, taller screen left below
        self._out.write(up + "".join(f"\r{line}\x1b[K\n" for line in lines) + "\x1b[J")
        self._out.flush()
        self._height = len(lines)


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


def screen(state: State, times: str) -> list[str]:
    """The lines that show a state: title, bar, and each stage with how far it is."""
    filled = int(state.progress * BAR_WIDTH)
    bar = "#" * filled + "-" * (BAR_WIDTH - filled)
    percent = int(state.progress * 100)
    head = [state.title or "", f"[{bar}] {percent:3d} %  {times}  {state.status}"]
    return [*head, *(f"  {_stage(stage)}" for stage in state.stages)]


def _stage(stage: StageState) -> str:
    return f"{stage.status:<10} {stage.path:<12} {_detail(stage)}".rstrip()


def _detail(stage: StageState) -> str:
    if stage.message or stage.current is None:
        return stage.message or ""
    of = f" of {stage.total:,}" if stage.total else ""
    unit = f" {stage.unit}s" if stage.unit else ""
    return f"{stage.current:,}{of}{unit}"
