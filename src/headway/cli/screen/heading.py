"""The top of the screen: what runs, how far it is, how long it has taken and still takes."""

from __future__ import annotations

import msgspec

from headway.cli.amount import taken_text
from headway.cli.output import STYLES, SYMBOLS
from headway.cli.screen.bar import bar, percent
from headway.cli.screen.cells import cell_text, cut, wrap
from headway.cli.screen.rows import (
    ACCENT,
    BAD,
    BOLD,
    DIM,
    EMPTY,
    LOUD,
    OK,
    PLAIN,
    WARN,
    Row,
    Span,
    joined,
    row,
    row_width,
    spread,
)
from headway.cli.screen.watched import Picture
from headway.progress.remaining import format_duration, format_estimate
from headway.progress.state import Eta, State

NAMED = {"dim": DIM, "cyan": ACCENT, "green": OK, "red": BAD, "yellow": WARN, "bold": BOLD, "bold red": LOUD, "": PLAIN}
"""The styles of all commands as this screen writes them."""

MESSAGES = 72
"""Columns from which the stages have room for what they say."""

PERCENT = 4
ERROR_ROWS = 3


def style_of(status: str) -> str:
    """The style of a status or a severity."""
    return NAMED[STYLES[status]]


def symbol_of(status: str) -> Span:
    """The symbol of a status, in its style."""
    return Span(SYMBOLS[status], style_of(status))


def title_row(picture: Picture, columns: int) -> Row:
    """What it is, and how it stands."""
    state = picture.state
    if state is None:
        return spread(row(Span("headway", BOLD)), row(Span("○ waiting", DIM)), columns)
    title = row(Span(cell_text(state.title or state.kind or state.run_id), BOLD))
    kind = row(Span(cell_text(state.kind + (f" ({state.variant})" if state.variant else "")), DIM))
    left = joined([title, kind] if state.title else [title], "  ")
    return spread(left, _status(picture, state), columns)


def _status(picture: Picture, state: State) -> Row:
    if picture.gone:
        return row(Span("– deleted", WARN))
    asked = state.cancel_requested and not picture.ended
    word, style = ("cancelling", WARN) if asked else (state.status, style_of(state.status))
    attempt = row(Span(f"attempt {state.attempt}", DIM)) if state.attempt > 1 else EMPTY
    return joined([attempt, row(Span(f"{SYMBOLS[state.status]} {word}", style))], "  ")


def bar_row(picture: Picture, columns: int) -> Row:
    """How far it is."""
    state = picture.state
    progress, status = (0.0, "pending") if state is None else (state.progress, state.status)
    text = percent(progress)
    room = columns - PERCENT - 2
    style = BOLD if status in ("pending", "running") else f"{BOLD};{style_of(status)}"
    if room < PERCENT:
        return row(Span(text, style))
    return row(*bar(progress, room, ACCENT if status == "pending" else style_of(status)), "  ", Span(text, style))


def times_row(picture: Picture, columns: int, *, eta_range: bool, hide_seconds: bool = False) -> Row:
    """How long it has taken, how long it still takes, and what it does."""
    state, view = picture.state, picture.view
    if state is None:
        return EMPTY
    left = _left(view.eta, eta_range=eta_range, hide_seconds=hide_seconds)
    if view.elapsed is None:
        return joined([row(Span(_waiting(state), DIM)), EMPTY if state.queue is None else left])
    elapsed = taken_text(view.elapsed)
    if picture.ended:
        return row(Span(f"took {elapsed}", DIM))
    times = joined([row(elapsed, Span(" elapsed", DIM)), left])
    said = picture.sign or (state.message if columns < MESSAGES else "") or ""
    return spread(times, row(Span(cut(cell_text(said), columns - row_width(times) - 2), DIM)), columns)


def _waiting(state: State) -> str:
    if state.queue is None:
        return "waiting to start"
    of = f" of {state.queue.of:,}" if state.queue.of else ""
    return f"number {state.queue.position:,}{of} in the queue"


def _left(eta: Eta | None, *, eta_range: bool, hide_seconds: bool) -> Row:
    if eta is None:
        return EMPTY
    text = format_estimate(eta.remaining, eta.low, eta.high, hide_seconds=hide_seconds)
    spans = [Span(text), Span(" to wait" if eta.basis == "queue" else " left", DIM)]
    if eta_range:
        spans.append(Span(f" ({format_duration(eta.low)} – {format_duration(eta.high)})", DIM))
    reason = cell_text(eta.explanation) if eta_range else ""
    late = "longer than usual" if eta.overdue else ""
    return joined([row(*spans), row(Span(reason or late, WARN if eta.overdue else DIM)) if reason or late else EMPTY])


def error_rows(picture: Picture, columns: int) -> list[Row]:
    """What went wrong: why the run failed, or what the job noted while it goes on."""
    state = picture.state
    if state is None or state.error is None:
        return []
    failed = state.status == "failed"
    text = cell_text(state.error.message) + (f" ({cell_text(state.error.code)})" if state.error.code else "")
    lines = wrap(text, max(1, columns - 2))
    if len(lines) > ERROR_ROWS:
        lines = [*lines[: ERROR_ROWS - 1], cut(" ".join(lines[ERROR_ROWS - 1 :]), max(1, columns - 2))]
    style = BAD if failed else WARN
    first = Span(f"{SYMBOLS['failed' if failed else 'lost']} ", style)
    return [row(Span("  ") if number else first, Span(line, style)) for number, line in enumerate(lines)]


def result_row(state: State, columns: int) -> Row:
    """The run's result, as far as it fits."""
    if state.result is None:
        return EMPTY
    text = cell_text(msgspec.json.encode(state.result).decode(), columns * 2)
    return row(Span("result  ", DIM), Span(cut(text, max(0, columns - 8))))
