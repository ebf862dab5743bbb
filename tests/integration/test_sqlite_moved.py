"""Files that are moved, replaced or removed while processes have them open: what was acknowledged is in its place."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from headway.errors import Gap, StoreForeign, StoreUnavailable
from headway.stores.sqlite import SqliteEventStore, location
from headway.testing.event_store.case import drained
from headway.testing.samples import batch, new_run, notes, texts
from tests.integration.jobs import until
from tests.integration.test_sqlite_processes import check_integrity, numbered, texts_of

SOAK = bool(os.environ.get("HEADWAY_SOAK"))

FILES = ("log.db", "log.db-wal", "log.db-shm")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    (tmp_path / "aside").mkdir()
    return tmp_path / "store" / "log.db"


@pytest.fixture
def store(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteEventStore]:
    monkeypatch.setattr(location, "BESIDE_S", 0.0)
    with closing(SqliteEventStore(path)) as opened:
        opened.create(new_run())
        opened.append(batch("run", 1, notes(1)))
        yield opened


def move(source: Path, target: Path) -> None:
    for name in FILES:
        (source / name).rename(target / name)


def copy(source: Path, target: Path) -> None:
    for name in FILES:
        shutil.copy(source / name, target / name)
        (source / name).unlink()


def make_another(path: Path, *said: object) -> None:
    """A store of another process, closed; as a rename puts it in its place."""
    other = path.parent.parent / "other" / "log.db"
    with closing(SqliteEventStore(other)) as store:
        store.create(new_run())
        store.append(batch("run", 1, notes(*said)))
    other.rename(path)


def patiently(use: Callable[[], object]) -> None:
    """As a reporter does: again until it works."""

    def works() -> bool:
        try:
            use()
        except StoreUnavailable:
            return False
        return True

    until(works)


def test_while_it_is_away_nothing_is_read_and_nothing_written(path: Path, store: SqliteEventStore) -> None:
    follower = store.follow()
    move(path.parent, path.parent.parent / "aside")
    append = partial(store.append, batch("run", 2, notes(2)))
    for use in (append, lambda: store.read("run"), follower.read, store.follow):
        with pytest.raises(StoreUnavailable, match="not in its place"):
            use()
    assert not follower.wait(0)
    move(path.parent.parent / "aside", path.parent)
    patiently(append)
    assert texts_of(store, "run") == ["1", "2"]
    assert texts(drained(follower)) == ["2"]
    follower.close()


@pytest.mark.parametrize("away", [move, copy])
def test_a_follower_goes_on_where_it_was_when_the_file_comes_back(
    path: Path, store: SqliteEventStore, away: Callable[[Path, Path], None]
) -> None:
    follower = store.follow(from_beginning=True)
    assert texts(drained(follower))[-1:] == ["1"]
    away(path.parent, path.parent.parent / "aside")
    away(path.parent.parent / "aside", path.parent)
    patiently(lambda: store.append(batch("run", 2, notes(2))))
    assert follower.wait(30)
    assert texts(drained(follower)) == ["2"]
    follower.close()


def test_a_follower_of_a_file_that_was_replaced_is_told_so_once(path: Path, store: SqliteEventStore) -> None:
    follower = store.follow()
    make_another(path, *range(100, 110))
    until(lambda: follower.wait(1))
    with pytest.raises(Gap) as gap:
        patiently(follower.read)
    assert gap.value.reason == "diverged"
    assert drained(follower) == []
    assert texts_of(store, "run") == [str(n) for n in range(100, 110)]
    store.append(batch("run", store.append(batch("run", 1, ())).next, notes("new")))
    assert follower.wait(30)
    assert texts(drained(follower)) == ["new"]
    follower.close()


def test_cursors_of_a_file_that_was_replaced_are_of_no_use(path: Path, store: SqliteEventStore) -> None:
    cursor = store.read("run").cursor
    make_another(path, *range(100, 110))
    with pytest.raises(Gap) as gap:
        patiently(lambda: store.read("run", cursor))
    assert gap.value.reason == "diverged"


def test_what_is_no_store_is_left_alone(path: Path, store: SqliteEventStore) -> None:
    other = path.with_name("other.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE theirs (n)")
    move(path.parent, path.parent.parent / "aside")
    before = other.read_bytes()
    other.rename(path)
    with pytest.raises(StoreForeign):
        patiently(lambda: store.append(batch("run", 2, notes(2))))
    assert path.read_bytes() == before


def test_an_empty_file_in_its_place_is_no_store_yet(path: Path, store: SqliteEventStore) -> None:
    move(path.parent, path.parent.parent / "aside")
    path.touch()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            store.append(batch("run", 2, notes(2)))
        time.sleep(0.3)  # it is looked at again, and longer than it takes to settle
    assert path.stat().st_size == 0


REMOVED = {
    "database": ("log.db",),
    "log": ("log.db-wal",),
    "index": ("log.db-shm",),
    "both": ("log.db-wal", "log.db-shm"),
    "everything": FILES,
}


@pytest.mark.parametrize("removed", REMOVED)
def test_what_is_acknowledged_after_files_were_removed_is_there_for_others(
    path: Path, store: SqliteEventStore, removed: str
) -> None:
    follower = store.follow()
    for name in REMOVED[removed]:
        path.with_name(name).unlink()
    if removed != "log":  # its index is of no use to anybody until the last process that had it open looks again
        elsewhere(path, "newcomer")
    patiently(lambda: store.create(new_run()))
    patiently(lambda: store.append(batch("run", 1, notes("old"), "old")))
    elsewhere(path, "another")
    assert {"old", "another"} <= set(texts_of(store, "run"))
    if removed == "index":
        assert texts(drained(follower)) == ["newcomer", "old", "another"]
    else:
        with pytest.raises(Gap):
            follower.read()
        assert drained(follower) == []
    follower.close()
    store.close()
    with closing(SqliteEventStore(path)) as later:
        assert {"old", "another"} | ({"newcomer"} if removed != "log" else set()) <= set(texts_of(later, "run"))
    check_integrity(path)


ELSEWHERE = """
import sys
import threading
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, new_run, notes
store = SqliteEventStore(sys.argv[1])
store.create(new_run())
store.append(batch("run", 1, notes(sys.argv[2]), sys.argv[2]))
store.close()
"""


def elsewhere(path: Path, said: str) -> None:
    """Another process appends something."""
    subprocess.run([sys.executable, "-c", ELSEWHERE, str(path), said], check=True)


def test_a_write_ahead_log_without_its_database_is_kept_and_not_laid_over_another(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    aside = tmp_path / "aside"
    with closing(SqliteEventStore(path)) as store:
        store.create(new_run())
        store.append(batch("run", 1, notes(*range(50))))
        for name in FILES:
            shutil.copy(path.with_name(name), aside / name)
    path.unlink()
    shutil.copy(aside / "log.db-wal", path.with_name("log.db-wal"))
    shutil.copy(aside / "log.db-shm", path.with_name("log.db-shm"))
    with closing(SqliteEventStore(path)) as store:
        assert store.list_runs().headers == ()
    check_integrity(path)
    (kept,) = path.parent.glob("log.db-wal-*")
    assert kept.name in caplog.text
    kept.rename(aside / "log.db-wal")
    with closing(SqliteEventStore(aside / "log.db")) as store:
        assert len(texts_of(store, "run")) == 50


def test_a_live_process_keeps_its_write_ahead_log_from_being_laid_over_a_newcomer(
    path: Path, store: SqliteEventStore
) -> None:
    store.append(batch("run", 2, notes(*range(50))))
    make_another(path, "another")  # the log and its index are left where they are, as by a careless restore
    patiently(lambda: store.read("run"))
    assert texts_of(store, "run") == ["another"]
    check_integrity(path)


WRITER = """
import sys
import threading
from headway.errors import StoreUnavailable
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, notes
store, name, n = SqliteEventStore(sys.argv[1]), sys.argv[2], 1
while True:
    try:
        n = store.append(batch("run", n, notes(f"{name}:{n}"), name)).next
    except StoreUnavailable:
        continue
    print(n - 1, flush=True)
