"""What a job listens with: a bell of its own, which is rung when something that it must hear was appended."""

from __future__ import annotations

import os
from pathlib import Path

from headway.errors import StoreUnavailable
from headway.stores.sqlite.doorbell import Bell, hang_for
from headway.stores.sqlite.failures import translated
from headway.stores.sqlite.forking import watch
from headway.stores.sqlite.schema import bells_path

DEAF_S = 0.04
"""Between two looks where no bell can hang, as in a read-only folder: a cancel is to be heard within 100 ms."""


class SqliteListener:
    """See ``Listener``. After a fork it goes on in both processes, each with a bell of its own."""

    def __init__(self, path: Path, run_id: str) -> None:
        self._path = path
        self._run_id = run_id
        self._closed = False
        self._bell: Bell | None = None
        self._hearing()
        watch(self)

    def _hearing(self) -> Bell:
        if self._closed:
            raise StoreUnavailable(f"this listener to {self._path} was closed")
        if self._bell is None:
            self._bell = hang_for(bells_path(self._path), self._run_id)
        return self._bell

    def wait(self, timeout_s: float) -> bool:
        """See ``Listener.wait``."""
        with translated(self._path):
            bell = self._hearing()
            heard = bell.wait(timeout_s if bell.hangs else min(timeout_s, DEAF_S))
            if not heard and os.path.exists(self._path):  # noqa: PTH110 -- says no where it may not look
                bell.rehang()
        return heard

    def wake(self) -> None:
        """See ``Listener.wake``."""
        if self._bell is not None:
            self._bell.wake()

    def close(self) -> None:
        """See ``Listener.close``."""
        self._closed = True
        if self._bell is not None:
            self._bell.close()

    def abandon(self) -> None:
        """After a fork, in the child."""
        if self._bell is not None:
            self._bell.abandon()
        self._bell = None
