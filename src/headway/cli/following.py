"""Following a run's events to its end, also while its store is away for a time."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator

from headway.cli import output
from headway.cli.source import Source
from headway.errors import Gap, StoreUnavailable
from headway.ports import Page
from headway.protocol.cursor import Cursor

WAIT_S = 10.0
"""Of one wait for news."""

RETRY_S = 0.5
"""Between two attempts to reach a store that is away."""


class Following:
    """A run from a cursor on, to its end.

    Args:
        source: Where the run is.
        run_id: The run.
        after: From where on; None: from the beginning.
        types: The types of events that are wanted.
    """

    def __init__(self, source: Source, run_id: str, after: Cursor | None, types: Collection[str] | None = None) -> None:
        self._source = source
        self._run_id = run_id
        self._cursor = after
        self._types = types
        self._away = False

    def pages(self, timeout_s: float = float("inf")) -> Iterator[Page]:
        """What comes, page by page, empty ones too; ends with the run, or after ``timeout_s`` seconds without its end.

        While the store is away it says so on standard error, once, and tries again.

        Raises:
            Gap: The run was deleted.
            NotFound: It is no longer there, nor is it known that it was deleted.
        """
        until = time.monotonic() + timeout_s
        while True:
            page = self._next(min(WAIT_S, until - time.monotonic()))
            if page is not None:
                yield page
                if page.ended:
                    return
            if time.monotonic() >= until:
                return

    def _next(self, wait_s: float) -> Page | None:
        try:
            page = self._source.events(self._run_id, self._cursor, types=self._types, wait_s=max(0.0, wait_s))
        except StoreUnavailable as error:
            self._missed(error)
            time.sleep(max(0.0, min(RETRY_S, wait_s)))
            return None
        except Gap as gap:
            self._restarted(gap)
            return None
        if self._away:
            output.remark("the store is back")
            self._away = False
        self._cursor = page.cursor
        return page

    def _missed(self, error: StoreUnavailable) -> None:
        if not self._away:
            output.remark(f"{error}; waiting for it (stop with Ctrl-C)")
            self._away = True

    def _restarted(self, gap: Gap) -> None:
        if gap.reason == "deleted":
            raise gap
        output.remark("the log was replaced by another one: here it is from its beginning")
        self._cursor = None
