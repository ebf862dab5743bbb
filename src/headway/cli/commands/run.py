"""``headway run``: any command as a run."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from headway.cli import exits
from headway.cli.options import examples
from headway.errors import InvalidTarget, MissingExtra
from headway.runners.options import GRACE_S, Options, checked_command
from headway.runners.outcome import Outcome
from headway.targets import sink_opener

SWITCH_S = 0.0005
"""Threads of ours change places so often: whoever moves the output must not wait for whoever logs it."""


def _span(text: str) -> float:
    from headway.cli.amount import span

    return span(text)


def _size(text: str) -> int:
    from headway.cli.amount import size

    return size(text)


@click.command(
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        "headway run -- make -j8",
        "headway run --kind nightly --timeout 2h -- ./backup.sh /srv",
        "headway run --tty -- pip install -r requirements.txt",
        "headway run --pattern 'epoch (?P<current>\\d+)/(?P<total>\\d+)' -- python train.py",
    ),
)
@click.option(
    "--kind", help="What sort of run it is; remaining time is learned per kind. By default the command's name."
)
@click.option("--title", help="What people read. By default the command, so give one if it has secrets in it.")
@click.option("--timeout", "timeout_s", metavar="SPAN", type=_span, help="Stop the command after so long: 90, 10m, 2h.")
@click.option(
    "--grace",
    "grace_s",
    metavar="SPAN",
    type=_span,
    default=f"{GRACE_S:.0f}s",
    show_default=True,
    help="Between SIGTERM and SIGKILL, when it is stopped.",
)
@click.option("--tty", is_flag=True, help="Give the command a terminal of its own: it draws bars and colours.")
@click.option("--no-recognise", "--no-recognize", "plain", is_flag=True, help="Look for no progress in the output.")
@click.option(
    "--pattern",
    "patterns",
    metavar="REGEX",
    multiple=True,
    help="Progress of the command's own: a regular expression with groups named current, total, percent, message or "
    "stage. May be given several times.",
)
@click.option(
    "--log-limit",
    "log_limit_bytes",
    metavar="SIZE",
    type=_size,
    help="How much of the output is kept, the newest. By default 10MB.",
)
@click.option(
    "--artifacts",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the files that are in this folder afterwards; it is made if it is not there. The command finds its name "
    "in HEADWAY_ARTIFACTS.",
)
@click.option("--sentinel", metavar="TEXT", help="A line of output that says that the command is done.")
@click.option("--leave-running", is_flag=True, help="Let what the command has started go on after its end.")
@click.option("--docker", metavar="IMAGE", help="Not built yet.", hidden=True)
@click.option(
    "--url",
    "target",
    envvar="HEADWAY_URL",
    metavar="URL",
    help="Where to report: sqlite:///path, or none: to report nothing.",
)
@click.argument("command_line", metavar="[--] COMMAND…", nargs=-1, required=True, type=click.UNPROCESSED)
def command(docker: str | None, **given: Any) -> int:
    """Run a command as a run: its output is the log, its progress bars are progress.

    Nothing else changes: the output is seen as it comes, signals and the exit code are passed on, and the command runs
    on when the store is out of reach. Cancelling the run, Ctrl-C, or ending headway stops the command and everything
    that it has started.

    Exit codes: the command's own; 128 and the number of the signal that killed it; 124 timed out; 126 and 127 it
    cannot be run or found; 130 cancelled; 2 wrong usage.
    """
    if docker is not None:
        click.echo("headway: containers cannot be run yet in this version: leave --docker out", err=True)
        return exits.NO_RUNNER
    options = _options(given)
    _speak_plainly(raw=options.tty)
    try:
        return _run(options).code
    except MissingExtra as error:
        click.echo(f"headway: {error}", err=True)
        return exits.NO_RUNNER


def _options(given: dict[str, Any]) -> Options:
    command_line, plain = given.pop("command_line"), given.pop("plain")
    options = Options(command=checked_command(command_line), recognise=not plain, show=True, **given)
    try:
        sink_opener(options.target)
    except InvalidTarget as error:
        click.echo(f"headway: not reported, the command runs all the same: {error}", err=True)
        return msgspec.structs.replace(options, target="none:")
    return options


def _speak_plainly(*, raw: bool) -> None:
    """What Headway has to say goes to standard error, a sentence a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("headway: %(message)s"))
    if raw and os.isatty(2):
        handler.terminator = "\r\n"  # the terminal may be in a mode in which a line's end alone only goes down
    logger = logging.getLogger("headway")
    logger.addHandler(handler)
    logger.propagate = False


def _run(options: Options) -> Outcome:
    from headway.runners.command import run_program
    from headway.runners.signals import HeldSignals

    sys.setswitchinterval(SWITCH_S)
    with HeldSignals() as signals:
        return run_program(options, signals)