"""


def test_writers_lose_nothing_while_the_file_comes_and_goes(path: Path, tmp_path: Path) -> None:
    names = ("one", "two")
    with closing(SqliteEventStore(path)) as store:
        store.create(new_run())
        writers = [start_writer(path, name) for name in names]
        for _ in range(50 if SOAK else 10):
            move(path.parent, tmp_path / "aside")
            time.sleep(random.uniform(0.0, 0.02))  # so that it is gone at any moment of a commit
            move(tmp_path / "aside", path.parent)
            acknowledged = [heard(writer) for writer in writers]
        for writer in writers:
            writer.kill()
        for number, writer in enumerate(writers):
            rest, errors = writer.communicate()
            assert errors == b""
            acknowledged[number] = max([acknowledged[number], *map(int, rest.split())])
        found: list[str] = []
        patiently(lambda: found.extend(texts_of(store, "run")))
    for name, last in zip(names, acknowledged, strict=True):
        mine = [text for text in found if text.startswith(name)]
        assert mine == numbered(name, mine)
        assert len(mine) >= last
    check_integrity(path)


def start_writer(path: Path, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(path), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def heard(writer: subprocess.Popen[bytes]) -> int:
    assert writer.stdout is not None
    line = writer.stdout.readline()
    assert line, "it has died"
    return int(line)


def test_writers_whose_lock_was_removed_take_the_new_one(path: Path, store: SqliteEventStore) -> None:
    lock = path.with_name("log.db-lock")
    lock.unlink()
    until(lambda: store.append(batch("run", store.append(batch("run", 1, ())).next, notes("x"))) and lock.exists())
    with lock.open() as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        with closing(SqliteEventStore(path, lock_timeout_s=0.05)) as other, pytest.raises(StoreUnavailable):
            other.append(batch("run", 1, notes("other"), "other"))
        with closing(SqliteEventStore(path)) as reader:
            assert "other" not in texts_of(reader, "run")


def test_a_bell_that_was_taken_down_is_hung_up_again(path: Path, store: SqliteEventStore) -> None:
    follower = store.follow()
    bells = path.with_name("log.db-bells")
    assert len(list(bells.iterdir())) == 1
    shutil.rmtree(bells)
    while follower.wait(0.3):
        pass
    assert len(list(bells.iterdir())) == 1
    store.append(batch("run", 2, notes(2)))
    assert follower.wait(30)
    assert texts(drained(follower)) == ["2"]
    follower.wake()
    assert follower.wait(0)
    follower.close()
    assert list(bells.iterdir()) == []


def test_many_that_open_and_close_at_once_take_nothing_for_a_replacement(path: Path) -> None:
    failures: list[BaseException] = []

    def use() -> None:
        try:
            with closing(SqliteEventStore(path)) as store:
                store.append(batch("run", store.append(batch("run", 1, ())).next, notes("x")))
                store.read("run")
                store.follow().close()
        except BaseException as failure:
            failures.append(failure)

    with closing(SqliteEventStore(path)) as store:
        store.create(new_run())
    for _ in range(20 if SOAK else 5):
        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
