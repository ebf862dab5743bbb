"""A store that is out of reach for a whole job: nothing is lost, and the next job brings it."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import apsw
import msgspec
import pytest

from headway.hub.opening import open_run
from headway.protocol.cursor import Cursor
from headway.reporter.spool import left_behind
from headway.stores.sqlite import SqliteEventStore
from headway.stores.sqlite.schema import lock_path

EVENTS = 12_000

JOB = """
import sys, headway
import headway.reporter.run as run_module
run_module.FLUSH_S = 2.0
with headway.run("job", run_id=sys.argv[1], target=sys.argv[2]) as run:
    with run.stage("work", total=int(sys.argv[3])) as stage:
        for n in stage.track(range(int(sys.argv[3]))):
            run.emit("x.n", {"n": n})
    if sys.argv[1] == "second":
        import threading
        run.flush(30)
        for thread in threading.enumerate():
            if thread.name == "headway-leftovers":
                thread.join(60)
"""


def perform(run_id: str, url: str, count: int, state: Path) -> str:
    environment = {**os.environ, "XDG_STATE_HOME": str(state)}
    command = [sys.executable, "-c", JOB, run_id, url, str(count)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def numbers(store: SqliteEventStore, run_id: str) -> list[int]:
    found: list[int] = []
    cursor: Cursor | None = None
    while True:
        page = store.read(run_id, cursor, types=["x.n"])
        found += [msgspec.json.decode(record.body)["data"]["n"] for record in page.records]
        cursor = page.cursor
        if page.complete:
            return found


def test_what_a_job_could_not_store_is_stored_by_the_next(tmp_path: Path) -> None:
    place, state = tmp_path / "place", tmp_path / "state"
    url = f"sqlite:///{place / 'log.db'}"
    place.write_text("a file where the folder should be: the store cannot be opened")
    said = perform("first", url, EVENTS, state)
    assert said.count("wait until they can be stored") == 1
    assert said.count("kept on disk") == 1
    place.unlink()
    assert perform("second", url, 10, state) == ""
    store = SqliteEventStore(place / "log.db")
    assert numbers(store, "first") == list(range(EVENTS))
    opened = open_run(store, "first").state
    assert (opened.status, opened.dropped) == ("completed", {})
    assert [(stage.path, stage.current) for stage in opened.stages] == [("work", EVENTS)]
    assert store.header("second").status == "completed"
    assert not list((state / "headway" / "spool").iterdir())
    store.close()


def test_a_silent_job_gives_a_sign_of_life(tmp_path: Path) -> None:
    code = """
import sys, threading, time, headway
with headway.run("job", run_id="quiet", target=sys.argv[1]) as run, run.stage("work", expect=60):
    end = time.monotonic() + 30
    while not run.state.highlights and time.monotonic() < end:
        threading.Event().wait(0.05)
"""
    url = f"sqlite:///{tmp_path / 'log.db'}"
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    store = SqliteEventStore(tmp_path / "log.db")
    (sign,) = open_run(store, "quiet").state.highlights
    assert sign.stage == "work"
    assert "so far" in sign.text
    store.close()


@contextmanager
def busy(path: Path) -> Iterator[str]:
    """A store that a program which does not know our lock has locked."""
    SqliteEventStore(path).close()
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield f"sqlite:///{path}"


@contextmanager
def locked(path: Path) -> Iterator[str]:
    """A store whose lock a writer keeps that has been stopped."""
    SqliteEventStore(path).close()
    with lock_path(path).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield f"sqlite:///{path}"


@contextmanager
def mute(_: Path) -> Iterator[str]:
    """A server that takes connections, and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("holding", [busy, locked, mute])
def test_a_store_that_lets_a_job_wait_for_longer_than_its_end_does_costs_no_report(
    tmp_path: Path, holding: Callable[[Path], AbstractContextManager[str]]
) -> None:
    """Each of them is waited for by the sending thread for at least five seconds at once."""
    with holding(tmp_path / "log.db") as url:
        said = perform("first", url, 3, tmp_path / "state")
    assert said.count("kept on disk") == 1
    assert "not stored" not in said
    (kept,) = left_behind(tmp_path / "state" / "headway" / "spool")
    types = [draft.type for _, drafts in kept.batches() for draft in drafts]
    kept.release()
    assert types.count("x.n") == 3
    assert types[-1] == "run.completed"
