"""What the job has to say: questions, findings, highlights, pictures and files."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from headway.cli.amount import size_text
from headway.cli.answering import open_questions, value_text
from headway.cli.screen.bar import percent
from headway.cli.screen.cells import cell_text, cut, wrap
from headway.cli.screen.heading import style_of
from headway.cli.screen.rows import (
    ACCENT,
    BOLD,
    DIM,
    EMPTY,
    PLAIN,
    WARN,
    Column,
    Row,
    Span,
    cut_row,
    joined,
    plain_text,
    row,
    spread,
    table_row,
)
from headway.cli.short_ids import PREFIX_CHARS, is_uuid7
from headway.progress.remaining import format_duration
from headway.progress.state import FindingEntry, InputEntry, State
from headway.progress.view import unix_s

SEVERITIES = ("critical", "high", "medium", "low")
SEVERITY = 8
MARK = "◆ "
NARROW = 40
"""Columns below which only what matters most is shown."""

WIDE = 72
"""Columns from which a run's whole id is shown in a command; the beginning of a UUIDv7 names it as well."""


def question_rows(state: State, now: float, columns: int, rows: int, url: str | None = None) -> list[Row]:
    """Each open question and the command that answers it, as far as there is room; the oldest first."""
    shown: list[Row] = []
    for entry in open_questions(state, now):
        command = wrap(answer_command(state.run_id, entry, url, short=columns < WIDE), max(1, columns - 2))
        block = [_question(entry, now, columns), *(row(Span(f"  {line}", ACCENT)) for line in command)]
        if shown and len(shown) + len(block) > rows:
            return [*shown[: rows - 1], row(Span("  … there are more questions", DIM))]
        shown += block
    return shown[:rows]


def question_text(entry: InputEntry) -> str:
    """A question and what it lets one choose from."""
    return plain_text(_question_row(entry))


def _question_row(entry: InputEntry) -> Row:
    choices = "" if not entry.choices else " / ".join(map(value_text, entry.choices))
    return joined([row(Span(cell_text(entry.prompt), BOLD)), row(cell_text(choices))], "  ")


def _question(entry: InputEntry, now: float, columns: int) -> Row:
    deadline = unix_s(entry.deadline)
    left = EMPTY if deadline is None else row(Span(f"{format_duration(max(0.0, deadline - now))} to answer", DIM))
    return spread(row(Span("? ", ACCENT), *_question_row(entry)), left, columns)


def answer_command(run_id: str, entry: InputEntry, url: str | None = None, *, short: bool = False) -> str:
    """What to type to answer a question."""
    value = value_text(entry.choices[0]) if entry.choices else "VALUE"
    where = ["--url", url] if url else []
    run = run_id[:PREFIX_CHARS] if short and is_uuid7(run_id) else run_id
    return cell_text(shlex.join(["headway", "answer", *where, run, entry.id, value]))


def finding_rows(state: State, columns: int, rows: int) -> list[Row]:
    """How many there are of each severity, and the newest, the worst first."""
    findings = state.findings
    if not findings.total or rows < 1:
        return []
    counts = {name: getattr(findings.by_severity, name) for name in SEVERITIES}
    parts = [row(Span(f"{counts[name]:,} {name}", style_of(name))) for name in SEVERITIES if counts[name]]
    heading = cut_row(joined([row(Span("Findings", BOLD)), joined(parts)], "  "), columns)
    return [heading, *(_finding(entry, columns) for entry in worst(findings.recent, rows - 1))]


def worst(findings: Sequence[FindingEntry], count: int) -> list[FindingEntry]:
    """The worst findings, the newest of each severity first."""
    return sorted(findings, key=lambda entry: (SEVERITIES.index(entry.severity), -entry.seq))[: max(0, count)]


def _finding(entry: FindingEntry, columns: int) -> Row:
    certain = "" if entry.confidence is None else percent(float(entry.confidence))
    head = table_row(
        [Span(entry.severity, style_of(entry.severity)), Span(certain, DIM)],
        [Column(SEVERITY), Column(4 if columns >= NARROW else 0, right=True)],
    )
    said = joined([row(cell_text(part)) for part in (entry.title or entry.id, entry.detail or "") if part], ": ", PLAIN)
    where = row(Span(cell_text(entry.stage or ""), DIM))
    return cut_row(row("  ", *head, "  ", *joined([said, where], "  ")), columns)


def said_rows(state: State, columns: int, rows: int) -> list[Row]:
    """The newest highlights, notes and errors, the newest last."""
    marked = [(entry.seq, Span(MARK, ACCENT), entry.text) for entry in state.highlights]
    marked += [(entry.seq, Span("· ", DIM), entry.text) for entry in state.notes]
    marked += [(entry.seq, Span("! ", WARN), entry.message) for entry in state.errors.recent]
    newest = sorted(marked)[-rows:] if rows else []
    return [cut_row(row(mark, cell_text(text)), columns) for _seq, mark, text in newest]


def file_rows(state: State, columns: int) -> list[Row]:
    """Pictures and files, by the names that ``headway artifacts`` takes: a row for each sort."""
    shots = [cell_text(shot.caption or shot.artifact) for shot in reversed(state.screenshots)]
    pictures = {shot.artifact for shot in state.screenshots} | {shot.thumbnail for shot in state.screenshots}
    files = [
        cell_text(entry.name) + (f" ({size_text(entry.size)})" if entry.size is not None else "")
        for entry in reversed(state.artifacts)
        if entry.name not in pictures
    ]
    found = [_names("screenshot", shots, columns), _names("file", files, columns)]
    return [one for one in found if one]


def _names(what: str, names: Sequence[str], columns: int) -> Row:
    if not names:
        return EMPTY
    count = f"{len(names):,} {what}{'s' if len(names) > 1 else ''}"
    return row(Span(f"{count}  ", DIM), Span(cut(", ".join(names[:20]), max(0, columns - len(count) - 2))))
