"""A store as a sink: what a reporter on the store's own machine writes to."""

from __future__ import annotations

import time
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
    NewRun,
    Page,
    Snapshot,
    StoredBlob,
)
from headway.protocol.cursor import Cursor
from headway.protocol.events import Priority, ReporterInfo

LISTEN_S = 0.04
"""Between two looks at the log: a cancel arrives within 100 ms, and a look takes some 50 µs. Not woken by a bell, since
a bell for each job would make every commit pay for every job."""

SWEEP_S = 5.0
"""Between two looks for owners that have fallen silent: a short part of the shortest useful lease."""

HEARD = ("run.cancel_requested", "input.given")
"""The types of events that a job acts on."""


PRIORITIES: tuple[Priority, ...] = ("critical",)
"""Theirs, by which a store finds them without reading the rest."""


class StoreSink:
    """See ``EventSink``; closing it leaves the store open for others."""

    def __init__(self, store: EventStore, artifacts: ArtifactStore) -> None:
        self._store = store
        self._artifacts = artifacts

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
        until = time.monotonic() + SWEEP_S
        while True:
            page = self._store.read(run_id, after, types=HEARD, priorities=PRIORITIES)
            if page.records or stop.wait(LISTEN_S) or time.monotonic() > until:
                break
        if not page.records and not stop.is_set():
            self._store.sweep()
        return page

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

    def release(self, run_id: str, reporter: str) -> None:
        """See ``EventSink.release``."""
        self._store.release(run_id, reporter)

    def put_artifact(self, run_id: str, name: str, content: BinaryIO | Path) -> StoredBlob:  # noqa: ARG002
        """See ``EventSink.put_artifact``."""
        if isinstance(content, Path):
            with content.open("rb") as file:
                return self._artifacts.put(file)
        return self._artifacts.put(content)

    def close(self) -> None:
        """See ``EventSink.close``."""
