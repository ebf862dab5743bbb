"""``headway artifacts``: the files of a run."""

from __future__ import annotations

import sys
import time

import click

from headway.cli import output
from headway.cli.amount import age_text, size_text
from headway.cli.download import copy_verified, place_for, save
from headway.cli.options import complete_artifact, examples, json_option, newest_run_argument, url_option
from headway.cli.safe import safe_line
from headway.cli.source import Source, find_run, open_source
from headway.cli.table import Cell, Column, print_table
from headway.errors import HeadwayError, NotFound
from headway.progress.state import ArtifactEntry
from headway.progress.view import unix_s

COLUMNS = (
    Column("NAME", shortest=20),
    Column("TYPE", drop=2, shortest=8),
    Column("SIZE", right=True),
    Column("SHA-256", drop=4),
    Column("STAGE", drop=3, shortest=8),
    Column("AGE", drop=1, right=True),
)

DIGEST_CHARS = 12


@click.command(
    epilog=examples(
        "headway artifacts",
        "headway artifacts 0191f1c2 --get report.html",
        "headway artifacts 0191f1c2 --get report.html -o - | less",
    )
)
@newest_run_argument
@click.option("--get", "name", metavar="NAME", shell_complete=complete_artifact, help="Download this one.")
@click.option("-o", "--output", "to", metavar="FILE", help="Where to: a file, a folder, or - for standard output.")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@json_option
@url_option
def command(run: str | None, name: str | None, to: str | None, force: bool, as_json: bool, url: str | None) -> None:
    """List the files of a run, by default the newest, or download one.

    A download is checked against the SHA-256 that the run reported. It goes into the working directory, under the last
    part of its name, and never over another file.
    """
    with open_source(url) as source:
        run_id = find_run(source, run)
        if name is not None:
            _get(source, run_id, _entry(source, run_id, name), to, force=force)
        elif to is not None:
            raise click.UsageError("-o says where a download goes: give --get NAME, too")
        elif as_json:
            output.say_json({"artifacts": [_shown(entry) for entry in source.artifacts(run_id)]})
        else:
            _print(run_id, source.artifacts(run_id))


def _entry(source: Source, run_id: str, name: str) -> ArtifactEntry:
    for entry in source.artifacts(run_id):
        if entry.name == name:
            return entry
    raise NotFound(f"run {run_id} has no artifact {name!r}: see  headway artifacts {run_id}")


def _get(source: Source, run_id: str, entry: ArtifactEntry, to: str | None, *, force: bool) -> None:
    if to == "-":
        _print_content(source, run_id, entry, force=force)
        return
    path = place_for(entry.name, to)
    with source.open_artifact(run_id, entry.name) as content, save(path, force=force) as file:
        copy_verified(content, file, entry)
    output.say(str(path))


def _print_content(source: Source, run_id: str, entry: ArtifactEntry, *, force: bool) -> None:
    if output.is_terminal() and not force:
        raise HeadwayError("a file can control a terminal: pipe it into a program, or add --force")
    with source.open_artifact(run_id, entry.name) as content:
        copy_verified(content, sys.stdout.buffer, entry)


def _shown(entry: ArtifactEntry) -> dict[str, object]:
    return {member: getattr(entry, member) for member in ("name", "media_type", "size", "sha256", "at")}


def _print(run_id: str, entries: tuple[ArtifactEntry, ...]) -> None:
    if not entries:
        output.remark(f"run {run_id} has no artifacts")
        return
    print_table(COLUMNS, [_row(entry, time.time()) for entry in entries])


def _row(entry: ArtifactEntry, now: float) -> list[Cell]:
    at = unix_s(entry.at)
    return [
        Cell(safe_line(entry.name), "bold"),
        Cell(safe_line(entry.media_type or "")),
        Cell("" if entry.size is None else size_text(entry.size)),
        Cell(safe_line(entry.sha256 or "")[:DIGEST_CHARS], "dim"),
        Cell(safe_line(entry.stage or ""), "dim"),
        Cell("" if at is None else age_text(now - at), "dim"),
    ]
