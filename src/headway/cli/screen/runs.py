"""A live list of runs: what ``headway ls --watch`` shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from headway.cli.amount import taken_text
from headway.cli.last_news import listed_elapsed
from headway.cli.output import SYMBOLS
from headway.cli.screen.bar import bar, percent
from headway.cli.screen.cells import cell_text, width
from headway.cli.screen.heading import style_of
from headway.cli.screen.layout import WIDEST, short_paths
from headway.cli.screen.live import Drawing
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
    row,
    spread,
    table_row,
)
from headway.cli.screen.signals import Signals
from headway.cli.short_ids import short_ids
from headway.cli.source import Listing, Source
from headway.errors import HeadwayError, NotFound
from headway.ports import RunFilter
from headway.progress.state import ShortState
from headway.progress.transitions import RUN_ENDED

LOOK_S = 0.5
"""Between two looks at the list: it is asked anew each time."""

WAIT_S = 2.0
AGAIN_S = 0.5
END_S = 1.0
STATUS, ELAPSED, ID = 12, 7, 36
LEAST_TITLE, LEAST_REST = 5, 8
NARROW = 56
"""Columns below which a status is its symbol, and times are left out."""

Opener = Callable[[], Source]


class RunsNews(NamedTuple):
    """The list as it is now, or why it cannot be had."""

    listing: Listing | None
    trouble: str | None = None


def listings(opener: Opener, filter_: RunFilter, limit: int, stopped: threading.Event) -> Iterator[RunsNews]:
    """The list, again whenever it may have changed, until it is stopped.

    Args:
        opener: Opens the source; asked again while it cannot be.
        filter_: Which runs.
        limit: How many at most.
        stopped: Ends it within some seconds.

    Raises:
        HeadwayError: The source is none that has runs.
    """
    while not stopped.is_set():
        try:
            with opener() as source:
                while not stopped.is_set():
                    yield RunsNews(source.list_runs(filter_, limit=limit))
                    stopped.wait(LOOK_S)
                    source.wait(WAIT_S)
        except HeadwayError as error:
            # A store that is not there yet may come, as one that is away.
            if not error.retryable and not isinstance(error, NotFound):
                raise
            yield RunsNews(None, str(error))
        stopped.wait(AGAIN_S)


class RunsFeed:
    """See ``Feed``: the list, read in a thread of its own.

    Args:
        opener: Opens the source.
        filter_: Which runs.
        limit: How many at most.

    Attributes:
        over: See ``Feed``.
    """

    def __init__(self, opener: Opener, filter_: RunFilter, limit: int) -> None:
        self._stopped = threading.Event()
        self._listings = listings(opener, filter_, limit, self._stopped)
        self._news: RunsNews | None = None
        self._failure: BaseException | None = None
        self._wake: Callable[[], None] = threading.Event().set
        self._thread = threading.Thread(target=self._run, name="headway-ls", daemon=True)
        self.over = False

    def start(self, signals: Signals) -> None:
        """See ``Feed``."""
        self._wake = signals.wake
        self._thread.start()

    def _run(self) -> None:
        try:
            for news in self._listings:
                self._news = news
                self._wake()
        except BaseException as error:  # raised again where news are taken
            self._failure = error
            self._wake()

    def take(self) -> Sequence[RunsNews]:
        """See ``Feed``."""
        if self._failure is not None:
            raise self._failure
        news, self._news = self._news, None
        return [] if news is None else [news]

    def due_s(self) -> float | None:
        """See ``Feed``."""
        return None

    def stop(self) -> None:
        """See ``Feed``."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(END_S)


