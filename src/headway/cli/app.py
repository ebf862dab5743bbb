"""The group of all commands. Each is imported only when it is called: ``headway ls`` pays for nothing but itself."""

from __future__ import annotations

import difflib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

import click

import headway
from headway.cli import exits
from headway.errors import HeadwayError

COMMANDS = {
    "run": "run any command as a run",
    "watch": "watch a run as it goes",
    "replay": "play a recorded run once more, faster",
    "ls": "list runs",
    "show": "show everything about a run",
    "log": "print what a run has logged",
    "cancel": "ask a run to stop",
    "answer": "answer a job's question",
    "artifacts": "list or download the files of a run",
    "export": "write a run as JSON Lines",
    "import": "make a run of what export wrote",
    "prune": "remove runs that have ended",
    "serve": "serve a store over HTTP and WebSocket",
    "doctor": "say what is wrong with the set-up, and how to mend it",
    "completion": "let a shell complete all this",
}
"""Every command and what it does, in the order in which people need them; ``ls`` is in ``commands/ls.py``."""

FILES = {"import": "import_"}
"""Commands whose names Python keeps for itself."""


class Commands(click.Group):
    """Finds a command's file by its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click calls it so
        """See click."""
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """With a guess at what was meant."""
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        meant = difflib.get_close_matches(name, COMMANDS, n=1)
        guess = f"did you mean {meant[0]!r}?" if meant else "see  headway --help"
        raise click.UsageError(f"there is no command {name!r}: {guess}", ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click calls it so
        """See click."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"headway.cli.commands.{FILES.get(cmd_name, cmd_name)}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Before click makes a failure of a reader that has seen enough: ``headway log … | head``."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return exits.OK
        return code

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
    _fill_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # text from jobs may have what the terminal's encoding has not
    try:
        code = app.main(list(arguments), prog_name="headway", standalone_mode=False)
    except Exception as error:
        return _told(error)
    except KeyboardInterrupt:
        return exits.CANCELLED
    return code if isinstance(code, int) else exits.OK


def _fill_closed_streams() -> None:
    """Have the streams that whoever started us has closed lead nowhere, so that no file of ours gets their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 -- it lives as long as the process
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def _told(error: Exception) -> int:
    """Tell an error; the exit code that it means."""
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            error.show()
            return error.exit_code
        case click.Abort():
            return exits.CANCELLED
    message, code = _explained(error)
    click.echo(f"headway: {message}", err=True)
    return code


def _explained(error: Exception) -> tuple[str, int]:
    from headway.cli.safe import safe_text

    if isinstance(error, HeadwayError):
        return safe_text(str(error)), exits.of_error(error)
    if isinstance(error, PermissionError):
        return f"{error.filename or 'that'} is not allowed to you: {error.strerror}", exits.NOT_ALLOWED
    if isinstance(error, OSError):
        return f"{error.filename or 'the output'}: {error.strerror or error}", exits.RUN_FAILED
    # Not raised any further: a traceback keeps what it names, up to the end of the process, when nobody can close it.
    click.echo(safe_text("".join(traceback.format_exception(error))), nl=False, err=True)
    return (
        f"that is a fault of Headway ({type(error).__name__}): please report it, with what stands above",
        exits.RUN_FAILED,
    )
