"""Forks with an open store: both processes go on, whatever the parent's threads were doing."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from headway.stores.sqlite import SqliteEventStore
from headway.testing.event_store.case import drained
from headway.testing.samples import batch, new_run, notes, texts
from tests.integration.test_sqlite_processes import check_integrity, numbered, texts_of

FORKS = 300 if os.environ.get("HEADWAY_SOAK") else 40
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def forked(action: Callable[[], None]) -> int:
    """Run an action in a child, which ends without the parent's clean-up; its process id."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a child that hangs is a failure, not the end of the tests
        status = 1
        try:
            action()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return child


def wait(child: int) -> None:
    assert os.waitpid(child, 0)[1] == 0


@pytest.fixture
def store(tmp_path: Path) -> SqliteEventStore:
    store = SqliteEventStore(tmp_path / "log.db")
    store.create(new_run())
    store.append(batch("run", 1, notes("parent:1"), "parent"))
    return store


def test_parent_and_child_go_on(store: SqliteEventStore) -> None:
    def act() -> None:
        assert texts(store.read("run").records)[1] == "parent:1"
        for n in range(1, 21):
            store.append(batch("run", n, notes(f"child:{n}"), "child"))
        store.close()

    child = forked(act)
    for n in range(2, 22):
        store.append(batch("run", n, notes(f"parent:{n}"), "parent"))
    wait(child)
    found = texts_of(store, "run")
    for reporter, count in (("parent", 21), ("child", 20)):
        mine = [text for text in found if text.startswith(reporter)]
        assert (mine, len(mine)) == (numbered(reporter, mine), count)
    store.close()
    check_integrity(store.path)


def test_the_parent_goes_on_after_a_child_that_died(store: SqliteEventStore) -> None:
    for n in range(2, 6):
        child = forked(lambda: os.kill(os.getpid(), signal.SIGKILL))
        os.waitpid(child, 0)
        store.append(batch("run", n, notes(f"parent:{n}"), "parent"))
    assert texts_of(store, "run") == [f"parent:{n}" for n in range(1, 6)]
    store.close()


def test_forks_while_threads_read_and_write(store: SqliteEventStore) -> None:
    stop = threading.Event()

    def write() -> None:
        n = 2
        while not stop.is_set():
            n = store.append(batch("run", n, notes(f"parent:{n}"), "parent")).next

    def read() -> None:
        while not stop.is_set():
            store.read("run")
            store.list_runs()

    threads = [threading.Thread(target=work) for work in (write, read, read)]
    for thread in threads:
        thread.start()
    try:
        for number in range(FORKS):
            name = f"child-{number}"

            def act(name: str = name) -> None:
                store.append(batch("run", 1, notes(f"{name}:1"), name))
                assert texts(store.read("run").records)

            wait(forked(act))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    found = texts_of(store, "run")
    assert {text for text in found if text.startswith("child")} == {f"child-{n}:1" for n in range(FORKS)}
    mine = [text for text in found if text.startswith("parent")]
    assert mine == numbered("parent", mine)
    store.close()
    check_integrity(store.path)


def test_a_follower_goes_on_in_both(store: SqliteEventStore) -> None:
    follower = store.follow()

    def act() -> None:
        deadline = time.monotonic() + 30
        found: list[str] = []
        while found != ["parent:2"] and time.monotonic() < deadline:
            follower.wait(1)
            found += texts(drained(follower))
        assert found == ["parent:2"]
        follower.close()

    child = forked(act)
    store.append(batch("run", 2, notes("parent:2"), "parent"))
    wait(child)
    assert texts(drained(follower)) == ["parent:2"]
    bells = list(store.path.with_name("log.db-bells").iterdir())
    assert len(bells) == 1, "the child took its own bell down, and left the parent's"
    follower.close()
    store.close()