class RunsDisplay:
    """See ``Display``: the list, which can be scrolled.

    Args:
        clock: Seconds, by which running runs count on between two looks.
        filtered: Whether there may be runs that do not fit into the list.

    Attributes:
        quit: See ``Display``.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, filtered: bool = False) -> None:
        self.quit = False
        self._clock = clock
        self._filtered = filtered
        self._listing: Listing | None = None
        self._trouble: str | None = None
        self._seen = clock()
        self._top = 0
        self._room = 1

    def take(self, news: RunsNews) -> None:
        """See ``Display``."""
        self._trouble = news.trouble
        if news.listing is not None:
            self._listing, self._seen = news.listing, self._clock()

    def key(self, key: str) -> None:
        """See ``Display``."""
        steps = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -self._room, "pagedown": self._room, " ": self._room}
        self.quit = self.quit or key == "q"
        self._top = 0 if key in ("g", "home") else self._top + steps.get(key, 0)

    def draw(self, columns: int, rows: int) -> Drawing:
        """See ``Display``."""
        return Drawing(self.rows(columns, rows))

    def rows(self, columns: int, rows: int) -> list[Row]:
        """The list, exactly as high as the screen."""
        runs = () if self._listing is None else self._listing.runs
        wide = max(1, columns - 1)
        narrow = min(wide, WIDEST + ID)
        self._room = max(1, rows - 3)
        self._top = max(0, min(self._top, len(runs) - self._room))
        shown = self._shown(narrow)
        filled = [*shown, *([EMPTY] * (self._room - len(shown)))]
        return [_heading(runs, narrow), EMPTY, *filled, self._foot(len(runs), narrow)][-rows:]

    def final_rows(self, columns: int) -> list[Row]:
        """What stays when nobody watches any more: what was to be seen."""
        return self._shown(max(1, min(columns - 1, WIDEST + ID)))

    def _shown(self, columns: int) -> list[Row]:
        if self._listing is None:
            return []
        ids = _ids(self._listing, columns, filtered=self._filtered)
        runs = self._listing.runs[self._top : self._top + self._room]
        return runs_rows(runs, ids, columns, self._clock() - self._seen)

    def _foot(self, count: int, columns: int) -> Row:
        if self._trouble is not None:
            return cut_row(row(Span(f"! trying again: {short_paths(cell_text(self._trouble))}", WARN)), columns)
        if self._listing is not None and not count:
            return row(Span("no run yet", ACCENT))
        below = count - self._top - self._room
        more = row(Span(f"{below:,} more below", DIM)) if below > 0 else EMPTY
        return spread(row(Span("q quit   ↑ ↓ scroll", DIM)), more, columns)


def changed_lists(opener: Opener, filter_: RunFilter, limit: int, *, as_json: bool) -> Iterator[list[str]]:
    """What there is to print at each look: the list as JSON if it changed, or a line for each run whose status did."""
    statuses: dict[str, str] = {}
    before: tuple[ShortState, ...] | None = None
    for news in listings(opener, filter_, limit, threading.Event()):
        runs = before if news.listing is None else _without_views(news.listing)
        if as_json:
            yield [] if news.listing is None or runs == before else [msgspec.json.encode(news.listing).decode()]
        else:
            changed = [run for run in reversed(runs or ()) if statuses.get(run.run_id) != run.status]
            statuses |= {run.run_id: run.status for run in changed}
            yield ["  ".join((run.run_id, f"{run.status:9}", percent(run.progress), _title(run))) for run in changed]
        before = runs


def _without_views(listing: Listing) -> tuple[ShortState, ...]:
    return tuple(msgspec.structs.replace(run, view=None) for run in listing.runs)


def _heading(runs: Sequence[ShortState], columns: int) -> Row:
    counts: dict[str, int] = {}
    for run in runs:
        counts[run.status] = counts.get(run.status, 0) + 1
    parts = [
        Span(f"  {SYMBOLS[status]} {counts[status]:,} {status}", style_of(status))
        for status in SYMBOLS
        if status in counts
    ]
    return cut_row(row(Span("Runs", BOLD), *parts), columns)


def runs_rows(runs: Sequence[ShortState], ids: Mapping[str, str], columns: int, later_s: float = 0.0) -> list[Row]:
    """A row for each run.

    Args:
        runs: As lists have them, with their views.
        ids: How their ids are shown.
        columns: How wide the rows may be.
        later_s: How long ago that was, in seconds.
    """
    bars = 12 if columns >= 72 else 0
    status, elapsed = (STATUS, ELAPSED) if columns >= NARROW else (1, 0)
    numbers = [Column(status), Column(bars), Column(4, right=True), Column(elapsed, right=True)]
    name = min(max((len(ids[run.run_id]) for run in runs), default=0), ID)
    room = columns - sum(column.columns + 2 for column in (*numbers, Column(name)) if column.columns)
    longest = max((width(_title(run)) for run in runs), default=0)
    title = min(longest, room * 2 // 3)
    rest = room - title - 2
    if rest < LEAST_REST:
        title, rest = max(LEAST_TITLE, min(longest, room)), 0
    layout = [*numbers, Column(title), Column(rest), Column(name)]
    return [cut_row(_run_row(run, ids[run.run_id], layout, later_s), columns) for run in runs]


def _ids(listing: Listing, columns: int, *, filtered: bool) -> Mapping[str, str]:
    """What names each run in a command."""
    run_ids = [run.run_id for run in listing.runs]
    if columns >= 140:
        return {run_id: run_id for run_id in run_ids}
    return short_ids(run_ids, among_others=filtered or listing.next is not None or columns >= 100)


def _title(run: ShortState) -> str:
    return cell_text(run.title or run.kind, 120)


def _run_row(run: ShortState, shown_id: str, layout: Sequence[Column], later_s: float) -> Row:
    ended = run.status in RUN_ENDED
    asked = run.cancel_requested and not ended
    style = WARN if asked else style_of(run.status)
    elapsed = listed_elapsed(run)
    taken = taken_text(None if elapsed is None else elapsed + later_s * (not ended))
    doing = "" if ended or run.stage is None else "  ".join(filter(None, (run.stage, run.message)))
    failure = cell_text(run.error.message) if run.error is not None and run.status == "failed" else ""
    word = f" {'cancelling' if asked else run.status}" if layout[0].columns > 1 else ""
    head = table_row([Span(SYMBOLS[run.status] + word, style)], layout[:1])
    drawn = (Span("  "), *bar(run.progress, layout[1].columns, style_of(run.status))) if layout[1].columns else ()
    cells = [
        Span(percent(run.progress), PLAIN if ended else BOLD),
        Span(taken, DIM),
        Span(_title(run), PLAIN if ended else BOLD),
        Span(failure or cell_text(doing), DIM),
        Span(shown_id, DIM),
    ]
    return (*head, *drawn, Span("  "), *table_row(cells, layout[2:]))
