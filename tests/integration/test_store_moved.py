"""The store's file moved away in mid-run and back, replaced, or out of reach: the job goes on, nothing is lost."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import headway
from headway.reporter.run import Run
from headway.stores.sqlite import SqliteEventStore
from tests.integration.jobs import job, numbers, status

FILES = ("log.db", "log.db-wal", "log.db-shm")

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "store").mkdir()
    (tmp_path / "aside").mkdir()
    return tmp_path / "store" / "log.db"


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def report(run: Run, first: int, last: int) -> None:
    for n in range(first, last):
        run.emit("x.n", {"n": n})


def renamed(source: Path, target: Path) -> None:
    for name in FILES:
        (source / name).rename(target / name)


def copied(source: Path, target: Path) -> None:
    """As a move to another disk is: what comes back is another file with the same content."""
    for name in FILES:
        shutil.copy(source / name, target / name)
        (source / name).unlink()


def folder_renamed(source: Path, target: Path) -> None:
    if target.exists():
        target.rmdir()
    source.rename(target)


@pytest.mark.parametrize("move", [renamed, copied, folder_renamed])
def test_a_store_that_is_moved_away_and_back(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, move: Callable[[Path, Path], None]
) -> None:
    aside = tmp_path / "aside"
    with headway.run("k", run_id="run", target=f"sqlite:///{path}") as run:
        report(run, 0, 100)
        assert run.flush(30)
        move(path.parent, aside)
        report(run, 100, 200)
        assert not run.flush(0.5), "what is in a file that is not in its place is not stored"
        assert told(aside / "log.db") <= 100
        move(aside, path.parent)
        report(run, 200, 300)
        assert run.flush(30)
    assert told(path) == 300
    with closing(SqliteEventStore(path)) as store:
        assert numbers(store) == {"": list(range(300))}
        assert status(store) == "completed"
    assert len(warnings(caplog)) == 1
    assert "wait until they can be stored" in warnings(caplog)[0]


def told(path: Path) -> int:
    """How many numbers are in a file, read from a copy, since two names for one file that is in use harm it."""
    copy = path.parent.parent / "copy"
    copy.mkdir()
    for name in FILES:
        shutil.copy(path.with_name(name), copy / name)
    with closing(SqliteEventStore(copy / "log.db")) as store:
        count = len(numbers(store)[""])
    shutil.rmtree(copy)
    return count


def test_a_new_store_in_the_place_of_the_old_one_gets_the_run_too(path: Path, tmp_path: Path) -> None:
    with headway.run("k", run_id="run", target=f"sqlite:///{path}") as run:
        report(run, 0, 100)
        assert run.flush(30)
        renamed(path.parent, tmp_path / "aside")
        SqliteEventStore(path).close()
        report(run, 100, 200)
        assert run.flush(30)
    with closing(SqliteEventStore(path)) as store:
        assert numbers(store) == {"": list(range(100, 200))}, "nothing goes to a file that nobody looks at"
        assert status(store) == "completed"


def test_a_store_that_is_deleted_leaves_the_job_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.reporter.run.FLUSH_S", 1.5)
    with headway.run("k", run_id="run", target=f"sqlite:///{path}") as run:
        report(run, 0, 100)
        assert run.flush(30)
        for name in FILES:
            (path.parent / name).unlink()
        report(run, 100, 200)
        assert not run.flush(0.2)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that an ordinary user may enter, too: pytest's are root's own if root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="headway-") as name:
        if os.geteuid() == 0:
            os.chown(name, NOBODY, NOBODY)
        (Path(name) / "store").mkdir()
        yield Path(name)


def test_a_folder_that_may_not_be_entered_for_a_while(open_folder: Path) -> None:
    path = open_folder / "store" / "log.db"
    # Root may enter any folder. Whoever takes root's place may not enter those that Python is in: all is loaded before.
    code = (
        f"NOBODY = {NOBODY}"
        """
with headway.run("warm-up", target=url.replace("store/log.db", "warm.db")) as run:
    assert run.flush(30)
if os.geteuid() == 0:
    os.chown(folder, NOBODY, NOBODY)
    os.seteuid(NOBODY)
run = headway.run("k", run_id="run", target=url).start()
def report(first, last):
    for n in range(first, last):
        run.emit("x.n", {"n": n})
report(0, 100)
assert run.flush(30)
os.chmod(folder, 0)
report(100, 200)
say(run.flush(0.5))
os.chmod(folder, 0o700)
report(200, 300)
say(run.flush(30))
run.complete()
"""
    )
    with job(code, path, log=open_folder / "log") as kept_out:
        assert kept_out.hear() == "False"
        assert kept_out.hear() == "True"
        assert kept_out.end() == 0
        assert kept_out.log().count("\n") == 1
        assert "wait until they can be stored" in kept_out.log()
    with closing(SqliteEventStore(path)) as store:
        assert numbers(store) == {"": list(range(300))}
        assert status(store) == "completed"
