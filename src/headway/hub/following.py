"""The thread that follows the store: it waits for news, and hands them to the loop in the order of the log."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence

from headway.errors import HeadwayError
from headway.hub.threads import join
from headway.ports import EventStore, Follower, Record

UNDER_WAY = 2
"""Parts that may be on their way to the loop: more would only lie there."""

WAIT_S = 5.0
"""The follower wakes up by itself; this is how long one wait of many is."""

AGAIN_S = 0.25
"""How long to wait for a store that is out of reach; doubled each time, up to the next one."""

LONGEST_AGAIN_S = 5.0

_log = logging.getLogger("headway.hub")


class Following:
    """Follows a store from the moment when ``start`` returns.

    Args:
        store: The store.
        deliver: Called in the loop with what was appended; each record once, in order.
        missed: Called in the loop when something may have been missed, since the store was out of reach; what comes
            after is delivered again.
    """

    def __init__(
        self,
        store: EventStore,
        deliver: Callable[[Sequence[Record]], object],
        missed: Callable[[], object],
    ) -> None:
        self._store = store
        self._deliver = deliver
        self._missed = missed
        self._loop = asyncio.get_running_loop()
        self._places = threading.Semaphore(UNDER_WAY)
        self._stopping = threading.Event()
        self._follower: Follower | None = None
        self._again_s = AGAIN_S
        self._thread = threading.Thread(target=self._run, name="headway-hub-follow", daemon=True)

    async def start(self) -> None:
        """Open the follower and begin.

        Raises:
            StoreError: The store cannot be followed.
        """
        self._follower = await asyncio.to_thread(self._store.follow)
        self._thread.start()

    async def stop(self) -> None:
        """Deliver nothing any more, and wait for the thread, if it ends in time."""
        self._stopping.set()
        self._places.release()
        follower = self._follower
        if follower is not None:
            follower.wake()
        await join([self._thread])

    @property
    def is_following(self) -> bool:
        """Whether news reach the loop now; from any thread."""
        return self._thread.is_alive() and self._follower is not None

    def _run(self) -> None:
        while not self._stopping.is_set() and not self._loop.is_closed():
            try:
                self._follow(self._open())
            except Exception as error:
                # Whatever it is, also what nobody has foreseen: without this thread everybody would wait for ever.
                self._tell(error)
                self._close()
                self._stopping.wait(self._again_s)
                self._again_s = min(self._again_s * 2, LONGEST_AGAIN_S)
        self._close()

    def _tell(self, error: Exception) -> None:
        unforeseen = None if isinstance(error, HeadwayError) else error
        message = "the store cannot be followed (%s); trying again in %.2f s"
        _log.log(logging.ERROR if unforeseen else logging.WARNING, message, error, self._again_s, exc_info=unforeseen)

    def _open(self) -> Follower:
        if self._follower is None:
            self._follower = self._store.follow()
            self._call(self._missed)
        return self._follower

    def _follow(self, follower: Follower) -> None:
        while not self._stopping.is_set():
            records = follower.read()
            self._again_s = AGAIN_S
            if records:
                self._places.acquire()
                self._call(self._hand_over, records)
            else:
                follower.wait(WAIT_S)

    def _call(self, callback: Callable[..., object], *arguments: object) -> None:
        if not self._stopping.is_set():
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _hand_over(self, records: Sequence[Record]) -> None:
        self._places.release()
        if self._stopping.is_set():
            return
        try:
            self._deliver(records)
        except Exception:
            _log.exception("what was appended could not be handed over; it is read anew")
            self._missed()

    def _close(self) -> None:
        follower, self._follower = self._follower, None
        if follower is not None:
            try:
                follower.close()
            except Exception as error:
                _log.debug("a follower could not be closed: %s", error)
