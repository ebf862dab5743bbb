"""What the store's files take: the write-ahead log stays bounded, and what is removed is given back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from headway.ports import PrunePolicy
from headway.stores.sqlite import SqliteEventStore, checkpoints
from headway.testing.samples import batch, completed, new_run, notes
from tests.integration.test_sqlite_processes import check_integrity

PAGE = 4_096 + 24  # with its header in the write-ahead log


def wal_bytes(path: Path) -> int:
    wal = path.with_name(f"{path.name}-wal")
    return wal.stat().st_size if wal.exists() else 0


@contextmanager
def short_readers(store: SqliteEventStore) -> Iterator[None]:
    """Threads that are in a short transaction nearly all the time."""
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            store.read("run-0")

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_the_write_ahead_log_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "LOCKED_PAGES", 1_500)
    path = tmp_path / "log.db"
    stores = [SqliteEventStore(path) for _ in range(4)]  # each with locks and connections of its own, as a process has
    for n in range(3):
        stores[n].create(new_run(f"run-{n}"))

    def write(n: int) -> None:
        for first in range(1, 125_000, 500):
            stores[n].append(batch(f"run-{n}", first, notes(*range(500))))

    largest = 0
    with short_readers(stores[3]):
        writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
        for writer in writers:
            writer.start()
        while any(writer.is_alive() for writer in writers):
            largest = max(largest, wal_bytes(path))
            writers[0].join(0.01)
    for store in stores:
        assert len(store.read("run-0").records) == 500
        store.close()
    assert largest < 4 * 1_500 * PAGE
    assert path.stat().st_size > 40_000_000, "so much was written that it would have grown beyond that"
    check_integrity(path)


def test_the_write_ahead_log_shrinks_when_a_long_reader_has_gone(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    store = SqliteEventStore(path)
    store.create(new_run())
    number = 1
    reader = apsw.Connection(str(path))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchall()
    while wal_bytes(path) < 60_000_000:
        number = store.append(batch("run", number, notes(*["x" * 4_000] * 500))).next
    reader.close()
    for _ in range(2_000):  # the thread that moves it may be starved for long
        number = store.append(batch("run", number, notes(*["x" * 4_000] * 100))).next
        if wal_bytes(path) < 40_000_000:
            break
    assert wal_bytes(path) < 40_000_000
    store.close()


def test_what_is_removed_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    store = SqliteEventStore(path)
    for n in range(3):
        store.create(new_run(f"run-{n}"))
        for first in range(1, 12_001, 1_000):
            store.append(batch(f"run-{n}", first, notes(*["x" * 400] * 1_000)))
        store.append(batch(f"run-{n}", 12_001, (completed(),)))
    store.close()
    full = path.stat().st_size
    again = SqliteEventStore(path)
    again.delete("run-1")
    again.close()
    assert path.stat().st_size < full * 0.75
    again = SqliteEventStore(path)
    again.prune(PrunePolicy(max_runs=0))
    again.close()
    assert path.stat().st_size < 1_000_000
    check_integrity(path)
