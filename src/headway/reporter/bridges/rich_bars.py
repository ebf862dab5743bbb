"""Tasks of rich's progress displays as stages."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

from headway.reporter.bridges.bar import Bar, Reading, number
from headway.reporter.bridges.bar_capture import BarCapture, Listeners, library
from headway.reporter.bridges.hooks import Hooks, Method, harmless
from headway.reporter.stage import Scope

# A display of rich's. Its types are not used: rich is imported only when somebody else has it.
Progress = Any
Task = Any

_MINE = "_headway"


def capture_rich(run: Scope | None = None, *, display: bool = True) -> BarCapture:
    """From now on the tasks of rich's ``Progress`` become stages of the current run: for good, or in a ``with`` block.

    A stage is named by its task's description, without markup; what the description becomes later is its message. It
    begins when its task is started and visible, or has come some way, and ends when the task is finished, removed, or
    its display stops; a task that goes on opens it again. ``rich.progress.track`` takes part, and so do files.

    Args:
        run: By default each task goes to where its thread or task of asyncio is; from threads that are in no run, to
            where this is called.
        display: False to let rich draw no progress; what is printed on its console still appears.

    Raises:
        MissingExtra: rich is not installed.
    """
    return BarCapture(_listeners(), run, display=display)


@cache
def _listeners() -> Listeners:
    wraps = dict.fromkeys(("update", "reset", "start_task"), _after_change)
    others = {
        "advance": _on_advance,
        "__init__": _on_init,
        "add_task": _on_add,
        "remove_task": _on_remove,
        "stop": _on_stop,
    }
    return Listeners(Hooks(library("rich.progress", "capture_rich()").Progress, wraps | others))


class _Mine:
    """What we know of one display's tasks."""

    def __init__(self, capture: BarCapture) -> None:
        self.capture = capture
        self.bars: dict[object, Bar] = {}
        self.scopes: dict[object, Scope | None] = {}

    def add(self, progress: Progress, task_id: object) -> None:
        """A task is new; whichever thread moves it later, it belongs to where it was made."""
        self.scopes[task_id] = self.capture.scope()
        self.show(progress, task_id)

    @harmless
    def show(self, progress: Progress, task_id: object) -> None:
        """A task has changed."""
        task = progress._tasks.get(task_id)
        if task is None or not (task.completed or (task.visible and task.started)):
            return
        bar = self.bars.get(task_id)
        if bar is None or bar.ended:
            if bar is not None and task.finished:
                return
            bar = self.capture.open(self.scopes.get(task_id), _plain(task.description), "rich", holds=False)
            if bar is None:
                return
            self.bars[task_id] = bar
        bar.show(_read(task))
        if task.finished:
            self.capture.end(bar, None)

    def advance(self, progress: Progress, task_id: object, amount: object) -> None:
        """A task has come further: this is what loops do, and must be cheap."""
        bar = self.bars.get(task_id)
        if bar is None or bar.outer is not None or type(amount) is not int or progress._tasks[task_id].finished:
            self.show(progress, task_id)
        else:
            bar.advance(amount)

    @harmless
    def end(self, task_id: object, error: BaseException | None) -> None:
        """A task is gone."""
        self.scopes.pop(task_id, None)
        bar = self.bars.pop(task_id, None)
        if bar is not None:
            self.capture.end(bar, error)

    def stop(self, error: BaseException | None) -> None:
        """The display stops; it may start again."""
        for bar in list(self.bars.values()):
            self.capture.end(bar, error)


def _read(task: Task) -> Reading:
    return Reading(description=_plain(task.description), current=number(task.completed) or 0, total=number(task.total))


@cache
def _markup() -> Any:
    return library("rich.markup", "capture_rich()")


def _plain(description: str) -> str:
    """The description without rich's markup; as it is if that is broken."""
    try:
        return str(_markup().render(description).plain) if "[" in description else description
    except ValueError:
        return description


class _HiddenLive:
    """Stands in for the part of a display that draws: whatever else is asked of it, the part answers."""

    def __init__(self, live: Any) -> None:
        self._live = live
        self.is_started = False

    def start(self, **_: bool) -> None:
        """Begin to draw nothing."""
        self.is_started = True

    def stop(self) -> None:
        """Draw nothing no more."""
        self.is_started = False

    def refresh(self) -> None:
        """Draw nothing once."""

    def __getattr__(self, name: str) -> object:
        return getattr(self._live, name)


def _mine(progress: Progress) -> _Mine | None:
    mine: _Mine | None = progress.__dict__.get(_MINE)
    return None if mine is None or mine.capture.closed else mine


def _on_init(original: Method) -> Method:
    def __init__(self: Progress, *args: object, **kwargs: object) -> None:  # noqa: N807 -- it becomes one
        original(self, *args, **kwargs)
        capture = _listeners().listener()
        if capture is not None:
            setattr(self, _MINE, _Mine(capture))
            if not capture.display:
                self.live = _HiddenLive(self.live)

    return __init__


def _on_add(original: Method) -> Method:
    def add_task(self: Progress, *args: object, **kwargs: object) -> object:
        task_id = original(self, *args, **kwargs)
        mine = _mine(self)
        if mine is not None:
            mine.add(self, task_id)
        return task_id

    return add_task


def _after_change(original: Method) -> Method:
    def change(self: Progress, task_id: object, *args: object, **kwargs: object) -> object:
        result = original(self, task_id, *args, **kwargs)
        mine = _mine(self)
        if mine is not None:
            mine.show(self, task_id)
        return result

    return change


def _on_advance(original: Method) -> Method:
    def advance(self: Progress, task_id: object, advance: object = 1) -> None:
        original(self, task_id, advance)
        mine = _mine(self)
        if mine is not None:
            mine.advance(self, task_id, advance)

    return advance


def _on_remove(original: Method) -> Method:
    def remove_task(self: Progress, task_id: object) -> object:
        mine = _mine(self)
        if mine is not None:
            mine.end(task_id, sys.exception())
        return original(self, task_id)

    return remove_task


def _on_stop(original: Method) -> Method:
    def stop(self: Progress) -> None:
        mine = _mine(self)
        if mine is not None:
            mine.stop(sys.exception())
        if isinstance(self.live, _HiddenLive):  # rich would end it with an empty line
            self.live.stop()
        else:
            original(self)

    return stop
