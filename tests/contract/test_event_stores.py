"""The contract of event stores, on those that we have."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.ports import Clock, EventStore
from headway.stores.memory import MemoryEventStore
from headway.stores.sqlite import SqliteEventStore
from headway.testing import DurableEventStoreContract, ElisionContract, EventStoreContract

# Where there is one, a disk in memory: the suite asks what a store says, not how well its disk keeps it.
MEMORY_DISK = Path("/dev/shm")
FOLDER = tempfile.mkdtemp(dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None)


@pytest.fixture(autouse=True, scope="module")
def _clean_up() -> Iterator[None]:
    yield
    shutil.rmtree(FOLDER)


class _Memory:
    def make_store(self, clock: Clock, *, log_limit_bytes: int = 10_000_000) -> EventStore:
        return MemoryEventStore(clock=clock, log_limit_bytes=log_limit_bytes)


class _Sqlite:
    def make_store(self, clock: Clock, *, log_limit_bytes: int = 10_000_000) -> EventStore:
        path = Path(tempfile.mkdtemp(dir=FOLDER)) / "log.db"
        return SqliteEventStore(path, clock=clock, log_limit_bytes=log_limit_bytes)

    def reopen(self, store: EventStore, clock: Clock) -> EventStore:
        assert isinstance(store, SqliteEventStore)
        return SqliteEventStore(store.path, clock=clock)


class TestMemory(_Memory, EventStoreContract): ...


class TestMemoryElision(_Memory, ElisionContract): ...


class TestSqlite(_Sqlite, EventStoreContract): ...


class TestSqliteElision(_Sqlite, ElisionContract): ...


class TestSqliteDurability(_Sqlite, DurableEventStoreContract): ...
