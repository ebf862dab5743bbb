"""Who waits for news of a store in memory: followers, who read its journal, and those who listen for a job."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from headway.ports import Record
from headway.ports.store import READ_LIMIT

NOTICE = "notice"
"""The type of the record of a notice; no event has it."""

EMPTY = Record("", 0, 0, "", "low", b"")
"""In the place of a record whose run was removed: followers go on by their place in the journal."""


def to_notice(nonce: int, body: bytes) -> Record:
    """The record of a notice."""
    return Record("", 0, nonce, NOTICE, "critical", body)


class MemoryFollower:
    """See ``Follower``."""

    def __init__(self, journal: list[Record], news: threading.Condition, position: int) -> None:
        self._journal = journal
        self._news = news
        self._position = position
        self._woken = False

    def read(self, limit: int = READ_LIMIT) -> Sequence[Record]:
        """See ``Follower.read``."""
        with self._news:
            found: list[Record] = []
            while self._position < len(self._journal) and len(found) < limit:
                record = self._journal[self._position]
                self._position += 1
                if record is not EMPTY:
                    found.append(record)
            return found

    def wait(self, timeout_s: float) -> bool:
        """See ``Follower.wait``."""
        with self._news:
            ready = self._news.wait_for(lambda: self._woken or self._position < len(self._journal), timeout_s)
            self._woken = False
            return ready

    def wake(self) -> None:
        """See ``Follower.wake``."""
        with self._news:
            self._woken = True
            self._news.notify_all()

    def close(self) -> None:
        """See ``Follower.close``."""


class MemoryListener:
    """See ``Listener``."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._rung = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        """See ``Listener.wait``."""
        rung = self._rung.wait(timeout_s)
        self._rung.clear()
        return rung

    def wake(self) -> None:
        """See ``Listener.wake``."""
        self._rung.set()

    def close(self) -> None:
        """See ``Listener.close``."""
