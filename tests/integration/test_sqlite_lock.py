"""The writers' lock: a process that is stopped while it holds it, and forks that inherit it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.errors import StoreUnavailable
from headway.stores.sqlite import SqliteEventStore
from headway.stores.sqlite.lock import WriterLock
from headway.testing.samples import batch, new_run, notes, texts

HOLDER = """
import sys
from pathlib import Path
from headway.stores.sqlite.lock import WriterLock

with WriterLock(Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with_run = SqliteEventStore(tmp_path / "log.db")
    with_run.create(new_run())
    with_run.close()
    return tmp_path / "log.db"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is stopped while it holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, f"{path}-lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGSTOP)
    yield process
    process.kill()
    process.communicate()


def lock_threads() -> int:
    return sum(thread.name == "headway-lock" for thread in threading.enumerate())


def test_a_stopped_writer_makes_the_store_unavailable_until_it_goes_on(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    store = SqliteEventStore(path, lock_timeout_s=0.1)
    for _ in range(5):
        with pytest.raises(StoreUnavailable, match="stopped"):
            store.append(batch("run", 1, notes("a")))
    assert lock_threads() <= 1, "waiting again and again must gather no threads"
    assert texts(store.read("run").records) == ["run.created"], "reading needs no lock"
    holder.send_signal(signal.SIGCONT)
    holder.communicate("go on\n")
    assert store.append(batch("run", 1, notes("a"))).accepted == 1
    assert texts(store.read("run").records) == ["run.created", "a"]
    store.close()


def test_a_killed_writer_leaves_no_lock(path: Path, holder: subprocess.Popen[str]) -> None:
    store = SqliteEventStore(path, lock_timeout_s=30)
    waiting = threading.Thread(target=lambda: store.append(batch("run", 1, notes("a"))))
    waiting.start()
    while not lock_threads():
        pass
    holder.kill()
    waiting.join(30)
    assert texts(store.read("run").records) == ["run.created", "a"]
    store.close()


def test_a_wait_that_was_given_up_releases_the_lock_when_it_comes(path: Path, holder: subprocess.Popen[str]) -> None:
    one = SqliteEventStore(path, lock_timeout_s=0.05)
    two = SqliteEventStore(path, lock_timeout_s=30)
    with pytest.raises(StoreUnavailable):
        one.append(batch("run", 1, notes("a")))
    holder.kill()
    assert two.append(batch("run", 1, notes("b"), "two")).accepted == 1
    assert one.append(batch("run", 1, notes("c"), "one")).accepted == 1
    one.close()
    two.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_does_not_keep_the_lock_of_a_parent_that_dies(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:  # takes the lock, forks a child that lives on, and dies with it
        with WriterLock(path).held():
            if os.fork() == 0:
                os.write(writing, f"{os.getpid()}\n".encode())  # it has let go by now of what it inherited
                signal.pause()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(parent, 0)
    child = int(os.read(reading, 100))
    try:
        fd = os.open(path, os.O_RDWR)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(fd)
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(reading)
        os.close(writing)


def test_a_lock_whose_file_cannot_be_found_again_is_let_go_of(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    lock = WriterLock(tmp_path / "here" / "log.db-lock")
    (tmp_path / "here").rename(tmp_path / "there")
    with pytest.raises(FileNotFoundError), lock.held():
        pass
    with (tmp_path / "there" / "log.db-lock").open() as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lock.close()
