"""Which bars are on the screen, and which of them a row shows now.

Theory of operation. A bar has no name on a screen: its row is drawn over, it moves with its row, what it is called may
change, and one inside another begins again in each round. A frame is the same bar's as before if its row, or another
bar that stands on no row any more, is of the same style, name and total and has not gone back; or if the row's bar has
only changed its name. Bars of tqdm in the row below another one's are inside it. A bar ends when its row is final, when
another takes its row, or with the output; what the outermost showed last is text then, once; of those inside others it
is told when the outer one ends, for each name once.
"""

from __future__ import annotations

from collections.abc import Callable

from headway.runners.recognition.screen import Row
from headway.runners.recognition.signs import BarEnded, BarShown, Reading, Sign, Text

_STACKED = ("rich",)
"""Styles of which several stand below each other, drawn as one and ended together."""

_NESTING = ("tqdm",)
"""Styles of which a row below another is inside it."""

INNER_KEPT = 100
"""Names of inner bars whose last rows are kept for the end of the outer one."""


class LiveBar:
    """A bar on the screen."""

    __slots__ = ("inside", "number", "reading", "row", "text")

    def __init__(self, number: int, inside: LiveBar | None, reading: Reading) -> None:
        self.number = number
        self.inside = inside
        self.reading = reading
        self.row: Row | None = None
        self.text = ""

    def fits(self, reading: Reading) -> bool:
        """Whether the reading may be this bar's next one, as far as it says itself."""
        mine = self.reading
        same = (mine.style, mine.name) == (reading.style, reading.name) and mine.total in (None, reading.total)
        return same and reading.current >= mine.current

    def renamed(self, reading: Reading) -> bool:
        """Whether the reading may be this bar's under another name."""
        mine = self.reading
        same = (mine.style, mine.total) == (reading.style, reading.total) and mine.style not in _STACKED
        return same and reading.current >= mine.current and not mine.complete


class Bars:
    """The bars on one screen.

    Args:
        tell: Called with each sign.
    """

    def __init__(self, tell: Callable[[Sign], None]) -> None:
        self._tell = tell
        self._live: dict[int, LiveBar] = {}
        self._on: dict[int, LiveBar] = {}  # by the identity of the row
        self._inner: dict[str, str] = {}
        self._next = 1

    def on(self, row: Row) -> LiveBar | None:
        """The bar that a row shows."""
        return self._on.get(id(row))

    def show(self, row: Row, reading: Reading, *, ends: bool) -> None:
        """A row shows a bar; ``ends``: the cursor has gone below it."""
        bar = self._same(row, reading, ends=ends)
        if bar is None:
            bar = self._open(row, reading)
        elif bar.row is not row:
            self._leave(bar)
            self._clear_for(row, bar)
        bar.reading, bar.text = reading, row.text.rstrip()
        bar.row = row
        self._on[id(row)] = bar
        self._tell(BarShown(bar.number, bar.inside.number if bar.inside else None, reading))

    def hide(self, row: Row) -> None:
        """A row shows no bar any more; the bar may come back elsewhere."""
        bar = self.on(row)
        if bar is not None:
            self._leave(bar)

    def end_on(self, row: Row) -> bool:
        """A row is final: its bar has ended; false if it shows none."""
        bar = self.on(row)
        if bar is None:
            return False
        self._end(bar)
        return True

    def end_lost(self) -> None:
        """Ordinary text follows: bars that are complete and stand nowhere have ended."""
        for bar in [bar for bar in self._live.values() if bar.row is None and bar.reading.complete]:
            self._end(bar)

    def end_all(self) -> None:
        """The output has ended."""
        for bar in list(self._live.values()):
            self._end(bar)
        self._tell_inner()

    def end_stacked(self) -> None:
        """The cursor is shown again: those who draw their bars as one have ended."""
        for bar in [bar for bar in self._live.values() if bar.reading.style in _STACKED and bar.row is None]:
            self._end(bar)

    def peek(self, row: Row, reading: Reading) -> BarShown | None:
        """What a row that is being drawn would show, if it is plain which bar that is; nothing changes."""
        bar = self.on(row)
        if bar is None or not bar.fits(reading) or sum(other.fits(reading) for other in self._live.values()) > 1:
            return None
        return BarShown(bar.number, bar.inside.number if bar.inside else None, reading)

    def _same(self, row: Row, reading: Reading, *, ends: bool) -> LiveBar | None:
        here = self.on(row)
        fitting = [bar for bar in self._live.values() if bar.fits(reading)]
        if ends and reading.complete:
            # tqdm draws the last state of an inner bar over the outer one's row, and goes down.
            inner = [bar for bar in fitting if bar.inside is not None and not self._left(bar)]
            if inner:
                return inner[-1]
        if here is not None and (here in fitting or here.renamed(reading)):
            return here
        lost = [bar for bar in fitting if bar.row is None]
        if lost:
            return lost[0]
        return fitting[0] if len(fitting) == 1 and reading.name else None

    def _left(self, bar: LiveBar) -> bool:
        return bar.row is None and bar.reading.complete

    def _open(self, row: Row, reading: Reading) -> LiveBar:
        self._clear_for(row, None)
        inside = self._outer_of(row) if reading.style in _NESTING else None
        for bar in list(self._live.values()):
            lost = bar.row is None and bar.reading.style not in _STACKED
            if lost and bar.inside is inside and (bar.reading.complete or inside is not None):
                self._end(bar)
        bar = LiveBar(self._next, inside, reading)
        self._next += 1
        self._live[bar.number] = bar
        return bar

    def _outer_of(self, row: Row) -> LiveBar | None:
        """The innermost bar that stands above and is not complete; a row that is not drawn yet is below all."""
        above: LiveBar | None = None
        for bar in self._live.values():
            if (
                bar.row is not None
                and bar.row is not row
                and bar.reading.style in _NESTING
                and not bar.reading.complete
            ):
                above = bar
        return above

    def _clear_for(self, row: Row, newcomer: LiveBar | None) -> None:
        """Another bar takes the row: the one that was there has ended, unless it only moves on."""
        before = self.on(row)
        if before is None or before is newcomer:
            return
        self._leave(before)
        if newcomer is None:
            self._end(before)

    def _leave(self, bar: LiveBar) -> None:
        if bar.row is not None:
            self._on.pop(id(bar.row), None)
            bar.row = None

    def _end(self, bar: LiveBar) -> None:
        for inner in [each for each in self._live.values() if each.inside is bar]:
            self._end(inner)
        if self._live.pop(bar.number, None) is None:
            return
        self._leave(bar)
        self._tell(BarEnded(bar.number))
        if bar.inside is None:
            if bar.text:
                self._tell(Text(bar.text))
            self._tell_inner()
        elif bar.text and (bar.reading.name in self._inner or len(self._inner) < INNER_KEPT):
            self._inner[bar.reading.name] = bar.text

    def _tell_inner(self) -> None:
        inner, self._inner = self._inner, {}
        for text in inner.values():
            self._tell(Text(text))
