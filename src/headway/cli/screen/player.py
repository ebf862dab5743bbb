"""Plays a recorded run: its events come when they came, only faster, and long silences are short.

Theory of operation. There is one clock, that of the recording, in seconds since 1970; it runs ``speed`` times as fast
as ours and stands still while it is paused. An event is due when the recording's clock has reached its time; when
nothing was due for a while, the clock jumps to what comes next. Going back means to begin at a mark on the tape.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal, cast

from headway.cli.amount import taken_text
from headway.cli.screen.rows import ACCENT, DIM, Row, Span, row
from headway.cli.screen.signals import Signals
from headway.cli.screen.tape import Tape
from headway.cli.screen.watched import Delivery
from headway.progress.transitions import RUN_ENDED
from headway.protocol.frames import EndFrame

SILENCE_S = 1.0
"""The longest silence, as it is played."""

PAGES_AT_ONCE = 4
"""Pages between two pictures: at the highest speeds a long run still passes by, and keys still work."""

JUMP = 20
"""The arrows go a twentieth of the whole."""

SLOWEST, FASTEST = 0.01, 1_000_000.0


class Player:
    """See ``Feed`` and ``MoreKeys``.

    Args:
        tape: What is played.
        speed: How many times faster than it was.
        start: Where to begin, in seconds from the tape's beginning.
        clock: Our own clock, in seconds.

    Attributes:
        meanings: See ``MoreKeys``.
        over: Whether everything was played.
    """

    meanings: tuple[tuple[str, str], ...] = (
        ("space", "pause, go on"),
        ("← →", "back, forward"),
        ("+ -", "faster, slower"),
    )

    def __init__(
        self, tape: Tape, *, speed: float, start: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tape = tape
        self._speed = speed
        self._clock = clock
        self._paused = False
        self._base = tape.span.began
        self._based = self._spoke = clock()
        self._first: Delivery | None = tape.snapshot(self._base)
        self.over = False
        self._go_to(self._base + start)

    def now(self) -> float:
        """The recording's time."""
        return self._base + (0.0 if self._paused else (self._clock() - self._based) * self._speed)

    def _go_to(self, at: float) -> None:
        self._base, self._based = at, self._clock()
        self._spoke = self._based

    def start(self, signals: Signals) -> None:  # noqa: ARG002 -- it never has to wake anybody
        """See ``Feed``."""
        self._go_to(self._base)

    def stop(self) -> None:
        """See ``Feed``."""

    def take(self) -> Sequence[Delivery]:
        """See ``Feed``."""
        taken = [] if self._first is None else [self._first]
        self._first = None
        upcoming = self._tape.next_at()
        if upcoming is not None and not self._paused and upcoming > self.now() and self._silence_s() >= SILENCE_S:
            self._go_to(upcoming)
        for _ in range(PAGES_AT_ONCE):
            delivery = self._tape.advance(self.now())
            if delivery is None:
                break
            taken.append(delivery)
            self._spoke = self._clock()
        if self._tape.next_at() is None and not self._paused:
            taken += self._end()
        return taken

    def _silence_s(self) -> float:
        return self._clock() - self._spoke

    def _end(self) -> list[Delivery]:
        self.over = True
        status = self._tape.status()
        if status not in RUN_ENDED:
            return []
        ended = cast(Literal["completed", "failed", "cancelled"], status)
        return [Delivery(EndFrame(run_id=self._tape.run_id, status=ended, cursor="0"))]

    def due_s(self) -> float | None:
        """See ``Feed``."""
        upcoming = self._tape.next_at()
        if self._first is not None:
            return 0.0
        if self._paused:
            return 0.0 if upcoming is not None and upcoming <= self.now() else None
        if upcoming is None:
            return 0.0
        return max(0.0, min((upcoming - self.now()) / self._speed, SILENCE_S - self._silence_s()))

    def key(self, key: str) -> bool:
        """See ``MoreKeys``."""
        if key == " ":
            at = self.now()
            self._paused = not self._paused
            self._go_to(at)
        elif key in ("left", "right"):
            self._jump(-1 if key == "left" else 1)
        elif key in ("+", "-"):
            at = self.now()
            self._speed = min(max(self._speed * (2 if key == "+" else 0.5), SLOWEST), FASTEST)
            self._go_to(at)
        else:
            return False
        return True

    def _jump(self, direction: int) -> None:
        began, ended = self._tape.span
        at = min(max(self.now() + direction * max(1.0, (ended - began) / JUMP), began), ended)
        if direction < 0:
            self._first = self._tape.rewind(at)
        self._go_to(at)

    def row(self) -> Row:
        """See ``MoreKeys``."""
        began, ended = self._tape.span
        place = f"{taken_text(min(self.now(), ended) - began)} of {taken_text(ended - began)}"
        state = Span("⏸ paused" if self._paused else f"▶ ×{self._speed:g}", ACCENT)
        return row(state, f"  {place}   ", Span("space pause   ← → seek   l log   ? help   q quit", DIM))
