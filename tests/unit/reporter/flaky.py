"""A sink that fails when it is told to, and what tests of the reporter do with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

from headway.errors import StoreUnavailable
from headway.ports import Appended, Batch, Created, EventStore, Lease, NewRun, Page, Record, Snapshot, StoredBlob
from headway.protocol import codec
from headway.protocol.cursor import Cursor
from headway.protocol.events import Event, ReporterInfo
from headway.reporter.run import Run, RunOptions
from headway.reporter.sinks import StoreSink
from headway.stores.files import FileArtifactStore
from headway.stores.memory import MemoryEventStore

T = TypeVar("T")

Fault = Literal["before", "after"] | None
"""Whether an operation fails before it took effect, or after, which looks the same from outside."""


NO_ARTIFACTS = FileArtifactStore("/nonexistent")


class FlakySink:
    """A sink before a store, failing by schedule.

    Attributes:
        store: Where it writes to; may be replaced, as a file may be.
        faults: What becomes of the next operations; none when there are no more.
        reachable: While it is not set, every operation fails.
        passing: While it is not set, appends wait.
        failed, appending, created: Set when something failed, an append began, a run was created.
        batches: What was appended successfully, as far as the sink's user was told.
        artifacts: The newest content under each name.
    """

    def __init__(self, store: EventStore | None = None, faults: Iterable[Fault] = ()) -> None:
        self.store: EventStore = store or MemoryEventStore()
        self.faults = iter(faults)
        self.reachable = threading.Event()
        self.reachable.set()
        self.passing = threading.Event()
        self.passing.set()
        self.failed = threading.Event()
        self.appending = threading.Event()
        self.created = threading.Event()
        self.batches: list[Batch] = []
        self.artifacts: dict[str, bytes] = {}
        self.opened = 0
        self.closed = 0

    def open(self) -> FlakySink:
        self.opened += 1
        return self

    def _do(self, operation: Callable[[], T]) -> T:
        fault = next(self.faults, None) if self.reachable.is_set() else "before"
        if fault is None:
            return operation()
        if fault == "after":
            operation()
        self.failed.set()
        raise StoreUnavailable(f"it failed {fault} it was done")

    def create(self, run: NewRun) -> Created:
        created = self._do(lambda: self.store.create(run))
        self.created.set()
        return created

    def take_over(self, run_id: str, reporter: ReporterInfo, at: str, ttl_s: float) -> Created:
        return self._do(lambda: self.store.take_over(run_id, reporter, at, ttl_s))

    def attach(self, run_id: str) -> Created:
        return self._do(lambda: StoreSink(self.store, NO_ARTIFACTS).attach(run_id))

    def listen(self, run_id: str, after: Cursor | None, stop: threading.Event) -> Page:
        if not self.reachable.is_set():
            raise StoreUnavailable("it cannot be reached")
        return StoreSink(self.store, NO_ARTIFACTS).listen(run_id, after, stop)

    def append(self, batch: Batch) -> Appended:
        self.appending.set()
        self.passing.wait()
        appended = self._do(lambda: self.store.append(batch))
        self.batches.append(batch)
        return appended

    def read(self, run_id: str, after: Cursor | None) -> Page:
        return self._do(lambda: self.store.read(run_id, after))

    def snapshot(self, run_id: str, *, fold: int) -> Snapshot | None:
        return self._do(lambda: self.store.snapshot(run_id, fold=fold))

    def put_snapshot(self, run_id: str, snapshot: Snapshot) -> bool:
        return self._do(lambda: self.store.put_snapshot(run_id, snapshot))

    def renew(self, lease: Lease) -> bool:
        return self._do(lambda: self.store.renew(lease))

    def helpers(self, run_id: str) -> tuple[str, ...]:
        return self.store.helpers(run_id)

    def release(self, run_id: str, reporter: str, *, attempt: int | None = None) -> None:
        self._do(lambda: self.store.release(run_id, reporter, attempt=attempt))

    def put_artifact(self, run_id: str, name: str, content: BinaryIO | Path) -> StoredBlob:
        data = content.read_bytes() if isinstance(content, Path) else content.read()
        blob = self._do(lambda: StoredBlob(sha256="0" * 64, size=len(data)))
        self.artifacts[name] = data
        return blob

    def close(self) -> None:
        self.closed += 1


def make_run(sink: FlakySink, run_id: str = "run", **options: object) -> Run:
    """A run that reports to the sink."""
    return Run("test", RunOptions(run_id=run_id, **options), sink.open, lease_s=30.0)  # type: ignore[arg-type]


def records_of(store: EventStore, run_id: str = "run") -> list[Record]:
    """The whole log."""
    records: list[Record] = []
    cursor: Cursor | None = None
    while True:
        page = store.read(run_id, cursor)
        records += page.records
        cursor = page.cursor
        if page.complete:
            return records


def events_of(store: EventStore, run_id: str = "run") -> list[Event]:
    """The whole log, decoded, with its data checked by their types."""
    found = [codec.decode_event(record.body) for record in records_of(store, run_id)]
    for event in found:
        codec.data_of(event)
    return found


def types_of(store: EventStore, run_id: str = "run") -> list[str]:
    """The types of the log's events, with the stage behind a colon."""
    return [f"{event.type}:{event.stage}" if event.stage else event.type for event in events_of(store, run_id)]
