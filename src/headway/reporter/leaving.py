"""Who is in a run in this process, and how they leave it, at the latest when the interpreter ends."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from headway.reporter.channel import Channel
from headway.reporter.sender import GIVING_UP_S


class Leaver(Protocol):
    """Somebody who reports to a run, and will leave it."""

    _channel: Channel

    def _close(self, timeout_s: float) -> None:
        """Send what is left, and be gone from ``running``."""


running: dict[Leaver, None] = {}
"""Those who have begun and not yet left."""


def leave(finish: Callable[[], None]) -> None:
    """Do what leaving takes: here, unless that would keep waiting whom it waits for.

    A generator with a run in it is closed where the garbage collector finds it, which may be the thread that sends.
    """
    name = threading.current_thread().name
    if not name.startswith("headway-") or name == "headway-end":
        finish()
        return
    with suppress(RuntimeError):  # no more threads: what is said of it at the interpreter's exit has to do
        threading.Thread(target=finish, name="headway-end", daemon=True).start()


def close_all(timeout_s: float) -> None:
    """Store what those who are still here have reported; without an owner their runs are lost.

    All of them share the time: what cannot be stored in it is kept on disk, by each while the others do so.
    """
    until = time.monotonic() + timeout_s
    leavers = list(running)
    error = _what_ends_the_process()
    for each in leavers:
        each._channel.left.decide(error)
    for each in leavers:
        each._channel.settle(max(0.0, until - time.monotonic()) / 2)
    for each in leavers:
        each._channel.stop()
    for each in leavers:
        each._channel.wait_sent(until - GIVING_UP_S - time.monotonic())
    for each in leavers:
        each._channel.give_up()
    until = time.monotonic() + min(GIVING_UP_S, timeout_s)
    for each in leavers:
        each._close(until - time.monotonic())


def _what_ends_the_process() -> BaseException | None:
    """What nobody has handled: Python keeps it; a child of multiprocessing says goodbye while it is on its way."""
    error: BaseException | None = sys.exc_info()[1] or getattr(sys, "last_value", None)
    return error
