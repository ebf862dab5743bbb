"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from headway.protocol.url import shown_url

if TYPE_CHECKING:
    from headway.cli.source import Source
    from headway.progress.state import State

Command = TypeVar("Command", bound=Callable[..., Any])

SUGGESTED_RUNS = 50
"""Runs that a shell offers: more would fill the screen."""


def url_option(function: Command) -> Command:
    """``--url``: where the runs are."""
    return click.option(
        "--url",
        envvar="HEADWAY_URL",
        metavar="URL",
        help="Where the runs are: sqlite:///path, or http(s)://host. "
        "By default HEADWAY_URL, then a file in your state folder.",
    )(function)


def typed_url(url: str | None) -> str | None:
    """The URL if it was typed, so that commands to be typed need it too; a password in it is for whoever types it."""
    source = click.get_current_context().get_parameter_source("url")
    return shown_url(url) if url and source is click.core.ParameterSource.COMMANDLINE else None


def json_option(function: Command) -> Command:
    """``--json``: for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(function)


def run_argument(function: Command) -> Command:
    """A run that must be named."""
    return click.argument("run", shell_complete=complete_run)(function)


def newest_run_argument(function: Command) -> Command:
    """A run; without it the newest."""
    return click.argument("run", required=False, shell_complete=complete_run)(function)


def examples(*lines: str) -> str:
    """The end of a help text: command lines that work, each on a line of its own."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def complete_run(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The newest runs whose ids begin so, with what they are."""
    from headway.ports import RunFilter

    def runs(source: Source) -> list[CompletionItem]:
        found = source.list_runs(RunFilter(runs=(incomplete,) if incomplete else None), limit=SUGGESTED_RUNS).runs
        return [CompletionItem(run.run_id, help=f"{run.kind} {run.status}") for run in found]

    return _suggestions(context, runs)


def complete_kind(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The kinds that begin so."""
    return _suggestions(context, lambda source: _beginning(source.kinds(), incomplete))


def complete_stage(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The run's stages."""
    return _of_run(context, lambda state: _beginning([stage.path for stage in state.stages], incomplete))


def complete_artifact(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The run's artifacts."""
    return _of_run(
        context, lambda state: _beginning(dict.fromkeys(entry.name for entry in state.artifacts), incomplete)
    )


def complete_question(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The run's questions that wait for an answer."""

    def questions(state: State) -> list[CompletionItem]:
        waiting = [entry for entry in state.inputs if entry.given_at is None and entry.id.startswith(incomplete)]
        return [CompletionItem(entry.id, help=entry.prompt) for entry in waiting]

    return _of_run(context, questions)


def _of_run(context: click.Context, suggest: Callable[[State], list[CompletionItem]]) -> list[CompletionItem]:
    from headway.cli.source import find_run

    def of_run(source: Source) -> list[CompletionItem]:
        return suggest(source.show(find_run(source, context.params.get("run"))).state)

    return _suggestions(context, of_run)


def _suggestions(context: click.Context, suggest: Callable[[Source], list[CompletionItem]]) -> list[CompletionItem]:
    from headway.cli.source import open_source
    from headway.errors import HeadwayError

    try:
        with open_source(context.params.get("url")) as source:
            return suggest(source)
    except HeadwayError:
        return []  # a shell that waits for names wants no errors


def _beginning(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
