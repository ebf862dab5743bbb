"""Where a reporter's events go: straight to a store, or over HTTP to a server that has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import BinaryIO, Protocol

from headway.ports.artifacts import StoredBlob
from headway.ports.log import Appended, Batch, Created, Lease, NewRun, Page, Snapshot
from headway.protocol.cursor import Cursor
from headway.protocol.events import ReporterInfo


class Stop(Event):
    """An event that also wakes those who wait for something else than itself."""

    def __init__(self) -> None:
        super().__init__()
        self._wakers: list[Callable[[], None]] = []

    def set(self) -> None:
        """Set it, and wake them."""
        super().set()
        for wake in list(self._wakers):
            wake()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call ``wake`` when it is set meanwhile; who finds it set already need not wait."""
        self._wakers.append(wake)
        try:
            yield
        finally:
            self._wakers.remove(wake)


class EventSink(Protocol):
    """The part of a store that a reporter needs; the same errors. All methods block; for one thread at a time."""

    def create(self, run: NewRun) -> Created:
        """As ``EventStore.create``."""

    def take_over(self, run_id: str, reporter: ReporterInfo, at: str, ttl_s: float) -> Created:
        """As ``EventStore.take_over``."""

    def attach(self, run_id: str) -> Created:
        """The log and the attempt of a run that is there, for who helps with it. Raises NotFound and RunEnded."""

    def listen(self, run_id: str, after: Cursor | None, stop: Event) -> Page:
        """Wait for what a job must hear past a cursor: requests for a cancel, and answers. In a thread of its own.

        Returns when there is something, when ``stop`` is set (at once if that is a ``Stop``), or after a while with an
        empty page.

        Raises:
            NotFound, Gap: As ``EventStore.read``.
        """

    def append(self, batch: Batch) -> Appended:
        """As ``EventStore.append``."""

    def read(self, run_id: str, after: Cursor | None) -> Page:
        """As ``EventStore.read``."""

    def snapshot(self, run_id: str, *, fold: int) -> Snapshot | None:
        """As ``EventStore.snapshot``."""

    def put_snapshot(self, run_id: str, snapshot: Snapshot) -> bool:
        """As ``EventStore.put_snapshot``; a sink whose server does that may do nothing."""

    def renew(self, lease: Lease) -> bool:
        """As ``EventStore.renew``."""

    def helpers(self, run_id: str) -> tuple[str, ...]:
        """As ``EventStore.helpers``."""

    def release(self, run_id: str, reporter: str, *, attempt: int | None = None) -> None:
        """As ``EventStore.release``."""

    def put_artifact(self, run_id: str, name: str, content: BinaryIO | Path) -> StoredBlob:
        """Store an artifact's content; its event is the reporter's, and the run may still be on its way."""

    def close(self) -> None:
        """Let go of everything."""
