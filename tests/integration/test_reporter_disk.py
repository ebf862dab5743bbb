"""A disk that is full or read-only in mid-run: the job ends normally, one warning, and everything comes later."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

import headway
from headway.reporter import run as run_module
from headway.reporter.run import Run
from headway.stores.sqlite import SqliteEventStore
from headway.targets import open_place
from tests.integration.mounts import read_only, small_disk
from tests.unit.reporter.flaky import events_of


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def numbers(store: SqliteEventStore) -> list[int]:
    return [msgspec.json.decode(event.data)["n"] for event in events_of(store) if event.type == "x.n"]


def begin(path: Path) -> Run:
    run = headway.run("k", run_id="run", target=f"sqlite:///{path}").start()
    run.emit("x.n", {"n": 0, "text": "x" * 1_000})
    assert run.flush(30)
    return run


def report(run: Run, first: int, last: int) -> None:
    for n in range(first, last):
        run.emit("x.n", {"n": n, "text": "x" * 1_000})


def fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as output:
        try:
            while True:
                output.write(b"x" * 4096)
        except OSError:
            return ballast


def check_all(path: Path, count: int) -> None:
    place = open_place(path)
    place.store.close()
    with closing(SqliteEventStore(path)) as store:
        assert numbers(store) == list(range(count))
        assert store.header("run").status == "completed"


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for what another thread does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        threading.Event().wait(0.01)


def test_a_full_disk_that_gets_space_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with small_disk(tmp_path / "disk", "8m") as disk:
        run = begin(disk / "log.db")
        ballast = fill(disk)
        report(run, 1, 1_000)
        assert not run.flush(1.0)
        assert len(warnings(caplog)) == 1
        assert "no space left" in warnings(caplog)[0]
        ballast.unlink()
        report(run, 1_000, 1_100)
        assert run.flush(60)
        run.complete()
        assert len(warnings(caplog)) == 1
        check_all(disk / "log.db", 1_100)


def test_a_full_disk_at_the_end_keeps_nobody_and_the_next_run_delivers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "FLUSH_S", 1.5)
    with small_disk(tmp_path / "disk", "8m") as disk:
        run = begin(disk / "log.db")
        ballast = fill(disk)
        report(run, 1, 1_000)
        run.complete()
        assert len(warnings(caplog)) == 2
        assert "kept on disk" in warnings(caplog)[1]
        store = open_place(disk / "log.db").store
        assert store.header("run").status == "running"
        ballast.unlink()
        next_run = headway.run("k", run_id="next", target=f"sqlite:///{disk / 'log.db'}").start()
        assert next_run.flush(30)
        until(lambda: store.header("run").ended)
        next_run.complete()
        check_all(disk / "log.db", 1_000)
        store.close()


def test_a_folder_that_is_read_only_for_a_while(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    path = folder / "log.db"
    with read_only(folder):
        run = headway.run("k", run_id="run", target=f"sqlite:///{path}").start()
        report(run, 0, 500)
        assert not run.flush(0.5)
        assert len(warnings(caplog)) == 1
    report(run, 500, 600)
    assert run.flush(60)
    run.complete()
    assert len(warnings(caplog)) == 1
    check_all(path, 600)
