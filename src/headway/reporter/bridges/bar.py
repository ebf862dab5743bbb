"""A progress bar as a stage.

Theory of operation. The fold lets a stage with stages inside it be worth what those are worth. A bar inside another
one usually shows one round of the outer one's many, so its stage must not count as done when the round is: it reports
how far the outer one has come, this round included, and ends when the outer one does. Its own numbers stand beside.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextvars import ContextVar
from typing import NamedTuple, SupportsFloat

from headway.protocol.events import Number
from headway.reporter.bridges import shelf
from headway.reporter.bridges.stage_name import clean_text, stage_name
from headway.reporter.failure import is_cancel
from headway.reporter.stage import Scope

_ENDINGS = (GeneratorExit, StopIteration, StopAsyncIteration)
"""With these a loop ends that was left, or is done."""


class Reading(NamedTuple):
    """What a bar shows at a moment."""

    description: object
    current: Number
    total: Number | None = None
    unit: str | None = None
    remark: object = None


def number(value: object) -> Number | None:
    """A finite number as the protocol has them; None for anything else."""
    if type(value) is int:
        return value  # as it nearly always is
    if not isinstance(value, SupportsFloat):
        return None
    real = float(value)
    if not math.isfinite(real):
        return None
    return int(real) if real.is_integer() else real


class Bar:
    """One bar, from its opening to its end. In any thread; what its readings say is not checked again.

    Args:
        taken: Its stage.
        scope: The place of the job's in which it was opened.
        outer: The bar that was open there.
        error: The exception that was being handled there: one that the bar has nothing to do with.

    Attributes:
        around: The bar that was open there.
        outer: The same, if its stage has this one's inside it.
        ended: It shows nothing any more; its stage may still be open, for the next round.
    """

    def __init__(self, taken: shelf.Taken, scope: Scope, outer: Bar | None, error: BaseException | None) -> None:
        self.scope = scope
        self.around = outer
        self.outer: Bar | None = None
        self.ended = False
        self.current: Number = 0
        self.total: Number | None = None
        self._taken = taken
        self._inside: list[Bar] = []
        self._error = error
        self._open = True
        self._own = 0.0
        self._had_total = self._had_message = not taken.fresh
        self._description: object = None
        self._text = ""
        taken.stage.start()
        if outer is not None and taken.place is outer._taken.stage:
            self.outer = outer
            self._come_into(outer)

    def _come_into(self, outer: Bar) -> None:
        """Take the place of the bar of the round before, and what was left inside it."""
        before = next((bar for bar in outer._inside if bar._taken.stage is self._taken.stage), None)
        if before is not None:
            outer._inside.remove(before)
            self._inside = before._inside
            for bar in self._inside:
                bar.outer = self
        outer._inside.append(self)

    @property
    def places(self) -> list[Scope]:
        """Where a bar inside this one may make its stage, the best first."""
        return [self._taken.stage, self._taken.place]

    def show(self, reading: Reading) -> None:
        """It shows something else now."""
        if self.ended:
            return
        self.current = max(0, reading.current)
        self.total = reading.total
        self._own = _share(self.current, self.total)
        self._taken.stage.update(
            progress=None if self.outer is None else self._overall(),
            current=self.current,
            total=self._total_said(),
            unit=reading.unit,
            message=self._message(reading),
        )
        for bar in self._inside:
            if bar.ended and bar._open:
                bar._taken.stage.update(progress=bar._overall())

    def advance(self, amount: Number) -> None:
        """So much more is done, and nothing else has changed; not for a bar inside another one."""
        self.current += amount
        self._taken.stage.advance(amount)

    def end(self, error: BaseException | None) -> None:
        """It is gone, because of an exception or not."""
        if self.ended:
            return
        self.ended = True
        failure = None if error is self._error or isinstance(error, _ENDINGS) else error
        if failure is not None and not is_cancel(failure):
            # First this one: once it has ended, what ends inside it does not count any more.
            self._open = False
            self._taken.stage.fail(failure, recoverable=True)
            self._end_inside()
        elif failure is not None:
            self._leave_open()  # the end of the run, which is near, says how they ended
        elif self.outer is not None and not self.outer.ended:
            self._own = 0.0  # from here on the outer one counts this round
        else:
            self._complete()
        shelf.give_back(self._taken)
        if _innermost.get() is self:
            _innermost.set(self.around)

    def _complete(self) -> None:
        self._end_inside()
        self._open = False
        early = self.total is not None and self.current < self.total
        self._taken.stage.complete(f"ended at {self.current} of {self.total}" if early else None)

    def _end_inside(self) -> None:
        for bar in self._inside:
            if bar.ended and bar._open:
                bar._complete()
        self._leave_open()

    def _leave_open(self) -> None:
        self._inside = []

    def _overall(self) -> float:
        share = self._own
        for outer in self._around():
            share = min(1.0, (outer.current + share) / outer.total) if outer.total else 0.0
        return share

    def _around(self) -> Iterator[Bar]:
        bar = self.outer
        while bar is not None:
            yield bar
            bar = bar.outer

    def _total_said(self) -> Number | None:
        if self.total is not None:
            self._had_total = True
            return self.total
        return 0 if self._had_total else None  # 0 means that it is not known any more

    def _message(self, reading: Reading) -> str | None:
        if reading.description != self._description:
            self._description = reading.description
            name = stage_name(reading.description, self._taken.wanted)
            self._text = "" if name == self._taken.wanted else clean_text(reading.description).rstrip(": ")
        remark = clean_text(reading.remark) if reading.remark else ""
        message = " · ".join(filter(None, (self._text, remark)))
        if message:
            self._had_message = True
            return message
        return "" if self._had_message else None


_innermost: ContextVar[Bar | None] = ContextVar("headway_bar", default=None)


def open_bar(scope: Scope, run: Scope, name: str, error: BaseException | None, *, holds: bool) -> Bar | None:
    """A bar that begins to show in this thread or task; None if there is no room for its stage.

    Args:
        scope: Where the job is: the bar is inside the innermost bar that was opened there and is still open.
        run: Where there is room for it if the scope is too deep.
        name: Its stage's name.
        error: The exception that is being handled.
        holds: Whether bars that are opened here later, while it is open, are inside it.
    """
    outer = _innermost.get()
    while outer is not None and (outer.ended or outer.scope is not scope):
        outer = outer.around
    taken = shelf.take([*([] if outer is None else outer.places), scope, run], name)
    if taken is None:
        return None
    bar = Bar(taken, scope, outer, error)
    if holds:
        _innermost.set(bar)
    return bar


def _share(current: Number, total: Number | None) -> float:
    return min(1.0, current / total) if total else 0.0
