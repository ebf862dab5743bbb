"""``headway doctor``: what is wrong with the set-up, and how to mend it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from headway.cli import exits, output
from headway.cli.options import examples, json_option, url_option
from headway.cli.output import Style
from headway.cli.safe import safe_line
from headway.doctor.check import Check, Level
from headway.errors import HeadwayError
from headway.targets import default_url, spool_folder, sqlite_path, state_folder

MARKS: dict[Level, tuple[str, Style]] = {
    "ok": ("completed", "green"),
    "warning": ("lost", "yellow"),
    "problem": ("failed", "red"),
}

NAME_CHARS = 12


@click.command(
    epilog=examples(
        "headway doctor",
        "headway doctor --url sqlite:///jobs.db",
        "headway doctor --json | jq .problems",
        "headway doctor --deliver",
    )
)
@click.option("--deliver", is_flag=True, help="First deliver the reports that wait on this disk.")
@click.option("--drop", metavar="TARGET", help="First remove the reports that wait for this target, undelivered.")
@json_option
@url_option
def command(deliver: bool, drop: str | None, as_json: bool, url: str | None) -> int:
    """Say what is wrong with the set-up, and how to mend it.

    It looks at SQLite, the settings, the disk, the store's file, its locks and its write-ahead log, the clock, runs
    that have lost their job, and reports that wait on this disk. A server is asked whether it is ready. The exit code
    is 1 if there is a problem.
    """
    checks: list[Check] = []
    for check in _checks(url, deliver=deliver, drop=drop):
        checks.append(check)
        if not as_json:
            _print(check)
    problems = sum(check.level == "problem" for check in checks)
    if as_json:
        output.say_json({"checks": checks, "problems": problems})
    return exits.RUN_FAILED if problems else exits.OK


def _checks(url: str | None, *, deliver: bool, drop: str | None) -> Iterator[Check]:
    from headway.doctor.check import problem
    from headway.doctor.examination import examine
    from headway.doctor.waiting import deliver as deliver_waiting
    from headway.doctor.waiting import drop as drop_waiting

    try:
        target = url or default_url()
    except RuntimeError as error:
        said = f"there is no place for a store by default, nor for reports that wait: {error}"
        yield problem("target", said, "set HEADWAY_URL, or give --url")
        return
    spool = _spool(target)
    if spool is None and (deliver or drop is not None):
        yield problem("delivery", "no reports can wait here: there is no home folder", "set HOME, or XDG_STATE_HOME")
    if drop is not None and spool is not None:
        yield drop_waiting(spool, drop)
    if deliver and spool is not None:
        yield from deliver_waiting(spool)
    yield from examine(target, spool, os.environ)


def _spool(target: str) -> Path | None:
    """Where reports wait. When there is no home folder: those for a store beside it, those for a server nowhere."""
    with suppress(HeadwayError):  # it names no file
        return spool_folder(sqlite_path(target))
    with suppress(RuntimeError):  # no home folder
        return state_folder() / "spool"
    return None


def _print(check: Check) -> None:
    status, style = MARKS[check.level]
    mark = output.styled(output.symbol(status), style)
    output.say(f"{mark} {check.name.ljust(NAME_CHARS)} {safe_line(check.text)}")
    if check.remedy is not None:
        output.say(f"{'':{NAME_CHARS + 3}}{output.styled('what to do:', 'dim')} {safe_line(check.remedy)}")
