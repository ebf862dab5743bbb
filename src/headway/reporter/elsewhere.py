"""Waiting in a thread of its own, for those who are not to be kept: an event loop, and who has only so much time."""

from __future__ import annotations

import threading
from collections.abc import Callable


async def elsewhere(wait: Callable[[], None]) -> None:
    """Call something that blocks in a thread of its own: the loop's own executor may be full of a job's work.

    A cancellation leaves the thread to itself. What it raises is raised here.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: Exception | None) -> None:
        if not done.done():
            done.set_result(None) if error is None else done.set_exception(error)

    def call() -> None:
        failure: Exception | None = None
        try:
            wait()
        except Exception as error:
            failure = error
        try:
            loop.call_soon_threadsafe(tell, failure)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    threading.Thread(target=call, name="headway-end", daemon=True).start()
    await done


def within(timeout_s: float, work: Callable[[], None]) -> None:
    """Call something that blocks, and wait so long for it at most; after that its thread is left to itself.

    What it raises before that is raised here.
    """
    over = threading.Event()
    failures: list[BaseException] = []

    def call() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            over.set()

    try:
        threading.Thread(target=call, name="headway-end", daemon=True).start()
    except RuntimeError:  # no more threads
        call()
    over.wait(timeout_s)
    if failures:
        raise failures[0]
