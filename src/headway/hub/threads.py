"""Threads that nobody waits for very long, also not the interpreter at its exit.

It joins the threads of a ``ThreadPoolExecutor``, asyncio's own among them, however long they wait for a lock or a disk.
So ours are daemons. Who is cut off in the middle of writing leaves a store as a crash does, which stores bear, and
nobody was told that it is durable.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue

JOINING_S = 4.0
"""How long an end waits for threads: less than the five seconds that a server has, so that it can still say what came
of it to those who wait for them."""

_log = logging.getLogger("headway.hub")


class Threads:
    """A few threads that do what they are given, the first first; each begins when it is needed.

    Args:
        most: How many there are at most.
        name: What they are called.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []

    def submit(self, call: Callable[[], object]) -> None:
        """Call this, which must not raise, when a thread is free. To be used by one thread."""
        self._calls.put(call)
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._most:
            thread = threading.Thread(target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call  # what it holds must not stay until there is something else to do
            self._idle.release()

    def stop(self) -> None:
        """Let the threads end with what they do; what they have not begun is never called."""
        with suppress(Empty):
            while True:
                self._calls.get_nowait()
        for _ in self._threads:
            self._calls.put(None)

    async def join(self) -> None:
        """After ``stop``: see ``join``."""
        await join(self._threads)


async def join(threads: Iterable[threading.Thread]) -> None:
    """Wait until threads that were told so have ended, but not for ever: who has not by then is left behind."""
    alive = [thread for thread in threads if thread.is_alive()]
    if not alive:
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def wait() -> None:
        until = time.monotonic() + JOINING_S
        for thread in alive:
            thread.join(max(0.0, until - time.monotonic()))
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait, name="headway-join", daemon=True).start()
    await ended.wait()
    late = [thread.name for thread in alive if thread.is_alive()]
    if late:
        _log.warning("the end does not wait any longer for what is still being done in %s", ", ".join(late))
