"""The group of all commands. Each is imported only when it is called: ``headway ls`` pays for nothing but itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

import headway
from headway.cli import exits
from headway.errors import HeadwayError

COMMANDS = {
    "ls": "list runs",
}
"""Every command and what it does, in the order in which people need them; ``ls`` is in ``commands/ls.py``."""

FILES = {"import": "import_"}
"""Commands whose names Python keeps for itself."""


class Commands(click.Group):
    """Finds a command's file by its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click calls it so
        """See click."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click calls it so
        """See click."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"headway.cli.commands.{FILES.get(cmd_name, cmd_name)}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click calls it so
        """Without importing them all."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every command has its own help: headway watch --help",
)
@click.version_option(headway.__version__, "-V", "--version", prog_name="headway", message="%(prog)s %(version)s")
def app() -> None:
    """Durable, real-time progress for long-running jobs: run anything, watch anything."""


def run_app(arguments: Sequence[str]) -> int:
    """Run a command line; its exit code. Errors are told on standard error, in a sentence that says what to do."""
    try:
        code = app.main(list(arguments), prog_name="headway", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return exits.CANCELLED
    except HeadwayError as error:
        click.echo(f"headway: {error}", err=True)
        return exits.of_error(error)
    except BrokenPipeError:  # whoever read has seen enough: ``headway log … | head``
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return exits.OK
    return code if isinstance(code, int) else exits.OK
