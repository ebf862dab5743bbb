"""``headway ls``: the runs, newest first."""

from __future__ import annotations

import click
import msgspec

from headway.cli.options import json_option, url_option
from headway.cli.source import open_source
from headway.ports import RunFilter


@click.command()
@click.option("--kind", help="Only runs of this kind.")
@click.option("--status", help="Only runs with this status.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="At most so many.")
@json_option
@url_option
def command(kind: str | None, status: str | None, limit: int, as_json: bool, url: str | None) -> None:
    """List runs, newest first."""
    with open_source(url) as source:
        listing = source.list_runs(RunFilter(kind=kind, status=status), limit=limit)
    if as_json:
        click.echo(msgspec.json.encode(listing))
        return
    for run in listing.runs:
        click.echo(f"{run.run_id}  {run.status:9}  {run.progress:4.0%}  {run.kind}")
