"""Files that are not ours, newer than us, damaged or oddly placed: a clear error, and they stay as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from headway.errors import HeadwayError, StoreCorrupt, StoreForeign, StoreTooNew, StoreUnavailable, StoreUnsafe
from headway.stores.sqlite import SqliteEventStore
from headway.stores.sqlite.connections import check_version
from headway.testing.event_store.case import drained
from headway.testing.samples import batch, new_run, notes, texts
from tests.integration.test_sqlite_processes import check_integrity, texts_of


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() if file.is_file() else b"a folder" for file in folder.iterdir()}


def make_store(path: Path, events: int = 2_000) -> Path:
    store = SqliteEventStore(path)
    store.create(new_run())
    for start in range(0, events, 500):
        store.append(batch("run", start + 1, notes(*(f"{n:0100}" for n in range(start, min(start + 500, events))))))
    store.close()
    for beside in path.parent.glob(f"{path.name}-*"):
        shutil.rmtree(beside) if beside.is_dir() else beside.unlink()
    return path


def foreign_database(path: Path, application_id: int) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("application_id", application_id)
        connection.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, run_id TEXT)")


FOREIGN: dict[str, Callable[[Path], object]] = {
    "another application": lambda path: foreign_database(path, 0x12345678),
    "no application": lambda path: foreign_database(path, 0),
    "a text": lambda path: path.write_text("to whom it may concern\n" * 100),
    "a short text": lambda path: path.write_text("x"),
    "another database's beginning": lambda path: path.write_bytes(b"SQLite format 2\x00" + bytes(4080)),
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused_and_left_alone(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "log.db")
    before = contents(tmp_path)
    with pytest.raises(StoreForeign, match=r"log\.db"):
        SqliteEventStore(tmp_path / "log.db")
    assert contents(tmp_path) == before


def test_a_device_is_no_place_for_a_store() -> None:
    with pytest.raises(StoreForeign):
        SqliteEventStore("/dev/null")


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = make_store(tmp_path / "log.db")
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("user_version", 999)
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match="upgrade"):
        SqliteEventStore(path)
    assert path.read_bytes() == before


def test_a_newer_schema_is_seen_in_the_write_ahead_log(tmp_path: Path) -> None:
    path = make_store(tmp_path / "log.db")
    newer = apsw.Connection(str(path))
    newer.pragma("wal_autocheckpoint", 0)
    newer.pragma("user_version", 999)
    with pytest.raises(StoreTooNew):
        SqliteEventStore(path)
    newer.close()


def test_an_empty_file_is_adopted(tmp_path: Path) -> None:
    (tmp_path / "log.db").touch()
    store = SqliteEventStore(tmp_path / "log.db")
    store.create(new_run())
    assert texts_of(store, "run") == []
    store.close()


def use(path: Path) -> None:
    """Everything that might notice damage."""
    store = SqliteEventStore(path)
    try:
        list(drained(store.follow(from_beginning=True)))
        texts_of(store, "run")
        store.append(batch("run", 1, notes("a"), "another"))
    finally:
        store.close()


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no beginning": lambda path: overwrite(path, 0, bytes(16)),
    "a bad header": lambda path: overwrite(path, 16, b"\xff" * 52),
    "no schema": lambda path: overwrite(path, 100, bytes(3_000)),
    "pages of zeros": lambda path: overwrite(path, 4096 * 3, bytes(path.stat().st_size - 4096 * 5)),
    "pages of noise": lambda path: overwrite(path, 4096 * 2, os.urandom(path.stat().st_size - 4096 * 4)),
    "its second half gone": lambda path: os.truncate(path, path.stat().st_size // 2 // 4096 * 4096),
    "most of its header gone": lambda path: os.truncate(path, 50),
    "its first page only": lambda path: os.truncate(path, 4096),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_told_and_left_alone(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    path = make_store(tmp_path / "log.db")
    damage(path)
    before = path.read_bytes()
    with pytest.raises((StoreCorrupt, StoreForeign), match="damaged"):
        use(path)
    assert path.read_bytes() == before


def test_a_file_whose_checkpoint_was_killed_is_whole(tmp_path: Path) -> None:
    path = make_store(tmp_path / "log.db", events=10)
    store = SqliteEventStore(path)
    store.append(batch("run", 11, notes(*["x" * 1_000] * 200)))
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    shutil.copy(f"{path}-wal", f"{copy}-wal")
    store.close()
    # A checkpoint begins with the first page, which says how long the file will be when it is done.
    overwrite(copy, 28, (1_000).to_bytes(4, "big"))
    again = SqliteEventStore(copy)
    assert len(texts_of(again, "run")) == 210
    again.append(batch("run", 211, notes("after")))
    again.close()
    check_integrity(copy)


def test_an_affected_sqlite_is_refused() -> None:
    for version in ("3.40.1", "3.51.2", "3.7.0"):
        with pytest.raises(StoreUnsafe, match="apsw"):
            check_version(version)
    for version in ("3.51.3", "3.52.0", "4.0.0"):
        check_version(version)
    check_version()


ODD_NAMES = (
    "with space.db",
    "100%.db",
    "what?.db",
    "a#b&c=d.db",
    "日本語 👩‍🚀.db",
    'it\'s "quoted".db',
    "[x]*.db",
    "-rf",
    "new\nline",
)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    store = SqliteEventStore(folder / name)
    store.create(new_run())
    follower = store.follow()
    store.append(batch("run", 1, notes("a")))
    assert texts(drained(follower)) == ["a"]
    follower.close()
    store.close()
    again = SqliteEventStore(folder / name)
    assert texts_of(again, "run") == ["a"]
    again.close()
    assert {file.name for file in folder.iterdir()} == {name, f"{name}-lock", f"{name}-bells"}


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = SqliteEventStore("log.db")
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.create(new_run())
    store.append(batch("run", 1, notes("a")))
    store.close()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (tmp_path / "log.db").stat().st_size > 0


def test_a_link_leads_to_the_same_store_lock_and_bells(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "link.db"
    link.symlink_to(tmp_path / "real" / "log.db")
    through_link = SqliteEventStore(link)
    through_link.create(new_run())
    direct = SqliteEventStore(tmp_path / "real" / "log.db")
    follower = through_link.follow()
    direct.append(batch("run", 1, notes("a")))
    assert texts(drained(follower)) == ["a"]
    follower.close()
    through_link.close()
    direct.close()
    assert link.is_symlink()
    assert [file.name for file in link.parent.iterdir()] == ["link.db"]


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    for name in ("x" * 300, "nul\x00", "\udcff", "file/log.db"):
        (tmp_path / "file").write_text("a file")
        with pytest.raises(HeadwayError):
            SqliteEventStore(tmp_path / name)


NOBODY = """
import os, sys
from headway.errors import StoreReadOnly
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, new_run

first = SqliteEventStore(sys.argv[1] + "-warm")  # what Python loads late it could not read as another user
first.create(new_run())
os.setuid(65534)
try:
    SqliteEventStore(sys.argv[1]).append(batch("run", 1, ()))
except StoreReadOnly as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user: run as root")
def test_a_place_that_is_not_ours() -> None:
    with tempfile.TemporaryDirectory() as folder:  # where another user may look
        Path(folder).chmod(0o755)
        path = make_store(Path(folder) / "log.db", events=1)
        done = subprocess.run([sys.executable, "-c", NOBODY, str(path)], capture_output=True, text=True, check=False)
    assert "permissions" in done.stdout, done.stderr


def test_a_store_that_vanished_is_out_of_reach(tmp_path: Path) -> None:
    path = make_store(tmp_path / "place" / "log.db", events=1)
    store = SqliteEventStore(path)
    shutil.rmtree(path.parent)
    with pytest.raises(StoreUnavailable):
        store.append(batch("run", 2, notes("b")))
    store.close()
