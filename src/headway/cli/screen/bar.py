"""Bars: a heavy line on a light one, so that they can be read without colours too."""

from __future__ import annotations

from headway.cli.screen.rows import ACCENT, DIM, Row, Span, row

DONE, HALF, LEFT = "━", "╸", "─"


def bar(progress: float, columns: int, style: str = ACCENT) -> Row:
    """How far something is, in half columns: empty only for nothing done, full only for all of it."""
    halves = int(min(max(progress, 0.0), 1.0) * columns * 2)
    if 0 < progress < 1:
        halves = min(max(halves, 1), columns * 2 - 1)
    done = DONE * (halves // 2) + HALF * (halves % 2)
    return row(Span(done, style), Span(LEFT * (columns - len(done)), DIM))


def percent(progress: float) -> str:
    """Whole percent, of which 100 is only what is done."""
    return f"{int(progress * 100 + 1e-9):3d}%"
