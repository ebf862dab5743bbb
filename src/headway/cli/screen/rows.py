"""Rows of the screen: spans of text with a style, built column by column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from headway.cli.screen.cells import cut, pad, width

PLAIN = ""
BOLD = "1"
DIM = "2"
ACCENT = "36"
OK = "32"
BAD = "31"
WARN = "33"
LOUD = "1;31"
"""Styles are what stands in the escape for them. The colours are the terminal's own, which fit its background."""


LEAST_LEFT = 8
"""Columns of what stands at the left that are worth more than what stands at the right."""


class Span(NamedTuple):
    """Some text of a row. It is safe, and as wide as ``cells.width`` says."""

    text: str
    style: str = PLAIN


Row = tuple[Span, ...]
EMPTY: Row = ()


def row(*spans: Span | str) -> Row:
    """A row of these; text alone is plain."""
    made = (span if isinstance(span, Span) else Span(span) for span in spans)
    return tuple(span for span in made if span.text)


def row_width(spans: Iterable[Span]) -> int:
    """The columns that spans take."""
    return sum(width(span.text) for span in spans)


def cut_row(spans: Row, columns: int) -> Row:
    """A row in at most so many columns."""
    if row_width(spans) <= columns:
        return spans
    kept: list[Span] = []
    room = columns
    for span in spans:
        wide = width(span.text)
        if wide >= room:
            kept.append(Span(cut(span.text + (" " if wide == room else ""), room), span.style))
            break
        kept.append(span)
        room -= wide
    return tuple(kept)


def spread(left: Row, right: Row, columns: int) -> Row:
    """One at the left edge and one at the right; the left one gives way, but before it is gone the right one is."""
    needed = row_width(right)
    if not right or columns - needed - 2 < min(LEAST_LEFT, row_width(left)):
        return cut_row(left, columns)
    kept = cut_row(left, columns - needed - 2)
    return (*kept, Span(" " * (columns - needed - row_width(kept))), *right)


def indent(spans: Row, columns: int) -> Row:
    """A row moved to the right."""
    return (Span(" " * columns), *spans) if spans else spans


def joined(parts: Sequence[Row], between: str = " · ", style: str = DIM) -> Row:
    """Rows beside one another, but for empty ones."""
    spans: list[Span] = []
    for part in parts:
        if part:
            spans += [Span(between, style), *part] if spans else part
    return tuple(spans)


class Column(NamedTuple):
    """A column of a table: how wide it is, and whether its text stands at the right."""

    columns: int
    right: bool = False


def table_row(cells: Sequence[Span], layout: Sequence[Column], gap: int = 2) -> Row:
    """Cells below those of other rows; columns that are not wide at all are left out."""
    spans: list[Span] = []
    for cell, column in zip(cells, layout, strict=True):
        if column.columns > 0:
            if spans:
                spans.append(Span(" " * gap))
            spans.append(Span(pad(cell.text, column.columns, right=column.right), cell.style))
    return tuple(spans)


def plain_text(spans: Row) -> str:
    """A row without its styles."""
    return "".join(span.text for span in spans).rstrip()
