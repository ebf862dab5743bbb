"""``headway export``: a run as lines of JSON."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from headway.cli import output
from headway.cli.download import copy_verified, save
from headway.cli.options import examples, newest_run_argument, url_option
from headway.cli.source import Source, find_run, open_source
from headway.errors import NotFound


@click.command(
    epilog=examples(
        "headway export 0191f1c2 > run.jsonl",
        "headway export 0191f1c2 -o run.jsonl --artifacts files",
        "headway export 0191f1c2 | ssh elsewhere headway import -",
    )
)
@newest_run_argument
@click.option("-o", "--output", "to", metavar="FILE", default="-", help="Write to a file instead of standard output.")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@click.option(
    "--artifacts",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Put the artifacts' content there, each file named by its SHA-256.",
)
@url_option
def command(run: str | None, to: str, force: bool, folder: Path | None, url: str | None) -> None:
    """Write a run as JSON Lines, by default the newest: a header, then its events, one a line.

    `headway import` makes the same run of it, in any store. A run that goes on is written as far as it is.
    """
    with open_source(url) as source:
        run_id = find_run(source, run)
        if to == "-":
            _print(source, run_id)
        else:
            with save(Path(to), force=force) as file:
                file.writelines(source.export(run_id))
        if folder is not None:
            _export_artifacts(source, run_id, folder)


def _print(source: Source, run_id: str) -> None:
    if output.is_terminal():
        for line in source.export(run_id):
            output.say_json_line(line.rstrip(b"\n"))
    else:
        sys.stdout.buffer.writelines(source.export(run_id))


def _export_artifacts(source: Source, run_id: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for entry in source.artifacts(run_id):
        place = folder / (entry.sha256 or "")
        if entry.sha256 is None or place.exists():
            continue
        try:
            with source.open_artifact(run_id, entry.name) as content, save(place, force=False) as file:
                copy_verified(content, file, entry)
        except NotFound as error:
            output.remark(f"{entry.name!r} is left out: {error}")
