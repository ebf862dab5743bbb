"""``headway cancel``: ask a run to stop."""

from __future__ import annotations

import click

from headway.cli import exits, output
from headway.cli.amount import span
from headway.cli.following import Following
from headway.cli.options import examples, run_argument, url_option
from headway.cli.source import Source, find_run, open_source
from headway.errors import Gap
from headway.protocol.cursor import Cursor
from headway.protocol.events import TERMINAL

FOR_EVER = "inf"


@click.command(
    epilog=examples(
        "headway cancel 0191f1c2",
        "headway cancel 0191f1c2 --reason 'wrong input' --wait 30s",
    )
)
@run_argument
@click.option("--reason", metavar="TEXT", help="Why; whoever watches reads it.")
@click.option(
    "--wait",
    metavar="[SPAN]",
    is_flag=False,
    flag_value=FOR_EVER,
    help="Wait until the run has ended, for so long at most: 30s, 5m.",
)
@url_option
def command(run: str, reason: str | None, wait: str | None, url: str | None) -> int:
    """Ask a run to stop.

    The job stops at its next safe point; a command or a container that `headway run` started is stopped at once. A run
    that nobody works on (it waits for its job, or has lost it) ends right away.

    With --wait the exit code is 0 if the run was cancelled, 1 if it completed or failed all the same, and 124 if it has
    not ended in time.
    """
    timeout_s = None if wait is None else float(FOR_EVER) if wait == FOR_EVER else span(wait)
    with open_source(url) as source:
        run_id = find_run(source, run)
        before = source.newest(run_id)
        done = source.cancel(run_id, reason=reason)
        if done.ended:
            output.say(f"{run_id} is cancelled; nobody was working on it")
        elif timeout_s is None:
            output.say(f"{run_id} {'was asked before' if done.again else 'is asked'} to stop")
        else:
            return _wait(source, run_id, before, timeout_s)
    return exits.OK


def _wait(source: Source, run_id: str, before: Cursor, timeout_s: float) -> int:
    try:
        for page in Following(source, run_id, before, tuple(TERMINAL)).pages(timeout_s):
            if page.ended:
                return _ended(run_id, source.show(run_id).state.status)
    except Gap:
        output.say(f"{run_id} has ended, and was deleted")
        return exits.OK
    output.remark(f"{run_id} has not ended within {timeout_s:g} s; it was asked, and may still stop")
    return exits.TIMED_OUT


def _ended(run_id: str, status: str) -> int:
    if status == "cancelled":
        output.say(f"{run_id} is cancelled")
        return exits.OK
    output.remark(f"{run_id} was asked to stop, and {status} all the same")
    return exits.RUN_FAILED
