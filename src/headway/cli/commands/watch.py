"""``headway watch``: a run as it goes, in place."""

from __future__ import annotations

from contextlib import closing

import click

from headway.cli import exits
from headway.cli.options import examples, json_option, newest_run_argument, typed_url, url_option
from headway.cli.screen.layout import LAST_LINES, ScreenOptions
from headway.cli.screen.look import Look, find_look
from headway.cli.screen.showing import can_draw, exit_code, show_json, show_lines, watch_options, watch_screen
from headway.cli.screen.watched import Delivery, Watched
from headway.cli.source import open_source
from headway.cli.watching import RunFrames, watch
from headway.protocol.frames import AnyFrame


@click.command(
    epilog=examples(
        "headway watch",
        "headway watch 0191f1c2 --eta-range",
        "headway watch nightly-1 --exit-status && echo done",
        "headway watch --json | jq -c .type",
    )
)
@newest_run_argument
@click.option("--exit-status", is_flag=True, help="Exit with the run's end: 0 completed, 1 failed, 130 cancelled.")
@click.option("--eta-range", is_flag=True, help="Show between which times the end is expected.")
@click.option("--no-seconds", is_flag=True, help="Leave the seconds out of the time left while it is not sure.")
@click.option("--no-log", is_flag=True, help="Leave the log lines out.")
@click.option("--wait", is_flag=True, help="Wait, however long it takes, for a run that does not exist yet.")
@click.option("--plain", is_flag=True, help="Print a line for each change instead of drawing a screen.")
@json_option
@url_option
def command(  # noqa: PLR0913, PLR0917 -- one for each option
    run: str | None,
    exit_status: bool,
    eta_range: bool,
    no_seconds: bool,
    no_log: bool,
    wait: bool,
    plain: bool,
    as_json: bool,
    url: str | None,
) -> int:
    """Watch a run: how far it is, how long it still takes, what it found.

    Without RUN it is the newest, or the first that comes. A run that does not exist yet is waited for, for ten minutes.
    Whoever stops watching stops nothing: the run goes on.
    """
    look = find_look()
    options = watch_options(look, eta_range=eta_range, hide_seconds=no_seconds, log=not no_log, url=typed_url(url))
    watching = watch(url, run, wait=wait)
    if as_json:
        with closing(watching.frames()) as frames:
            status = show_json(frames)
    elif plain or not can_draw():
        status = _print(watching, options, look)
    else:
        status = watch_screen(watching, lambda: open_source(url), look, options)
    return exit_code(status) if exit_status else exits.OK


def _print(watching: RunFrames, options: ScreenOptions, look: Look) -> str | None:
    watched = Watched()

    def delivery(frame: AnyFrame) -> Delivery:
        lines = watching.newest_lines(frame, LAST_LINES) if options.log else ()
        return Delivery(frame, lines, watching.heard_at(frame))

    with closing(watching.frames()) as frames:
        show_lines(map(delivery, frames), watched, options, look)
    return watched.status
