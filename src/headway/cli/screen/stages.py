"""The stages as a tree: what each is, how far, for how long; those that matter where there is no room for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from headway.cli.amount import taken_text
from headway.cli.screen.bar import bar, percent
from headway.cli.screen.cells import cell_text, cut, pad, width
from headway.cli.screen.heading import style_of, symbol_of
from headway.cli.screen.rows import BAD, BOLD, DIM, PLAIN, WARN, Row, Span, cut_row, joined, row, row_width
from headway.progress.state import StageState, StageStatus
from headway.progress.view import unix_s
from headway.protocol.events import Number

OPEN = ("running", "degraded")
INDENT = 2
MANY = 60
"""Stages from which only those that can be shown are measured."""

COUNTED = 5
"""Rows from which two can be spared to count the stages that are left out."""

LONGEST_TITLE = 40
SHORT, LONG = 5, 7
"""Widths of durations below an hour and from there on."""

COUNTS = 16
AGENT = " agent"
WIDE = 60
"""Columns from which numbers are worth more than the ends of long titles."""


class Node(NamedTuple):
    """A stage in the tree."""

    stage: StageState
    depth: int
    has_children: bool


def tree(stages: Sequence[StageState]) -> list[Node]:
    """The stages, each followed by those below it, otherwise in the order of the log."""
    below: dict[str, list[StageState]] = {}
    known = {stage.path for stage in stages}
    for stage in stages:
        above = stage.path.rpartition("/")[0]
        below.setdefault(above if above in known else "", []).append(stage)
    nodes: list[Node] = []
    waiting = [(stage, 0) for stage in reversed(below.get("", []))]
    while waiting:
        stage, depth = waiting.pop()
        children = below.get(stage.path, []) if stage.path else []
        nodes.append(Node(stage, depth, bool(children)))
        waiting += [(child, depth + 1) for child in reversed(children)]
    return nodes


def stage_rows(stages: Sequence[StageState], now: float, columns: int, rows: int) -> list[Row]:
    """The tree in at most so many rows; those that are left out are counted: the first above, all others below."""
    nodes = tree(stages)
    chosen = choose(nodes, rows)
    layout = _Layout.of(nodes if len(nodes) <= MANY else [nodes[at] for at in chosen], now, columns)
    shown = [_row(nodes[at], layout, now, columns) for at in chosen]
    if len(chosen) == len(nodes) or rows < COUNTED:
        return shown[:rows]
    before = [node.stage for node in nodes[: chosen[0]]]
    others = [nodes[at].stage for at in sorted({*range(chosen[0], len(nodes))} - {*chosen})]
    return [*_others(before), *shown, *_others(others)][:rows]


def _others(stages: Sequence[StageState]) -> list[Row]:
    if not stages:
        return []
    counts = Counter[StageStatus](stage.status for stage in stages)
    text = ", ".join(f"{count:,} {status}" for status, count in counts.most_common())
    return [row(Span(f"  … {text}", DIM))]


def choose(nodes: Sequence[Node], rows: int) -> list[int]:
    """The numbers of the nodes to show, in order: what runs and what is above it, then what is nearest to that."""
    if len(nodes) <= rows:
        return list(range(len(nodes)))
    room = rows - 2 if rows >= COUNTED else rows  # a row above and one below count the others
    focus = _focus(nodes)
    ranked = sorted(range(len(nodes)), key=lambda at: (_rank(nodes[at]), abs(at - focus), at))
    return sorted(ranked[:room])


def _focus(nodes: Sequence[Node]) -> int:
    """Where something happens: the newest that runs, or the one behind the newest that has ended."""
    running = [at for at, node in enumerate(nodes) if node.stage.status in OPEN and not node.has_children]
    if running:
        return running[-1]
    ended = [at for at, node in enumerate(nodes) if node.stage.status not in ("pending", "skipped")]
    return min(ended[-1] + 1, len(nodes) - 1) if ended else 0


def _rank(node: Node) -> int:
    if node.stage.status in OPEN:
        return 0
    if node.stage.status == "failed":
        return 1
    return 2 if node.depth == 0 else 3


class _Layout(NamedTuple):
    """Which columns there are, and how wide."""

    title: int
    taken: int
    bar: int
    counts: int

    @classmethod
    def of(cls, nodes: Sequence[Node], now: float, columns: int) -> _Layout:
        longest = max((node.depth * INDENT + width(_title(node.stage)) for node in nodes), default=0)
        taken = max((len(duration_of(node.stage, now)) for node in nodes), default=0)
        counts = min(max((width(_counts(node.stage, widest=True)) for node in nodes), default=0), COUNTS)
        taken = LONG if taken > SHORT else SHORT
        title = max(4, min(longest, LONGEST_TITLE, columns - taken - 12 - (counts if columns >= WIDE else 0)))
        left = columns - title - taken - counts - 14
        return cls(
            title, taken, 20 if left >= 50 else 12 if left >= 16 else 6 if left >= 6 else 0, counts if left >= 0 else 0
        )


def _row(node: Node, layout: _Layout, now: float, columns: int) -> Row:
    stage = node.stage
    is_open = stage.status in OPEN
    style = BOLD if is_open and not node.has_children else DIM if stage.status in ("pending", "skipped") else PLAIN
    taken = f"{duration_of(stage, now):>{layout.taken}}"
    head = row(*_titled(node, layout, style), "  ", Span(taken, DIM))
    detail = _progress(node, layout) if is_open else ()
    said = said_of(stage)
    between = row("  ") if detail or said else ()
    return cut_row((*head, *between, *joined([detail, said], "  ")), columns)


def _titled(node: Node, layout: _Layout, style: str) -> Row:
    space = min(INDENT * node.depth, layout.title // 2)
    title = cell_text(node.stage.title or node.stage.path.rpartition("/")[2], 120)
    agent = AGENT if node.stage.role == "agent" and space + width(title) + len(AGENT) <= layout.title else ""
    named = row(Span(cut(title, layout.title - space), style), Span(agent, DIM))
    spans = row(" " * space, symbol_of(node.stage.status), " ", *named)
    return row(*spans, " " * (2 + layout.title - row_width(spans)))


def _title(stage: StageState) -> str:
    return cell_text(stage.title or stage.path.rpartition("/")[2], 120) + (AGENT if stage.role == "agent" else "")


def _progress(node: Node, layout: _Layout) -> Row:
    stage = node.stage
    if not (stage.progress or stage.current is not None or stage.total is not None):
        return ()
    shown = row(*bar(stage.progress, layout.bar, style_of(stage.status)), "  ") if layout.bar else ()
    counts = Span(pad("" if node.has_children else _counts(stage), layout.counts), PLAIN) if layout.counts else ""
    return row(*shown, Span(percent(stage.progress), PLAIN), "  " if counts else "", counts)


def _counts(stage: StageState, *, widest: bool = False) -> str:
    if stage.current is None and stage.total is None:
        return ""
    current = stage.total if widest and stage.total else stage.current or 0
    if not stage.total:
        return f"{_number(current)} {cell_text(stage.unit or '', 20)}".rstrip()
    total = _number(stage.total)
    return f"{_number(current):>{len(total)}}/{total} {cell_text(stage.unit or '', 20)}".rstrip()


def _number(value: Number) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def said_of(stage: StageState, *, counted: bool = False) -> Row:
    """What became of a stage, in words; with ``counted`` also how far one is that goes on."""
    parts: list[Row] = []
    if stage.status == "failed" or (counted and stage.status in OPEN):
        parts.append(row(Span(_counts(stage).strip(), DIM)))
    if stage.status == "failed":
        parts.append(row(Span("" if stage.error is None else cell_text(stage.error.message), BAD)))
    elif stage.reason:
        instead = f" → {cell_text(stage.fallback)}" if stage.fallback else ""
        parts.append(row(Span(cell_text(stage.reason) + instead, DIM if stage.status == "skipped" else WARN)))
    if stage.message and stage.status != "failed":
        parts.append(row(Span(cell_text(stage.message), DIM)))
    elif stage.status == "completed" and stage.current:
        parts.append(row(Span(f"{_number(stage.current)} {cell_text(stage.unit or '', 20)}".rstrip(), DIM)))
    return joined(parts)


def duration_of(stage: StageState, now: float) -> str:
    """How long a stage took, or runs by now."""
    if stage.status in OPEN:
        started = unix_s(stage.started_at)
        return "" if started is None else taken_text(now - started)
    if stage.duration is not None:
        return taken_text(float(stage.duration))
    started, ended = unix_s(stage.started_at), unix_s(stage.ended_at)
    return "" if started is None or ended is None else taken_text(ended - started)
