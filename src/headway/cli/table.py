"""Tables: with colours and as wide as the terminal, or aligned with spaces into a pipe.

A narrow terminal drops whole columns, the least important first, before it cuts what is in those that stay. Into a pipe
everything goes, uncut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from headway.cli import output
from headway.cli.output import Style

GAP = 2


class Column(NamedTuple):
    """A column.

    Attributes:
        title: What stands above it.
        drop: Columns with a higher number are dropped first; those with 0 never.
        right: For numbers.
        shortest: It may be cut to so many characters; 0: it is never cut.
    """

    title: str
    drop: int = 0
    right: bool = False
    shortest: int = 0


class Cell(NamedTuple):
    """What stands in a row, safe to print."""

    text: str
    style: Style = ""


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a table on standard output."""
    if output.is_terminal():
        _print_rich(columns, rows)
    else:
        for line in plain_lines(columns, rows):
            output.say(line)


def plain_lines(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """The lines of a table for a pipe: aligned with spaces, with no tab and no colour."""
    table = [[column.title for column in columns], *([cell.text for cell in row] for row in rows)]
    widths = [max(map(cell_width, texts)) for texts in zip(*table, strict=True)]
    return [_joined(texts, widths, columns) for texts in table]


def _joined(texts: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    padded = []
    for text, wide, column in zip(texts, widths, columns, strict=True):
        space = " " * (wide - cell_width(text))
        padded.append(space + text if column.right else text + space)
    return (" " * GAP).join(padded).rstrip()


def cell_width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fitting(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """Which columns stay on a terminal of this width, by number."""
    kept = list(range(len(columns)))
    while len(kept) > 1:
        least = sum(min(widths[i], columns[i].shortest or widths[i]) for i in kept) + GAP * (len(kept) - 1)
        droppable = [i for i in kept if columns[i].drop]
        if least <= width or not droppable:
            return kept
        kept.remove(max(droppable, key=lambda i: columns[i].drop))
    return kept


def cut_widths(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """The widths of these columns, those that may be cut shortened in proportion until all fit."""
    cuttable = [
        max(0, wide - column.shortest) if column.shortest else 0 for column, wide in zip(columns, widths, strict=True)
    ]
    excess = sum(widths) + GAP * (len(widths) - 1) - width
    if excess <= 0 or not any(cuttable):
        return list(widths)
    share = min(1.0, excess / sum(cuttable))
    return [wide - math.ceil(cut * share) for wide, cut in zip(widths, cuttable, strict=True)]


def _print_rich(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = [[column.title for column in columns], *([cell.text for cell in row] for row in rows)]
    natural = [max(map(cell_width, texts)) for texts in zip(*table, strict=True)]
    kept = fitting(columns, natural, output.width())
    widths = cut_widths([columns[i] for i in kept], [natural[i] for i in kept], output.width())
    shown = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    for i, wide in zip(kept, widths, strict=True):
        justify: Literal["left", "right"] = "right" if columns[i].right else "left"
        shown.add_column(Text(columns[i].title), justify=justify, no_wrap=True, overflow="ellipsis", width=wide)
    for row in rows:
        shown.add_row(*(Text(row[i].text, style=row[i].style) for i in kept))
    output.console().print(shown)
