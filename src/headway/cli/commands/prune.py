"""``headway prune``: remove runs that have ended."""

from __future__ import annotations

import sys

import click

from headway.cli import exits, output
from headway.cli.amount import DAY, size, size_text, span
from headway.cli.options import complete_kind, examples, json_option, url_option
from headway.cli.shown import Removal
from headway.cli.source import Source, open_source
from headway.ports import PrunePolicy

SHOWN_RUNS = 10


@click.command(
    epilog=examples(
        "headway prune --dry-run",
        "headway prune --older-than 7d --kind video-summary --yes",
        "headway prune --max-runs 1000 --max-bytes 2GB --yes",
    )
)
@click.option("--older-than", type=span, metavar="SPAN", help="Runs that ended longer ago: 24h, 7d.")
@click.option("--max-runs", type=click.IntRange(min=0), metavar="N", help="The oldest beyond N runs.")
@click.option("--max-bytes", type=size, metavar="SIZE", help="The oldest until all events have so many bytes: 2GB.")
@click.option("--kind", metavar="KIND", shell_complete=complete_kind, help="Only runs of this kind.")
@click.option("--status", type=click.Choice(("completed", "failed", "cancelled")), help="Only runs that ended so.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
@url_option
def command(  # noqa: PLR0913, PLR0917 -- one for each option
    older_than: float | None,
    max_runs: int | None,
    max_bytes: int | None,
    kind: str | None,
    status: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    url: str | None,
) -> int:
    """Remove runs that have ended, and the files that no run names any more.

    Without a limit: those that ended more than 24 hours ago. Runs that have not ended stay, and so does what estimates
    of remaining time have learned. It says what it is about to do, and asks.

    Of a server's runs, lists tell neither the size nor when one was imported: --max-bytes is refused, and age counts
    from the end. The files stay until the server itself removes runs.
    """
    if older_than is None and max_runs is None and max_bytes is None:
        older_than = float(DAY)
    policy = PrunePolicy(older_than_s=older_than, max_runs=max_runs, max_bytes=max_bytes, kind=kind, status=status)
    with open_source(url) as source:
        found = source.prune(policy, dry_run=True)
        if not as_json:
            _say_plan(found)
        elif dry_run:
            _say_json(found, None, removed=False)
        if dry_run:
            return exits.OK
        if not yes and not _agreed(found):
            return exits.CANCELLED
        _remove(source, policy, as_json=as_json)
    return exits.OK


def _say_plan(found: Removal) -> None:
    if not found.runs:
        output.say("no run is to be removed")
        return
    bytes_ = "" if found.size_bytes is None else f", with {size_text(found.size_bytes)} of events"
    output.say(f"{_count(found)} to be removed{bytes_}:")
    for run_id in found.runs[:SHOWN_RUNS]:
        output.say(f"  {run_id}")
    if len(found.runs) > SHOWN_RUNS:
        output.say(f"  and {len(found.runs) - SHOWN_RUNS:,} more")


def _count(found: Removal) -> str:
    return f"{len(found.runs):,} run{'' if len(found.runs) == 1 else 's'}"


def _agreed(found: Removal) -> bool:
    if not found.runs:
        return True  # only files that no run names: nothing that anybody could miss
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to be asked: add --yes, or --dry-run to look only")
    return click.confirm("Remove them?", err=True)


def _remove(source: Source, policy: PrunePolicy, *, as_json: bool) -> None:
    removed = source.prune(policy)
    freed = source.remove_unused_blobs()
    if as_json:
        _say_json(removed, freed, removed=True)
    else:
        files = "" if freed is None else f", and {size_text(freed)} of files that no run names any more"
        output.say(f"removed {_count(removed)}{files}")


def _say_json(found: Removal, freed: int | None, *, removed: bool) -> None:
    done = {"runs": found.runs, "size_bytes": found.size_bytes}
    output.say_json({**done, "artifact_bytes": freed, "removed": removed})
