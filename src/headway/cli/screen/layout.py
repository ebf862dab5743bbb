"""The whole screen: which parts it has, and how many rows each of them gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from headway.cli.answering import open_questions
from headway.cli.screen.cells import cell_text
from headway.cli.screen.heading import bar_row, error_rows, result_row, times_row, title_row
from headway.cli.screen.log import line_row
from headway.cli.screen.reports import (
    file_rows,
    finding_rows,
    question_rows,
    said_rows,
)
from headway.cli.screen.rows import ACCENT, DIM, EMPTY, WARN, Row, Span, cut_row, row, spread
from headway.cli.screen.stages import stage_rows
from headway.cli.screen.watched import Picture
from headway.progress.remaining import format_duration
from headway.progress.state import State

WIDEST = 110
"""Columns that are used for all but the log: a longer bar says no more, and eyes lose the row."""

AIRY_ROWS = 18
"""From so many rows on the parts are kept apart by empty ones."""

LOW_ROWS = 14
"""Rows below which each of them counts."""

SILENT_S = 20.0
"""A job says something at least every ten seconds, so one that has not for so long deserves a remark."""

UNBOUNDED = 10_000
"""Rows where nobody counts them."""

FINDINGS, HIGHLIGHTS, LAST_LINES = 5, 3, 10


_PATH = re.compile(r"(?:/[^/\s:]+)+/([^/\s:]+)")


class ScreenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever watches wants to see.

    Attributes:
        eta_range: Between which times the end is expected, and what that rests on.
        hide_seconds: Leave the seconds out of the time left while they mean nothing.
        log: The newest log lines.
        colours: Colours in log lines.
        keys: What the keys do, for the last row; empty where there are none.
        answer_key: What answers a question, if there is one.
        url: Where the run is, if not where commands look by default: told with commands to type.
    """

    eta_range: bool = False
    hide_seconds: bool = False
    log: bool = True
    colours: bool = True
    keys: str = ""
    answer_key: str = ""
    url: str | None = None


class Part(msgspec.Struct, frozen=True):
    """A part of the screen: rows that it needs at least, rows that it can use, and what draws it in so many."""

    least: int
    most: int
    draw: Callable[[int], Sequence[Row]]


def screen_rows(picture: Picture, columns: int, rows: int, options: ScreenOptions, prompt: Row = EMPTY) -> list[Row]:
    """The screen, exactly as high as it is.

    Args:
        picture: What is known.
        columns: Of the terminal; one is left free.
        rows: Of the terminal.
        options: What is wanted.
        prompt: What is asked of whoever watches; it takes the last row.
    """
    wide = max(1, columns - 1)
    narrow = min(wide, WIDEST)
    head = heading(picture, narrow, options)[: max(1, rows - 1) if rows > 1 else 1]
    foot = [prompt or footer(picture, narrow, options)] if rows > len(head) else []
    room = rows - len(head) - len(foot)
    body = arranged(parts(picture, narrow, wide, options, room), room, airy=rows >= AIRY_ROWS)
    return [cut_row(row, wide) for row in (*head, *body, *([EMPTY] * (room - len(body))), *foot)]


def final_rows(picture: Picture, columns: int, options: ScreenOptions) -> list[Row]:
    """What stays when nobody watches any more: as high as it needs to be, without the log of what went well."""
    wide = max(1, columns - 1)
    narrow = min(wide, WIDEST)
    failed = picture.state is not None and picture.state.status == "failed"
    kept = msgspec.structs.replace(options, log=options.log and failed)
    body = parts(picture, narrow, wide, kept, UNBOUNDED, lines=LAST_LINES)
    shown = [*heading(picture, narrow, kept), *arranged(body, UNBOUNDED, airy=True)]
    if picture.state is not None:
        named = row(Span(picture.state.run_id, DIM))
        shown[2] = spread(shown[2], named, narrow)
        result = result_row(picture.state, narrow)
        shown += [EMPTY, result] if result else []
    return [cut_row(row, wide) for row in shown]


def heading(picture: Picture, columns: int, options: ScreenOptions) -> list[Row]:
    """Title, bar and times."""
    return [
        title_row(picture, columns),
        bar_row(picture, columns),
        times_row(picture, columns, eta_range=options.eta_range, hide_seconds=options.hide_seconds),
    ]


