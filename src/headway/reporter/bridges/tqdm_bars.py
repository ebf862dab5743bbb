"""Bars of tqdm as stages: listened to where tqdm draws, never in its loops."""

from __future__ import annotations

import io
import sys
from contextlib import nullcontext
from functools import cache
from typing import Any

from headway.reporter.bridges.bar import Bar, Reading, number
from headway.reporter.bridges.bar_capture import BarCapture, Listeners, library
from headway.reporter.bridges.hooks import Hooks, Method, harmless
from headway.reporter.bridges.line_log import unlogged
from headway.reporter.stage import Scope

# A bar of tqdm's, which has no types of its own; what is read of it has been there since its version 4.50.
Tqdm = Any

_MINE = "_headway"


def capture_tqdm(run: Scope | None = None, *, display: bool = True) -> BarCapture:
    """From now on tqdm's bars become stages of the current run: for good, or to the end of a ``with`` block.

    A bar opened while another is open in the same thread or task becomes a stage inside the other's; the same bar
    again, as in a loop, takes up the same stage. A stage is named by its bar's description; what a description
    becomes later, and the postfix, are its message. tqdm's loops are as fast as before: a stage learns what tqdm
    draws, when it draws it. A bar that tqdm itself hides when there is no terminal (``disable=None``) is reported all
    the same, one with ``disable=True`` is not. All of tqdm's classes take part, from tqdm 4.50 on.

    Args:
        run: By default each bar goes to where its thread or task is; from threads that are in no run, to where this
            is called.
        display: False to let tqdm draw nothing.

    Raises:
        MissingExtra: tqdm is not installed.

    Example:
        >>> import headway, tqdm
        >>> with headway.run("demo", target="none:"), capture_tqdm(display=False):
        ...     sum(tqdm.tqdm(range(4), desc="Adding"))
        6
    """
    return BarCapture(_listeners(), run, display=display)


@cache
def _listeners() -> Listeners:
    wraps = {"__init__": _on_init, "refresh": _on_refresh, "clear": _on_clear, "close": _on_close}
    return Listeners(Hooks(library("tqdm", "capture_tqdm()").tqdm, wraps))


class _Mine:
    """What we know of one of tqdm's bars; kept in the bar, and not holding it."""

    def __init__(self, capture: BarCapture, *, hidden: bool) -> None:
        self.capture = capture
        self.scope = capture.scope()
        self.hidden = hidden
        self.ready = False
        self.bar: Bar | None = None

    @harmless
    def begin(self, bar: Tqdm) -> None:
        """It is made; one that waits before it shows itself is opened when it does."""
        self.ready = True
        if self.hidden and hasattr(bar, "sp"):
            bar.fp = _Nowhere()
            bar.sp = _show_nothing
        if not getattr(bar, "delay", 0):
            self.show(bar)

    @harmless
    def show(self, bar: Tqdm) -> None:
        """It draws itself."""
        if not self.ready:
            return
        if self.bar is None:
            self.bar = self.capture.open(self.scope, bar.desc, "tqdm", holds=True)
        if self.bar is not None:
            self.bar.show(_read(bar))

    @harmless
    def end(self, bar: Tqdm, error: BaseException | None) -> None:
        """It closes."""
        if self.bar is not None:
            self.bar.show(_read(bar))
            self.capture.end(self.bar, error)


def _read(bar: Tqdm) -> Reading:
    scale = bar.unit_scale if isinstance(bar.unit_scale, int | float) and bar.unit_scale not in (0, 1) else 1
    total = number(bar.total)
    return Reading(
        description=bar.desc,
        current=(number(bar.n) or 0) * scale,
        total=None if total is None else total * scale,
        unit=None if bar.unit == "it" else str(bar.unit).strip(),
        remark=bar.postfix,
    )


def _on_init(original: Method) -> Method:
    def __init__(self: Tqdm, *args: object, **kwargs: object) -> None:  # noqa: N807 -- it becomes one
        capture = _listeners().listener()
        if capture is None:
            original(self, *args, **kwargs)
            return
        unseen = kwargs.get("disable", False) is None and not _is_terminal(kwargs.get("file"))
        if unseen:
            kwargs["disable"] = False
        mine = _Mine(capture, hidden=unseen or not capture.display)
        setattr(self, _MINE, mine)
        with unlogged:
            original(self, *args, **kwargs)
        if self.disable:
            delattr(self, _MINE)
        else:
            mine.begin(self)

    return __init__


def _on_refresh(original: Method) -> Method:
    def refresh(self: Tqdm, *args: object, **kwargs: object) -> object:
        mine: _Mine | None = self.__dict__.get(_MINE)
        if mine is None:
            return original(self, *args, **kwargs)
        mine.show(self)
        if mine.hidden:
            return True
        with unlogged:
            return original(self, *args, **kwargs)

    return refresh


def _on_clear(original: Method) -> Method:
    def clear(self: Tqdm, *args: object, **kwargs: object) -> object:
        with unlogged if _MINE in self.__dict__ else nullcontext():
            return original(self, *args, **kwargs)

    return clear


def _on_close(original: Method) -> Method:
    def close(self: Tqdm) -> object:
        mine: _Mine | None = self.__dict__.pop(_MINE, None)
        if mine is None:
            return original(self)
        mine.end(self, sys.exception())
        with unlogged:
            return original(self)

    return close


class _Nowhere(io.TextIOBase):
    """Where a hidden bar draws itself."""

    def write(self, text: str) -> int:
        return len(text)


def _show_nothing(text: str) -> None:
    """How a hidden bar draws itself."""


def _is_terminal(file: Any) -> bool:
    stream = sys.stderr if file is None else file
    return bool(getattr(stream, "isatty", bool)())
