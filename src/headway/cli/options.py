"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

Command = TypeVar("Command", bound=Callable[..., Any])


def url_option(function: Command) -> Command:
    """``--url``: where the runs are."""
    return click.option(
        "--url",
        envvar="HEADWAY_URL",
        metavar="URL",
        help="Where the runs are: sqlite:///path, or http(s)://host. "
        "By default HEADWAY_URL, then a file in your state folder.",
    )(function)


def json_option(function: Command) -> Command:
    """``--json``: for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(function)


def run_argument(function: Command) -> Command:
    """A run that must be named."""
    return click.argument("run", shell_complete=complete_run)(function)


def newest_run_argument(function: Command) -> Command:
    """A run; without it the newest."""
    return click.argument("run", required=False, shell_complete=complete_run)(function)


def complete_run(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The newest runs whose ids begin so, with what they are."""
    from headway.cli.source import open_source
    from headway.errors import HeadwayError
    from headway.ports import RunFilter

    try:
        with open_source(context.params.get("url")) as source:
            listing = source.list_runs(RunFilter(runs=(incomplete,) if incomplete else None), limit=50)
    except HeadwayError:
        return []  # a shell that waits for names wants no errors
    return [CompletionItem(run.run_id, help=f"{run.kind} {run.status}") for run in listing.runs]
