"""The run on the screen of ``headway watch``, while the job works in a thread beside it.

The screen has the main thread, since it minds the terminal's signals. It follows the run's log like any other watcher:
nothing of the job is known to it but the run's id.
"""

import sys
import termios
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from headway import HeadwayError
from headway.errors import RunEnded

T = TypeVar("T")

LAST_FRAMES_S = 2.0
"""After the job's end its last reports are on their way; without a store there are none."""


def has_screen() -> bool:
    """Whether there is a terminal to draw on, and what draws on it is installed (the extra ``cli``)."""
    try:
        from headway.cli.screen.showing import can_draw
    except ImportError:
        return False
    return can_draw()


def watched(run_id: str, work: Callable[[], T]) -> T:
    """Do the work and show its run; what came of it, also when it was an exception.

    Whatever becomes of the screen, the work is done to its end.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; the run was asked to stop, and has.
    """
    job = _begun(work)
    try:
        _show(run_id, job)
        if not job.done():
            print("video: it goes on without the screen; Ctrl-C stops it", file=sys.stderr)
        wait([job])
    except KeyboardInterrupt:
        _ask_to_stop(run_id)
        raise
    finally:
        wait([job])
    return job.result()


def _begun(work: Callable[[], T]) -> Future[T]:
    """The work, in a thread. That is not joined: a join that Ctrl-C interrupts takes the thread for ended (3.11)."""
    job: Future[T] = Future()

    def do() -> None:
        try:
            job.set_result(work())
        except BaseException as failure:  # raised again where the result is asked for
            job.set_exception(failure)

    threading.Thread(target=do, name="job", daemon=True).start()
    return job


def _show(run_id: str, job: Future[T]) -> None:
    """Draw the run until it has ended, or whoever watches has had enough, or it cannot be drawn any more."""
    from headway.cli.screen.look import find_look
    from headway.cli.screen.showing import watch_options, watch_screen
    from headway.cli.source import open_source
    from headway.cli.watching import watch

    try:
        watching = watch(None, run_id, wait=True)
        job.add_done_callback(lambda _: _stop_soon(watching.stop))
        look = find_look()
        status = watch_screen(watching, lambda: open_source(None), look, watch_options(look))
    except (HeadwayError, OSError, termios.error) as trouble:
        print(f"video: {trouble}", file=sys.stderr)
    else:
        if status is not None:
            wait([job])  # it has told its end, and has little left to do


def _stop_soon(stop: Callable[[], None]) -> None:
    """End the frames if their own end does not."""
    last = threading.Timer(LAST_FRAMES_S, stop)
    last.daemon = True
    last.start()


def _ask_to_stop(run_id: str) -> None:
    from headway.cli.source import open_source

    try:
        with open_source(None) as source:
            source.cancel(run_id)
    except RunEnded:
        pass
    except HeadwayError as trouble:
        print(f"video: {trouble}", file=sys.stderr)
        print("video: it cannot be asked to stop; Ctrl-C once more ends it", file=sys.stderr)