def parts(
    picture: Picture, columns: int, log_columns: int, options: ScreenOptions, room: int, *, lines: int = UNBOUNDED
) -> list[tuple[int, Part]]:
    """The parts from top to bottom, each with its rank: the lower, the sooner it gets its rows of all the ``room``."""
    state = picture.state
    if state is None:
        return []
    found, said = state.findings.total, _said(state)
    logged = lines if options.log and len(picture.log) else 0
    ranked = [
        (1, _listed(error_rows(picture, columns))),
        (2, _stages(picture, state, columns, room)),
        (0, _questions(picture, state, columns, room, options.url)),
        (3, Part(2, found and 1 + min(FINDINGS, found), lambda n: finding_rows(state, columns, n))),
        (4, Part(1, min(HIGHLIGHTS, said), lambda n: said_rows(state, columns, n))),
        (6, _whole(file_rows(state, columns))),
        (5, Part(3, logged, _log(picture, log_columns, options))),
    ]
    return [one for one in ranked if one[1].most]


def _said(state: State) -> int:
    return len(state.highlights) + len(state.notes) + len(state.errors.recent)


def _listed(rows: Sequence[Row]) -> Part:
    return Part(min(1, len(rows)), len(rows), lambda count: rows[:count])


def _questions(picture: Picture, state: State, columns: int, room: int, url: str | None) -> Part:
    asked = len(open_questions(state, picture.now))
    least = 1 if room < LOW_ROWS else 2  # with the command that answers it
    return Part(least, asked and least + 3 * asked, lambda n: question_rows(state, picture.now, columns, n, url))


def _whole(rows: Sequence[Row]) -> Part:
    return Part(len(rows), len(rows), lambda count: rows[:count])


def _stages(picture: Picture, state: State, columns: int, room: int) -> Part:
    count = len(state.stages)
    least = max(3, room * 2 // 5)
    return Part(min(least, count), count, lambda rows: stage_rows(state.stages, picture.until, columns, rows))


def _log(picture: Picture, columns: int, options: ScreenOptions) -> Callable[[int], Sequence[Row]]:
    def draw(count: int) -> Sequence[Row]:
        lines = picture.log.newest(count - 1)
        shown = [cut_row((Span("│ ", DIM), *line_row(line, colours=options.colours)), columns) for line in lines]
        return [row(Span("Log", "1")), *shown] if count > 1 else []

    return draw


def arranged(ranked: Sequence[tuple[int, Part]], rows: int, *, airy: bool) -> list[Row]:
    """The parts below one another in at most so many rows: first what each needs at least, then what it can use."""
    between = 1 if airy else 0
    given = [0] * len(ranked)
    order = sorted(range(len(ranked)), key=lambda at: ranked[at][0])
    room = rows
    for at in order:
        least = ranked[at][1].least
        if least + between <= room:
            given[at] = least
            room -= least + between
    for at in order:
        more = min(room, ranked[at][1].most - given[at]) if given[at] else 0
        given[at] += more
        room -= more
    shown: list[Row] = []
    for (_rank, part), count in zip(ranked, given, strict=True):
        drawn = part.draw(count) if count else []
        shown += [*([EMPTY] * between if drawn else []), *drawn]
    return shown[:rows]


def footer(picture: Picture, columns: int, options: ScreenOptions) -> Row:
    """The last row: what is the matter, or what the keys do; and which run this is."""
    run_id = "" if picture.state is None else picture.state.run_id
    right = row(Span(run_id, DIM)) if run_id and columns >= len(run_id) + 36 else EMPTY
    asked = picture.state is not None and open_questions(picture.state, picture.now)
    keys = row(
        Span(f"{options.answer_key}   ", ACCENT) if asked and options.answer_key else "", Span(options.keys, DIM)
    )
    return spread(remark(picture) or keys, right, columns)


def short_paths(text: str) -> str:
    """A text whose paths are only their last names: there is one row for all of it."""
    return _PATH.sub(r"…/\1", text)


def remark(picture: Picture) -> Row:
    """What whoever watches should know, if something is the matter."""
    state = picture.state
    text = ""
    if picture.trouble is not None:
        text = f"trying again: {short_paths(cell_text(picture.trouble))}"
    elif state is None:
        return row(
            Span(f"waiting for run {cell_text(picture.run_id)}" if picture.run_id else "waiting for a run", ACCENT)
        )
    elif picture.ended:
        return EMPTY
    elif state.status == "lost":
        text = "the job has gone silent: it may come back, or count as failed five minutes later"
    elif state.cancel_requested:
        text = "a cancel was asked for: the job ends at its next safe point"
    elif picture.silent_s >= SILENT_S and state.status == "running":
        text = f"no news for {format_duration(picture.silent_s)}"
    elif picture.notice is not None:
        return row(Span(cell_text(picture.notice), ACCENT))
    return row(Span(f"! {text}", WARN)) if text else EMPTY
