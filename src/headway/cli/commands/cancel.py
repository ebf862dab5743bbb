"""``headway cancel``: ask a run to stop."""

from __future__ import annotations

import click

from headway.cli import exits, output
from headway.cli.amount import span
from headway.cli.following import Following
from headway.cli.options import examples, json_option, run_argument, url_option
from headway.cli.source import Source, find_run, open_source
from headway.errors import Gap, NotFound
from headway.protocol.cursor import Cursor
from headway.protocol.events import TERMINAL

FOR_EVER = "inf"
DELETED = "deleted"
STOPPED = ("cancelled", DELETED)
"""How a run may have ended that was to stop: of one that is gone nobody knows better."""


@click.command(
    epilog=examples(
        "headway cancel 0191f1c2",
        "headway cancel 0191f1c2 --reason 'wrong input' --wait 30s",
        "headway cancel 0191f1c2 --wait --json | jq -r .status",
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
@json_option
@url_option
def command(run: str, reason: str | None, wait: str | None, as_json: bool, url: str | None) -> int:
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
        end = "cancelled" if done.ended else None
        if timeout_s is not None and end is None:
            end = _awaited(source, run_id, before, timeout_s)
        if as_json:
            status = end or _status(source, run_id)
            output.say_json({"run_id": run_id, "status": status, "again": done.again})
        elif timeout_s is None or end in STOPPED:
            output.say(f"{run_id} {_became(end, at_once=done.ended, again=done.again)}")
    if timeout_s is None or end in STOPPED:
        return exits.OK
    if end is None:
        output.remark(f"{run_id} has not ended within {timeout_s:g} s; it was asked, and may still stop")
        return exits.TIMED_OUT
    output.remark(f"{run_id} was asked to stop, and {end} all the same")
    return exits.RUN_FAILED


def _awaited(source: Source, run_id: str, before: Cursor, timeout_s: float) -> str | None:
    """The status with which the run has ended; None if it has not in time."""
    try:
        for page in Following(source, run_id, before, tuple(TERMINAL)).pages(timeout_s):
            if page.ended:
                return _status(source, run_id)
    except Gap:
        return DELETED
    return None


def _status(source: Source, run_id: str) -> str:
    """A run's status; a moment ago it was there."""
    try:
        return source.show(run_id).state.status
    except NotFound:
        return DELETED


def _became(end: str | None, *, at_once: bool, again: bool) -> str:
    """What became of a run that was asked to stop, and did not end otherwise."""
    if at_once:
        return "is cancelled; nobody was working on it"
    if end is None:
        return f"{'was asked before' if again else 'is asked'} to stop"
    return "has ended, and was deleted" if end == DELETED else f"is {end}"
