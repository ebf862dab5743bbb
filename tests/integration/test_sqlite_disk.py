"""Disks that are full or read-only: a clear error, nothing corrupt, and it works again afterwards."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from headway.errors import StoreFull, StoreReadOnly
from headway.stores.files import FileArtifactStore
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, new_run, notes
from tests.integration.mounts import read_only, small_disk
from tests.integration.test_sqlite_processes import check_integrity, texts_of


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "1500k") as folder:
        yield folder


def ballast(disk: Path) -> Path:
    """A file that takes all space that is left."""
    file = disk / "ballast"
    with file.open("ab", buffering=0) as output:
        try:
            while True:
                output.write(b"x" * 4096)
        except OSError:
            return file


def fill(store: SqliteEventStore, next_: int, *texts: str) -> int:
    """Append until the disk is full; the next number after those that were acknowledged."""
    for _ in range(5_000):
        try:
            next_ = store.append(batch("run", next_, notes(*texts))).next
        except StoreFull as error:
            return next_ if "space" in str(error) else 0
    raise AssertionError("the disk did not fill up")


def test_a_store_that_fills_its_disk(disk: Path) -> None:
    path = disk / "log.db"
    store = SqliteEventStore(path)
    store.create(new_run())
    acknowledged = fill(store, 1, *(f"{n:0200}" for n in range(20))) - 1
    assert acknowledged > 100
    for _ in range(3):
        with pytest.raises(StoreFull):
            store.append(batch("run", acknowledged + 1, notes(*["x" * 10_000] * 20)))
    assert len(texts_of(store, "run")) == acknowledged, "it can still be read"
    store.close()
    check_integrity(path)


def test_a_full_disk_that_is_emptied(disk: Path) -> None:
    path = disk / "log.db"
    store = SqliteEventStore(path)
    store.create(new_run())
    store.append(batch("run", 1, notes("a")))
    filler = ballast(disk)
    next_ = fill(store, 2, "x" * 4_000)
    assert store.append(batch("run", 1, ())).next == next_
    filler.unlink()
    assert store.append(batch("run", next_, notes("b"))).accepted == 1
    texts = texts_of(store, "run")
    assert (texts[0], texts[-1], len(texts)) == ("a", "b", next_)
    store.close()
    check_integrity(path)
    again = SqliteEventStore(path)
    assert texts_of(again, "run") == texts
    again.close()


def test_a_full_disk_on_which_a_store_is_to_be_made(disk: Path) -> None:
    filler = ballast(disk)
    before = set(disk.iterdir())
    with pytest.raises(StoreFull):
        SqliteEventStore(disk / "log.db").create(new_run())
    left = set(disk.iterdir()) - before
    assert not any("-new-" in file.name for file in left), f"half a store was left: {left}"
    filler.unlink()
    store = SqliteEventStore(disk / "log.db")
    store.create(new_run())
    store.close()


def test_a_full_disk_takes_no_other_store_down(disk: Path) -> None:
    store = SqliteEventStore(disk / "log.db")
    store.create(new_run())
    filler = ballast(disk)
    second = SqliteEventStore(disk / "log.db")
    assert texts_of(second, "run") == []
    filler.unlink()
    assert texts_of(second, "run") == []
    second.close()
    store.close()


def test_artifacts_on_a_full_disk(disk: Path) -> None:
    store = FileArtifactStore(disk / "artifacts")
    small = store.put(io.BytesIO(b"small"))
    with pytest.raises(StoreFull):
        store.put(io.BytesIO(os.urandom(3_000_000)))
    assert [file.name for file in (disk / "artifacts").rglob("*") if file.is_file()] == [small.sha256]
    blob = store.put(io.BytesIO(os.urandom(500_000)))
    with store.open(blob.sha256) as file:
        assert len(file.read()) == 500_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def test_a_store_whose_place_becomes_read_only(place: Path) -> None:
    store = SqliteEventStore(place / "log.db")
    store.create(new_run())
    store.append(batch("run", 1, notes("a")))
    store.close()
    with read_only(place), pytest.raises(StoreReadOnly, match="permissions"):
        SqliteEventStore(place / "log.db")
    again = SqliteEventStore(place / "log.db")
    again.append(batch("run", 2, notes("b")))
    assert texts_of(again, "run") == ["a", "b"]
    again.close()
    check_integrity(place / "log.db")


def test_a_store_that_is_open_when_its_place_becomes_read_only(place: Path) -> None:
    with closing(SqliteEventStore(place / "log.db")) as writer:  # keeps the files beside it that a reader needs
        writer.create(new_run())
        writer.append(batch("run", 1, notes("a")))
        with read_only(place), closing(SqliteEventStore(place / "log.db")) as reader:
            assert texts_of(reader, "run") == ["a"]
            with pytest.raises(StoreReadOnly, match="permissions"):
                reader.append(batch("run", 2, notes("b")))
        writer.append(batch("run", 2, notes("b")))
        assert texts_of(writer, "run") == ["a", "b"]


def test_a_store_that_is_to_be_made_in_a_read_only_place(place: Path) -> None:
    with read_only(place):
        with pytest.raises(StoreReadOnly, match="permissions"):
            SqliteEventStore(place / "log.db")
        with pytest.raises(StoreReadOnly, match="permissions"):
            SqliteEventStore(place / "folder" / "log.db")
    assert list(place.iterdir()) == []
    SqliteEventStore(place / "log.db").close()


def test_artifacts_in_a_read_only_place(place: Path) -> None:
    store = FileArtifactStore(place / "artifacts")
    blob = store.put(io.BytesIO(b"content"))
    with read_only(place):
        with pytest.raises(StoreReadOnly):
            store.put(io.BytesIO(b"other"))
        with pytest.raises(StoreReadOnly):
            store.remove_unused(set(), older_than_s=-10)
        with store.open(blob.sha256) as file:
            assert file.read() == b"content"
    assert store.put(io.BytesIO(b"other")).size == 5
