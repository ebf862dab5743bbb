"""A run shown to whoever sits there, in the way that standard output allows: a screen, plain lines, or JSON."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterable, Mapping

from headway.cli import exits, output
from headway.cli.screen.feed import Asking, WatchFeed
from headway.cli.screen.layout import LAST_LINES, ScreenOptions, final_rows
from headway.cli.screen.lines import Lines
from headway.cli.screen.live import Feed, Live
from headway.cli.screen.look import Look, find_look
from headway.cli.screen.runs import Opener, RunsDisplay, RunsFeed, changed_lists
from headway.cli.screen.session import Session
from headway.cli.screen.terminal import Terminal
from headway.cli.screen.watched import Delivery, Watched
from headway.cli.watching import RunFrames
from headway.ports import RunFilter
from headway.protocol.frames import AnyFrame, EndFrame, encode_frame

KEYS = "q quit   c cancel   l log   ? help"
ANSWER_KEY = "a answer"
LINE_INDENT = " " * 20


def can_draw(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether standard output is a terminal to draw on, and this process has it for itself."""
    if not sys.stdout.isatty() or environment.get("TERM", "dumb") in ("dumb", ""):
        return False
    try:
        return os.tcgetpgrp(sys.stdout.fileno()) == os.getpgrp()
    except OSError:  # a terminal of nobody's session
        return True


def keys_file() -> int | None:
    """The file that keys come from, if standard input is the terminal."""
    return sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None


def watch_options(
    look: Look, *, eta_range: bool = False, hide_seconds: bool = False, log: bool = True, url: str | None = None
) -> ScreenOptions:
    """What whoever watches a run that goes on sees and can do; see ``ScreenOptions``."""
    return ScreenOptions(
        eta_range=eta_range,
        hide_seconds=hide_seconds,
        log=log,
        colours=look.colours,
        keys=KEYS,
        answer_key=ANSWER_KEY,
        url=url,
    )


def watch_screen(watching: RunFrames, opener: Opener, look: Look, options: ScreenOptions) -> str | None:
    """Draw a run as it goes; the status with which it ended, None if whoever watches has had enough before.

    Args:
        watching: Its frames.
        opener: Opens the source that it is asked to stop in, or answered.
        look: How rows are written.
        options: What is wanted.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
        HeadwayError: No more frames can come.
    """
    watched = Watched()
    feed = WatchFeed(watching)

    def tell(text: str) -> None:
        session.tell(text)
        feed.wake()

    session = Session(watched, options, time.monotonic, Asking(opener, lambda: watched.run_id, tell))
    show_screen(session, feed, look, options)
    return watched.status


def show_screen(session: Session, feed: Feed[Delivery], look: Look, options: ScreenOptions) -> None:
    """Draw until the run ends or whoever watches has had enough; the last screen stays.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
        HeadwayError: No more frames can come.
    """
    terminal = Terminal(look, out=sys.stdout.fileno(), keys=keys_file())
    sys.stdout.flush()
    try:
        Live(terminal, session, feed).run()
    finally:
        picture = session.watched.picture()
        if picture.state is not None:
            rows = final_rows(picture, terminal.size()[0], options)
            _write("".join(f"{look.spans(row).rstrip()}\n" for row in rows))


def watch_runs(opener: Opener, filter_: RunFilter, limit: int, *, as_json: bool) -> None:
    """Show a list of runs until whoever watches has had enough; without a terminal, what changes in it.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
        HeadwayError: The source is none that can be watched.
    """
    look = find_look()
    if as_json or not can_draw():
        for texts in changed_lists(opener, filter_, limit, as_json=as_json):
            _write("".join(f"{text if as_json else look.text(text)}\n" for text in texts))
        return
    display = RunsDisplay(filtered=filter_ != RunFilter())
    terminal = Terminal(look, out=sys.stdout.fileno(), keys=keys_file())
    sys.stdout.flush()
    try:
        Live(terminal, display, RunsFeed(opener, filter_, limit)).run()
    finally:
        _write("".join(f"{look.spans(row).rstrip()}\n" for row in display.final_rows(terminal.size()[0])))


def show_lines(deliveries: Iterable[Delivery], watched: Watched, options: ScreenOptions, look: Look) -> None:
    """Print a line for each change, to the end; and the last log lines of a run that failed."""
    lines = Lines(eta_range=options.eta_range, hide_seconds=options.hide_seconds, url=options.url)
    for delivery in deliveries:
        watched.take(*delivery)
        changes = list(lines.changes(watched.picture()))
        if watched.status == "failed" and options.log:
            changes += [f"{LINE_INDENT}| {line.text}" for line in watched.log.newest(LAST_LINES)]
        _write("".join(f"{look.text(line)}\n" for line in changes))
    if watched.status == "deleted":
        _write("the run was deleted\n")


def show_json(frames: Iterable[AnyFrame]) -> str | None:
    """Print each frame on a line; the status with which the run ended."""
    for frame in frames:
        output.say_json_line(encode_frame(frame))
        _write("")
        if isinstance(frame, EndFrame):
            return frame.status
    return None


def _write(text: str) -> None:
    """Write what there is. Also with nothing to write it is noticed when nobody reads any more."""
    sys.stdout.write(text)
    sys.stdout.flush()
    reader = select.poll()
    reader.register(sys.stdout.fileno(), 0)
    if any(event & select.POLLERR for _, event in reader.poll(0)):
        raise BrokenPipeError


def exit_code(status: str | None) -> int:
    """The exit code for how the run ended that was watched; None: nobody waited for its end."""
    if status is None:
        return exits.CANCELLED
    return exits.NOT_FOUND if status == "deleted" else exits.of_status(status)
