"""Old schema files: every version that ever was opens, with all that was in it."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from headway.errors import Gap, StoreError
from headway.ports import LogQuery, RunFilter
from headway.protocol.cursor import Cursor
from headway.stores.sqlite import SqliteEventStore, schema
from headway.testing import FakeClock
from headway.testing.samples import batch, decoded, new_run, note, texts
from tests.integration.old_schema import DATA, load
from tests.integration.test_sqlite_processes import check_integrity

VERSIONS = range(1, len(schema.migrations()) + 1)


def version_of(path: Path) -> int:
    with closing(apsw.Connection(str(path))) as connection:
        version: int = connection.pragma("user_version")
        return version


def structure(path: Path) -> set[tuple[str, str]]:
    with closing(apsw.Connection(str(path))) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
        return {(str(name), " ".join(str(sql).split())) for name, sql in found}


@pytest.fixture(params=VERSIONS, ids=lambda version: f"schema-{version}")
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    assert (DATA / f"schema-{request.param}.sql").exists(), (
        "keep a file of each version: tests/integration/old_schema.py"
    )
    load(request.param, tmp_path / "log.db")
    return tmp_path / "log.db"


def test_an_old_file_becomes_what_a_new_one_is(old: Path, tmp_path: Path) -> None:
    SqliteEventStore(old).close()
    SqliteEventStore(tmp_path / "new.db").close()
    assert version_of(old) == version_of(tmp_path / "new.db") == len(schema.migrations())
    assert structure(old) == structure(tmp_path / "new.db")
    check_integrity(old)


def test_what_was_in_an_old_file_is_there(old: Path) -> None:
    store = SqliteEventStore(old, clock=FakeClock())
    assert [header.run_id for header in store.list_runs().headers] == ["pending", "running", "ended"]
    ended, running = store.header("ended"), store.header("running")
    assert (ended.status, ended.progress, ended.cursor.seq) == ("completed", 1_000_000, 5)
    assert (running.status, running.owner, running.attempt) == ("running", "owner", 1)
    assert (running.progress, running.stage, running.message) == (250_000, "a", "m")
    assert texts(store.read("ended").records) == ["run.created", "stage.started", "log", "x.own", "run.completed"]
    assert texts(store.read("running").records)[2:] == ["stage.started", "one", "artifact"]
    assert [run.run_id for run in store.past_runs("sample")] == ["ended", "removed"]
    assert store.past_runs("sample")[0].stages == {"a": (0.0, 12.5)}
    assert store.read_log("ended", LogQuery(stage="a")).total_bytes == 3
    assert decoded(store.read_log("ended", LogQuery()).records[0])["data"]["offset"] == 0
    snapshot = store.snapshot("ended", fold=1)
    assert snapshot is not None
    assert (snapshot.cursor, snapshot.body) == (ended.cursor, b'{"a": 1}')
    assert store.artifact_digests() == {"a" * 64}
    assert [header.run_id for header in store.list_runs(RunFilter(status="pending")).headers] == ["pending"]
    store.close()


def test_an_old_file_goes_on(old: Path) -> None:
    clock = FakeClock()
    store = SqliteEventStore(old, clock=clock)
    cursor = store.header("running").cursor
    assert store.append(batch("running", 3, (note("again"), note("new")), "owner")).next == 5
    assert texts(store.read("running", cursor).records) == ["new"]
    clock.advance(31)
    swept = store.sweep()
    assert (swept.lost, swept.helpers) == (("running",), ())
    with closing(apsw.Connection(str(old))) as connection:
        ((epoch,),) = connection.execute("SELECT epoch FROM removed")
    with pytest.raises(Gap) as refusal:
        store.read("removed", Cursor(str(epoch), 1, 1))
    assert refusal.value.reason == "deleted"
    store.close()


EXTRA = "CREATE TABLE extra (n INTEGER) STRICT; INSERT INTO extra SELECT count(*) FROM events;"


def test_a_migration_keeps_what_is_there(old: Path) -> None:
    scripts = [*schema.migrations(), EXTRA]
    schema.prepare(old, scripts)
    schema.prepare(old, scripts)
    assert version_of(old) == len(scripts)
    with closing(apsw.Connection(str(old))) as connection:
        assert connection.execute("SELECT n FROM extra").fetchall() == [(12,)]


@pytest.mark.parametrize("broken", ["SELECT no_such_column;", "CREATE TABLE runs (n);", "not SQL at all"])
def test_a_migration_that_fails_half_way_leaves_the_file_as_it_was(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "log.db"
    load(VERSIONS[-1], path)
    SqliteEventStore(path).close()
    before = structure(path)
    with pytest.raises(apsw.Error):
        schema.prepare(path, [*schema.migrations(), f"{EXTRA} DELETE FROM events; {broken}"])
    assert structure(path) == before
    assert version_of(path) == len(schema.migrations())
    store = SqliteEventStore(path)
    assert len(store.read("ended").records) == 5
    store.close()


def test_who_has_the_file_open_goes_on_when_a_newer_headway_adds_a_column(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqliteEventStore(path)) as store:
        store.create(new_run())
        schema.prepare(path, [*schema.migrations(), "ALTER TABLE runs ADD COLUMN extra TEXT;"])
        assert store.append(batch("run", 1, (note("new"),))).accepted == 1
        assert texts(store.read("run").records) == ["run.created", "new"]
        assert [header.run_id for header in store.list_runs().headers] == ["run"]


def test_an_older_headway_refuses_what_was_migrated_at_once(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    reader = SqliteEventStore(path)  # keeps the migration in the write-ahead log
    schema.prepare(path, [*schema.migrations(), EXTRA])
    with pytest.raises(StoreError, match="newer"):
        SqliteEventStore(path)
    reader.close()


def test_many_may_migrate_at_once(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    load(VERSIONS[-1], path)
    errors: list[Exception] = []

    def migrate() -> None:
        try:
            schema.prepare(path, [*schema.migrations(), EXTRA])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert version_of(path) == len(schema.migrations()) + 1
