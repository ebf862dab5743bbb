"""Followers in other processes: woken at once, cleaned up after, and served by the poll where no bell can hang."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from headway.protocol import events
from headway.stores.sqlite import SqliteEventStore, following
from headway.stores.sqlite.listening import SqliteListener
from headway.testing.event_store.case import drained
from headway.testing.samples import AT, batch, new_run, notes, texts

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

LISTENER = """
import sys
from headway.stores.sqlite import SqliteEventStore, following
from headway.testing.samples import text_of

following.POLL_S = float(sys.argv[2])
store = SqliteEventStore(sys.argv[1])
follower = store.follow()
follower.wait(0)
print("ready", flush=True)
while True:
    if follower.wait(60):
        for record in follower.read():
            print(text_of(record), flush=True)
"""


@contextmanager
def listener(path: Path, poll_s: float) -> Iterator[subprocess.Popen[str]]:
    """A process that prints what it follows."""
    arguments = [sys.executable, "-c", LISTENER, str(path), str(poll_s)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_follower_in_another_process_is_woken(tmp_path: Path) -> None:
    store = SqliteEventStore(tmp_path / "log.db")
    store.create(new_run())
    with listener(store.path, poll_s=3600) as process:  # without a poll the bell alone can wake it
        for n in range(1, 51):
            store.append(batch("run", n, notes(n)))
            assert heard(process) == str(n)
    store.close()


def test_bells_of_killed_followers_are_removed(tmp_path: Path) -> None:
    store = SqliteEventStore(tmp_path / "log.db")
    store.create(new_run())
    bells = tmp_path / "log.db-bells"
    for _ in range(3):
        with listener(store.path, poll_s=3600):
            assert len(list(bells.iterdir())) == 1
        assert len(list(bells.iterdir())) == 1
        store.append(batch("run", 1, notes("a")))
        store.append(batch("run", store.append(batch("run", 1, ())).next, notes("b")))
        assert list(bells.iterdir()) == []
    store.close()


def test_where_no_bell_can_hang_the_poll_serves(tmp_path: Path) -> None:
    store = SqliteEventStore(tmp_path / "log.db")
    store.create(new_run())
    (tmp_path / "log.db-bells").write_text("in the way")
    with listener(store.path, poll_s=0.02) as process:
        store.append(batch("run", 1, notes("a")))
        assert heard(process) == "a"
    store.close()


def test_very_long_paths(tmp_path: Path) -> None:
    folder = tmp_path
    while len(str(folder)) < 400:  # SQLite itself stops at 512 bytes
        folder = folder / ("x" * 80)
    store = SqliteEventStore(folder / "log.db")
    store.create(new_run())
    with listener(store.path, poll_s=3600) as process:
        store.append(batch("run", 1, notes("a")))
        assert heard(process) == "a"
    store.close()


def test_a_lost_ring_costs_no_more_than_the_poll(tmp_path: Path) -> None:
    store = SqliteEventStore(tmp_path / "log.db")
    store.create(new_run())
    follower = store.follow()
    drained(follower)
    while follower.wait(0):
        pass
    for bell in (tmp_path / "log.db-bells").iterdir():
        bell.unlink()
    store.append(batch("run", 1, notes("a")))
    began = time.monotonic()
    assert follower.wait(60)
    assert time.monotonic() - began < 30, f"the poll is at {following.POLL_S} s"
    assert texts(drained(follower)) == ["a"]
    follower.close()
    store.close()


EAR = """
import sys, time
from headway.stores.sqlite import SqliteEventStore
store = SqliteEventStore(sys.argv[1])
listener = store.listen("run")
print("ready", flush=True)
while True:
    if listener.wait(3600):
        print("rung", flush=True)
"""

CANCEL = events.draft(events.RunCancelRequested(by="somebody"), at=AT)


@contextmanager
def ear(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that listens to a run as its job does, without looking at the log by itself."""
    with subprocess.Popen([sys.executable, "-c", EAR, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert heard(process) == "ready"
        yield process
        process.kill()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(tmp_path / "log.db")) as opened:
        opened.create(new_run())
        yield opened


def job_bells(store: SqliteEventStore) -> list[str]:
    folder = store.path.with_name("log.db-bells") / "jobs"
    return sorted(bell.name for bell in folder.iterdir()) if folder.exists() else []


def test_a_job_in_another_process_is_woken_by_what_it_must_hear_and_nothing_else(store: SqliteEventStore) -> None:
    with ear(store.path) as process:
        for n in range(1, 21):
            store.append(batch("run", n, notes(n)))
            store.append(batch("run", n, [CANCEL], "watcher"))
            assert heard(process) == "rung"
        with closing(store.listen("run")) as mine:
            store.append(batch("run", 21, notes("a")))
            assert not mine.wait(0)
        process.kill()
        assert heard(process) == ""


def test_bells_of_killed_jobs_are_removed(store: SqliteEventStore) -> None:
    with ear(store.path):
        assert len(job_bells(store)) == 1
    store.append(batch("run", 1, notes("a")))
    assert len(job_bells(store)) == 1, "ordinary commits do not look"
    store.append(batch("run", 1, [CANCEL], "watcher"))
    assert job_bells(store) == []
    with ear(store.path), ear(store.path):
        pass
    half_hung = store.path.with_name("log.db-bells") / "jobs" / "run~1-2.new"
    os.mkfifo(half_hung)
    os.utime(half_hung, (0, 0))
    with closing(store.listen("other")):
        assert [name.partition("~")[0] for name in job_bells(store)] == ["other"], "the next job clears them away"
    assert job_bells(store) == []


def test_a_fork_has_a_bell_of_its_own(store: SqliteEventStore) -> None:
    listener = store.listen("run")
    inner, outer = os.pipe()
    with forked(lambda: _listen_in_child(listener, outer)):
        assert os.read(inner, 1) == b"r"
        assert len(job_bells(store)) == 2
        store.append(batch("run", 1, [CANCEL], "watcher"))
        assert listener.wait(30)
        assert os.read(inner, 1) == b"h"
    assert len(job_bells(store)) == 1, "the child took down its own"
    listener.close()
    assert job_bells(store) == []


def _listen_in_child(listener: SqliteListener, outer: int) -> None:
    assert not listener.wait(0)
    os.write(outer, b"r")
    assert listener.wait(30)
    os.write(outer, b"h")
    listener.close()


@contextmanager
def forked(action: Callable[[], None]) -> Iterator[None]:
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        status = 1
        try:
            action()
            status = 0
        finally:
            os._exit(status)
    yield
    assert os.waitpid(child, 0)[1] == 0


def test_a_job_looks_often_where_no_bell_can_hang(store: SqliteEventStore) -> None:
    store.path.with_name("log.db-bells").write_text("in the way")
    with closing(store.listen("run")) as listener:
        assert not listener.wait(3600), "it would sleep for an hour otherwise"
        store.path.with_name("log.db-bells").unlink()
        while not job_bells(store):
            listener.wait(3600)
        store.append(batch("run", 1, [CANCEL], "watcher"))
        assert listener.wait(30)


def test_a_bell_of_a_job_that_was_taken_down_is_hung_up_again(store: SqliteEventStore) -> None:
    with closing(store.listen("run")) as listener:
        shutil.rmtree(store.path.with_name("log.db-bells"))
        assert not listener.wait(0.01)
        assert len(job_bells(store)) == 1
