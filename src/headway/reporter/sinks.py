"""A store as a sink: what a reporter on the store's own machine writes to."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from threading import Event
from typing import BinaryIO

from headway.errors import NotFound, RunEnded
from headway.ports import (
    Appended,
    ArtifactStore,
    Batch,
    Created,
    EventStore,
    Lease,
    Listener,
    NewRun,
    Page,
    Snapshot,
    Stop,
    StoredBlob,
)
from headway.ports.store import HEARD
from headway.protocol.cursor import Cursor
from headway.protocol.events import Priority, ReporterInfo

LISTEN_S = 0.5
"""Between two looks at the log when nobody has rung: the net below the bell. A cancel arrives within a second."""

SWEEP_S = 5.0
"""Between two looks for owners that have fallen silent: a short part of the shortest useful lease."""

PRIORITIES: tuple[Priority, ...] = ("critical",)
"""Of what a job must hear, by which a store finds it without reading the rest."""


class StoreSink:
    """See ``EventSink``; closing it leaves the store open for others."""

    def __init__(self, store: EventStore, artifacts: ArtifactStore) -> None:
        self._store = store
        self._artifacts = artifacts
        self._listener: Listener | None = None

    def create(self, run: NewRun) -> Created:
        """See ``EventSink.create``."""
        return self._store.create(run)

    def take_over(self, run_id: str, reporter: ReporterInfo, at: str, ttl_s: float) -> Created:
        """See ``EventSink.take_over``."""
        return self._store.take_over(run_id, reporter, at, ttl_s)

    def attach(self, run_id: str) -> Created:
        """See ``EventSink.attach``."""
        header = self._store.header(run_id)
        if header.ended:
            raise RunEnded(f"run {run_id!r} has ended ({header.status})")
        if not header.attempt:  # its owner, who is about to come, would begin the first attempt and fence this one off
            raise NotFound(f"run {run_id!r} has no owner yet")
        return Created(epoch=header.epoch, cursor=header.cursor, attempt=header.attempt, existed=True)

    def listen(self, run_id: str, after: Cursor | None, stop: Event) -> Page:
        """See ``EventSink.listen``; whoever listens also looks after the runs whose owners have fallen silent."""
        if stop.is_set():
            return self._heard(run_id, after)
        if self._listener is None:
            self._listener = self._store.listen(run_id)
        with stop.waking(self._listener.wake) if isinstance(stop, Stop) else nullcontext():
            page = self._listen(self._listener, run_id, after, stop)
        if not page.records and not stop.is_set():
            self._store.sweep()
        return page

    def _listen(self, listener: Listener, run_id: str, after: Cursor | None, stop: Event) -> Page:
        until = time.monotonic() + SWEEP_S
        while True:
            over = stop.is_set() or time.monotonic() > until
            try:
                page = self._heard(run_id, after)
            except NotFound:  # it may be about to be created, and what it must hear then will ring
                if over:
                    raise
            else:
                if page.records or over:
                    return page
            listener.wait(LISTEN_S)

    def _heard(self, run_id: str, after: Cursor | None) -> Page:
        return self._store.read(run_id, after, types=HEARD, priorities=PRIORITIES)

    def append(self, batch: Batch) -> Appended:
        """See ``EventSink.append``."""
        return self._store.append(batch)

    def read(self, run_id: str, after: Cursor | None) -> Page:
        """See ``EventSink.read``."""
        return self._store.read(run_id, after)

    def snapshot(self, run_id: str, *, fold: int) -> Snapshot | None:
        """See ``EventSink.snapshot``."""
        return self._store.snapshot(run_id, fold=fold)

    def put_snapshot(self, run_id: str, snapshot: Snapshot) -> bool:
        """See ``EventSink.put_snapshot``."""
        return self._store.put_snapshot(run_id, snapshot)

    def renew(self, lease: Lease) -> bool:
        """See ``EventSink.renew``."""
        return self._store.renew(lease)

    def helpers(self, run_id: str) -> tuple[str, ...]:
        """See ``EventSink.helpers``."""
        return self._store.helpers(run_id)

    def release(self, run_id: str, reporter: str, *, attempt: int | None = None) -> None:
        """See ``EventSink.release``."""
        self._store.release(run_id, reporter, attempt=attempt)

    def put_artifact(self, run_id: str, name: str, content: BinaryIO | Path) -> StoredBlob:  # noqa: ARG002
        """See ``EventSink.put_artifact``."""
        if isinstance(content, Path):
            with content.open("rb") as file:
                return self._artifacts.put(file)
        return self._artifacts.put(content)

    def close(self) -> None:
        """See ``EventSink.close``."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
