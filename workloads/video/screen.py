"""The run on the screen of ``headway watch``, while the job works in a thread beside it.

The screen has the main thread, since it minds the terminal's signals. It follows the run's log like any other watcher:
nothing of the job is known to it but the run's id.
"""

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from headway import HeadwayError

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

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; the run was asked to stop, and has.
    """
    from headway.cli.screen.look import find_look
    from headway.cli.screen.showing import watch_options, watch_screen
    from headway.cli.source import open_source
    from headway.cli.watching import watch

    watching = watch(None, run_id, wait=True)
    job = _Job(work, watching.stop)
    look = find_look()
    job.start()
    try:
        status = watch_screen(watching, lambda: open_source(None), look, watch_options(look))
        if status is None and job.is_alive():
            print("video: it goes on without the screen; Ctrl-C stops it", file=sys.stderr)
        job.join()
    except KeyboardInterrupt:
        with suppress(HeadwayError), open_source(None) as source:
            source.cancel(run_id)
        job.join()
        raise
    return job.result()


class _Job(threading.Thread, Generic[T]):
    """The work, in a thread; ``stop`` ends the frames if their own end does not."""

    def __init__(self, work: Callable[[], T], stop: Callable[[], None]) -> None:
        super().__init__(name="job", daemon=True)
        self._work = work
        self._stop = stop
        self._result: list[T] = []
        self._failure: BaseException | None = None

    def run(self) -> None:
        """See ``Thread``."""
        try:
            self._result.append(self._work())
        except BaseException as failure:  # raised again where the result is asked for
            self._failure = failure
        last = threading.Timer(LAST_FRAMES_S, self._stop)
        last.daemon = True
        last.start()

    def result(self) -> T:
        """What came of it."""
        if self._failure is not None:
            raise self._failure
        return self._result[0]
