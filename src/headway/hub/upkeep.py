"""Upkeep: leases that run out, runs that are too old, artifacts that nobody names any more.

Any number of servers may do it on the same store at the same time: each step is a conditional one of the store's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from headway.errors import HeadwayError
from headway.hub.cancelling import end_abandoned
from headway.hub.settings import HubSettings
from headway.hub.threads import join
from headway.ports import ArtifactStore, Clock, EventStore

LATE_S = 2.5
"""A look that comes so much later than it should says that the server was not there for its reporters either."""

_log = logging.getLogger("headway.hub")


class Upkeep:
    """Looks after a store in a thread of its own.

    Args:
        store: The store.
        artifacts: Where its artifacts are; None to leave them alone.
        settings: How often, and by which rules.
        clock: The time.
    """

    def __init__(self, store: EventStore, artifacts: ArtifactStore | None, settings: HubSettings, clock: Clock) -> None:
        self._store = store
        self._artifacts = artifacts
        self._settings = settings
        self._clock = clock
        self._looked_at = self._pruned_at = float("-inf")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="headway-hub-upkeep", daemon=True)

    def start(self) -> None:
        """Begin; nothing if there is nothing to do."""
        if self._settings.sweep_s > 0:
            self._thread.start()

    @property
    def is_going_on(self) -> bool:
        """Whether somebody looks, if somebody should; from any thread."""
        return self._settings.sweep_s <= 0 or self._thread.is_alive()

    async def stop(self) -> None:
        """End with the step that is being done, and wait for it, if that is in time."""
        self._stopping.set()
        await join([self._thread])

    def _run(self) -> None:
        self._try(self._grant_grace)
        while not self._stopping.wait(self._settings.sweep_s):
            self.look()

    def look(self) -> None:
        """Do what is due now. An error is logged, and the next look tries again."""
        self._try(self._look)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except HeadwayError as error:
            _log.warning("looking after the store failed: %s", error)
        except Exception:  # without this thread no run would ever be lost, and no old one removed
            _log.exception("looking after the store failed in an unforeseen way")

    def _look(self) -> None:
        self._grant_grace()
        self._sweep()
        try:
            if self._settings.retention and self._clock.elapsed() - self._pruned_at >= self._settings.prune_s:
                self._pruned_at = self._clock.elapsed()
                self._prune()
        finally:
            self._looked_at = self._clock.elapsed()

    def _grant_grace(self) -> None:
        # Nobody may be lost who could not be heard: no server was there, or it stood still, or had no store.
        now = self._clock.elapsed()
        if now - self._looked_at > self._settings.sweep_s + LATE_S:
            self._store.grant_grace()
            self._looked_at = now

    def _sweep(self) -> None:
        swept = self._store.sweep(self._settings.sweep_rules, remote=True)
        ended = end_abandoned(self._store, self._clock.wall)
        for what, run_ids in (("lost", swept.lost), ("failed", swept.failed), ("cancelled", ended)):
            if run_ids:
                _log.info("runs that nobody works on are %s now: %s", what, ", ".join(run_ids))

    def _prune(self) -> None:
        removed = 0
        for policy in self._settings.retention:
            removed += len(self._store.prune(policy, stop=self._stopping.is_set).runs)
        if removed:
            _log.info("removed %d old runs", removed)
            if self._artifacts is not None and not self._stopping.is_set():
                self._artifacts.remove_unused(self._store.artifact_digests())
