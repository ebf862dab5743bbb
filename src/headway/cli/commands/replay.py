"""``headway replay``: a recorded run once more, faster."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import click

from headway.cli import exits
from headway.cli.options import examples, newest_run_argument, url_option
from headway.cli.recording import FileRecording, Recording, SourceRecording, Span, open_file
from headway.cli.screen.layout import ScreenOptions
from headway.cli.screen.look import find_look
from headway.cli.screen.player import FASTEST, SLOWEST, Player
from headway.cli.screen.session import Session
from headway.cli.screen.showing import can_draw, show_lines, show_screen
from headway.cli.screen.tape import Tape
from headway.cli.screen.watched import Delivery, Watched
from headway.cli.source import Source, find_run, open_source
from headway.hub.choosing import chosen_estimator
from headway.hub.history import Histories
from headway.hub.viewing import Viewer
from headway.progress.remaining import History

_CLOCK = re.compile(r"^(?:(?P<hours>[0-9]{1,4}):)?(?P<minutes>[0-9]{1,4}):(?P<seconds>[0-9]{1,2})\Z")
_NUMBER = re.compile(r"^(?P<number>[0-9]{1,9}(?:\.[0-9]{1,6})?)(?P<unit>[s%]?)\Z")

Start = Callable[[Span], float]


def start_at(text: str) -> Start:
    """Where to begin, as it was typed: ``01:30``, ``90s`` or ``40%``; a ``type`` for click."""
    clock, number = _CLOCK.match(text), _NUMBER.match(text)
    if clock is not None:
        seconds = int(clock["hours"] or 0) * 3600 + int(clock["minutes"]) * 60 + int(clock["seconds"])
        return lambda _: float(seconds)
    if number is None:
        raise click.BadParameter(f"{text!r} is not where a run can begin: give 01:30, 90s or 40%")
    amount = float(number["number"])
    return lambda span: (span.ended - span.began) * amount / 100 if number["unit"] == "%" else amount


@click.command(
    epilog=examples(
        "headway replay",
        "headway replay run.jsonl --speed 50",
        "headway replay 0191f1c2 --from 40%",
    )
)
@newest_run_argument
@click.option(
    "--speed",
    default=10.0,
    show_default=True,
    type=click.FloatRange(SLOWEST, FASTEST),
    help="How many times faster than it was.",
)
@click.option("--from", "start", default="0", type=start_at, metavar="PLACE", help="Begin at 01:30, 90s or 40%.")
@click.option("--eta-range", is_flag=True, help="Show between which times the end was expected.")
@click.option("--no-seconds", is_flag=True, help="Leave the seconds out of the time left while it is not sure.")
@click.option("--no-log", is_flag=True, help="Leave the log lines out.")
@click.option("--plain", is_flag=True, help="Print a line for each change instead of drawing a screen.")
@url_option
def command(  # noqa: PLR0913, PLR0917 -- one for each option
    run: str | None,
    speed: float,
    start: Start,
    eta_range: bool,
    no_seconds: bool,
    no_log: bool,
    plain: bool,
    url: str | None,
) -> int:
    """Play a recorded run, by default the newest, or a file that `headway export` wrote.

    Silences are cut to a second. Space pauses, the arrows go back and forward, + and - change the speed. The times left
    are those that could be told then, from the runs before it.
    """
    look = find_look()
    options = ScreenOptions(eta_range=eta_range, hide_seconds=no_seconds, log=not no_log, colours=look.colours)
    with ExitStack() as opened:
        recording, viewer = _open(opened, run, url)
        tape = Tape(recording, viewer)
        player = Player(tape, speed=speed, start=start(tape.span))
        watched = Watched(player.now)
        if plain or not can_draw():
            show_lines(_played(player), watched, options, look)
        else:
            show_screen(Session(watched, options, time.monotonic, more_keys=player), player, look, options)
    return exits.OK


def _played(player: Player) -> Iterator[Delivery]:
    while not player.over:
        yield from player.take()
        time.sleep(player.due_s() or 0.0)


def _open(opened: ExitStack, run: str | None, url: str | None) -> tuple[Recording, Callable[[], Viewer]]:
    file = None if run is None else open_file(run)
    if file is not None:
        recording = FileRecording(opened.enter_context(file))
        return recording, lambda: Viewer(Earlier(None, 0.0), chosen_estimator())
    source = opened.enter_context(open_source(url))
    found = SourceRecording(source, find_run(source, run))
    earlier = Earlier(source, found.span().began)
    return found, lambda: Viewer(earlier, chosen_estimator())


class Earlier:
    """The histories as they were when a run began: without it, and without what came after.

    Args:
        source: What remembers them; None for no history.
        began: When the run began, in seconds since 1970.
    """

    def __init__(self, source: Source | None, began: float) -> None:
        from headway.cli.store_source import StoreSource

        self._histories = Histories(source.store, time.monotonic) if isinstance(source, StoreSource) else None
        self._began = began
        self._known: dict[tuple[str, str | None], History] = {}

    def of(self, kind: str, variant: str | None) -> History:
        """The history of a kind and variant."""
        key = (kind, variant)
        if key not in self._known:
            whole = History(kind=kind, runs=()) if self._histories is None else self._histories.of(kind, variant)
            runs = tuple(run for run in whole.runs if run.ended <= self._began)
            self._known[key] = History(kind=kind, runs=runs, spread=whole.spread)
        return self._known[key]
