"""``headway show``: everything about a run."""

from __future__ import annotations

import time

import click

from headway.cli import output
from headway.cli.last_news import last_news
from headway.cli.options import examples, json_option, newest_run_argument, url_option
from headway.cli.source import find_run, open_source
from headway.progress.view import unix_s


@click.command(
    epilog=examples(
        "headway show",
        "headway show 0191f1c2",
        "headway show 0191f1c2 --at 17",
        "headway show 0191f1c2 --json | jq .state.result",
    )
)
@newest_run_argument
@click.option("--at", type=click.IntRange(min=0), metavar="SEQ", help="As it was after event SEQ.")
@click.option("--no-seconds", is_flag=True, help="Leave the seconds out of the time left while it is not sure.")
@json_option
@url_option
def command(run: str | None, at: int | None, no_seconds: bool, as_json: bool, url: str | None) -> None:
    """Show everything about a run, by default the newest: stages, findings, artifacts, questions, result."""
    from headway.cli.run_page import run_page

    with open_source(url) as source:
        shown = source.show(find_run(source, run), at=at)
        heard_at = None if as_json else last_news(source, shown.state)
    if as_json:
        output.say_json(shown)
        return
    now = time.time() if at is None else unix_s(shown.view.now) or time.time()
    for line in run_page(shown, now, heard_at, hide_seconds=no_seconds):
        output.say(line)
