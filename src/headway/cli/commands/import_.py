"""``headway import``: make a run again from its lines."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import click

from headway.cli import output
from headway.cli.options import examples, json_option, url_option
from headway.cli.source import Source, open_writable_source
from headway.hub.importing import Imported

CHUNK_BYTES = 1024 * 1024


@click.command(
    epilog=examples(
        "headway import run.jsonl",
        "headway import run.jsonl --as copy-of-run --artifacts files",
        "headway export 0191f1c2 | headway import - --url sqlite:///copy.db",
    )
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--as", "run_id", metavar="ID", help="The run's id here, if it is not to be the one that it had.")
@click.option(
    "--artifacts",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Take the artifacts' content from there, as  headway export --artifacts  left it.",
)
@json_option
@url_option
def command(file: str, run_id: str | None, folder: Path | None, as_json: bool, url: str | None) -> None:
    """Make a run of what `headway export` wrote; - reads standard input.

    The whole file is checked first, and a damaged one changes nothing. What is there already stays as it is, so that an
    import can be repeated.
    """
    with _seekable(file) as lines, open_writable_source(url) as source:
        if folder is not None:
            _import_artifacts(source, folder)
        done = source.import_run(lines, run_id=run_id)
    if as_json:
        output.say_json(done)
    else:
        _tell(done)


@contextmanager
def _seekable(name: str) -> Iterator[BinaryIO]:
    """The file, or a copy of what comes through a pipe: it is read twice."""
    with cast(BinaryIO, click.open_file(name, "rb")) as file:
        if file.seekable():
            yield file
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy, CHUNK_BYTES)
            copy.seek(0)
            yield copy


def _import_artifacts(source: Source, folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as content:
                source.put_blob(content)


def _tell(done: Imported) -> None:
    if done.added:
        output.say(f"{done.run_id}: {done.added:,} of {done.events:,} events were new")
    else:
        output.say(f"{done.run_id}: all of its {done.events:,} events were here already")
    if not done.ended:
        cancel = f"headway cancel {done.run_id}"
        output.remark(f"it has not ended, and nobody works on it here:  {cancel}  ends it, or it fails in ten minutes")
