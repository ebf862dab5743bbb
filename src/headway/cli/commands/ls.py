"""``headway ls``: the runs, newest first."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import get_args

import click

from headway.cli import output
from headway.cli.amount import age_text, moment, percent_text, since_text, taken_text
from headway.cli.last_news import listed_elapsed
from headway.cli.options import complete_kind, examples, json_option, url_option
from headway.cli.safe import safe_line
from headway.cli.short_ids import short_ids
from headway.cli.shown import Listing
from headway.cli.source import Source, none_yet, open_source
from headway.cli.table import Cell, Column, print_table
from headway.ports import RunFilter
from headway.progress.state import ShortState
from headway.progress.view import unix_s
from headway.protocol.events import RunStatus

COLUMNS = (
    Column("STATUS"),
    Column("RUN"),
    Column("KIND", drop=2, shortest=10),
    Column("TITLE", drop=1, shortest=12),
    Column("DONE", right=True),
    Column("STAGE", drop=5, shortest=8),
    Column("ELAPSED", drop=4, right=True),
    Column("AGE", drop=3, right=True),
)
NARROW_COLUMNS = (Column(""), Column("RUN"), Column("DONE", right=True), Column("TITLE", drop=1, shortest=5))
"""What is left where there is no room for words."""

NARROW = 60

WIDE = 110
"""On a terminal of fewer columns long ids are shortened, to a part that still names the run."""


@click.command(
    epilog=examples(
        "headway ls --status running",
        "headway ls --kind video-summary --since 2h",
        "headway ls --text shop --json",
        "headway ls --watch --since 1d",
    )
)
@click.option("--kind", metavar="KIND", shell_complete=complete_kind, help="Only runs of this kind.")
@click.option("--status", type=click.Choice(get_args(RunStatus)), help="Only runs with this status.")
@click.option("--text", metavar="TEXT", help="Only runs with this text in their id, kind or title.")
@click.option("--since", type=moment, metavar="WHEN", help="Only runs created since: 2h, 7d, 2026-11-20T19:41 (UTC).")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="At most so many.")
@click.option("--page", metavar="PAGE", help="Go on where a list ended; it says how.")
@click.option("--watch", is_flag=True, help="Keep the list on the screen, and up to date.")
@json_option
@url_option
def command(  # noqa: PLR0913, PLR0917 -- one for each option
    kind: str | None,
    status: str | None,
    text: str | None,
    since: str | float | None,
    limit: int,
    page: str | None,
    watch: bool,
    as_json: bool,
    url: str | None,
) -> None:
    """List runs, newest first."""
    filter_ = RunFilter(kind=kind, status=status, text=text, since=since_text(since, time.time()))
    if watch:
        from headway.cli.screen.showing import watch_runs

        watch_runs(lambda: open_source(url, must_exist=True), filter_, limit, as_json=as_json)
        return
    with open_source(url) as source:
        listing = source.list_runs(filter_, limit=limit, page=page)
        if as_json:
            output.say_json(listing)
        else:
            _print(source, listing, filter_, whole=page is None and listing.next is None)


def _print(source: Source, listing: Listing, filter_: RunFilter, *, whole: bool) -> None:
    """Print a list: the whole one of its filter, or a page of it."""
    now, filtered = time.time(), filter_ != RunFilter()
    if not listing.runs:
        output.remark(f"no run in {source.url} fits" if filtered else none_yet(source))
        return
    ids = _shown_ids([run.run_id for run in listing.runs], among_others=filtered or not whole)
    if output.is_terminal() and output.width() < NARROW:
        print_table(NARROW_COLUMNS, [narrow_row(run, ids[run.run_id]) for run in listing.runs])
    else:
        print_table(COLUMNS, [row(run, ids[run.run_id], now) for run in listing.runs])
    if listing.next is not None:
        output.remark(f"there are more: add  --page {listing.next}")


def row(run: ShortState, shown_id: str, now: float) -> list[Cell]:
    """A run's cells, in the order of ``COLUMNS``."""
    style = output.STYLES[run.status]
    created = unix_s(run.created_at)
    return [
        Cell(f"{output.symbol(run.status)} {run.status}" if output.is_terminal() else run.status, style),
        Cell(shown_id),
        Cell(safe_line(run.kind)),
        Cell(safe_line(run.title or ""), "bold"),
        Cell(percent_text(run.progress)),
        Cell(safe_line(run.stage or "") if run.ended_at is None else "", "dim"),
        Cell(taken_text(listed_elapsed(run))),
        Cell("" if created is None else age_text(now - created), "dim"),
    ]


def narrow_row(run: ShortState, shown_id: str) -> list[Cell]:
    """A run's cells, in the order of ``NARROW_COLUMNS``."""
    return [
        Cell(output.symbol(run.status), output.STYLES[run.status]),
        Cell(shown_id),
        Cell(percent_text(run.progress)),
        Cell(safe_line(run.title or run.kind), "bold"),
    ]


def _shown_ids(run_ids: Sequence[str], *, among_others: bool) -> Mapping[str, str]:
    """The ids as they are shown: whole ones into a pipe, and where there is room."""
    if not output.is_terminal() or output.width() >= WIDE:
        return {run_id: run_id for run_id in run_ids}
    return short_ids(run_ids, among_others=among_others or output.width() >= NARROW)
