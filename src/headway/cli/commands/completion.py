"""``headway completion``: let a shell complete commands, options, runs and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from headway.cli import output
from headway.cli.options import examples

VARIABLE = "_HEADWAY_COMPLETE"

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog=examples(
        'eval "$(headway completion bash)"',
        "headway completion zsh >> ~/.zshrc",
        "headway completion fish > ~/.config/fish/completions/headway.fish",
    )
)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print what a shell needs to complete headway's commands, options, runs, kinds, stages and artifacts."""
    from headway.cli.app import app

    completion = get_completion_class(shell)
    assert completion is not None
    output.say(completion(app, {}, "headway", VARIABLE).source())
