"""Forks with an open store: both processes go on, whatever the parent's threads were doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import msgspec
import pytest

from headway.errors import StoreError, StoreUnavailable
from headway.ports import Lease, LogQuery, PrunePolicy, RunFilter, Snapshot, forking
from headway.stores.sqlite import SqliteEventStore, checkpoints
from headway.testing.event_store.case import drained
from headway.testing.samples import AT, OWNER, batch, completed, log, new_run, notes, texts
from tests.integration.test_sqlite_processes import check_integrity, numbered, texts_of

FORKS = 300 if os.environ.get("HEADWAY_SOAK") else 40
OPENINGS = FORKS // 4
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


def test_a_child_that_is_forked_in_a_transaction_leaves_it_to_the_parent(store: SqliteEventStore) -> None:
    children: list[int] = []

    def operation(connection: apsw.Connection) -> None:
        connection.execute("UPDATE runs SET title = 'both'")
        children.append(forked_in_place())
        connection.execute("UPDATE runs SET title = ?", ("parent" if children[0] else "child",))

    with broken_in_child(children):
        store._write(operation)
    for n in range(2, 22):
        store.append(batch("run", n, notes(f"parent:{n}"), "parent"))
    wait(children[0])
    assert store.header("run").title == "parent"
    assert texts_of(store, "run") == [f"parent:{n}" for n in range(1, 22)]
    store.close()
    check_integrity(store.path)


def forked_in_place() -> int:
    child = os.fork()
    if child == 0:
        signal.alarm(60)
    return child


@contextmanager
def broken_in_child(children: list[int]) -> Iterator[None]:
    """The parent comes out of this; a child must have failed in it, and ends."""
    failed = False
    try:
        yield
    except StoreError:
        failed = True
    if children[0]:
        assert not failed
        return
    os._exit(0 if failed else 1)


def test_a_store_that_was_closed_does_not_disturb_a_fork(store: SqliteEventStore) -> None:
    store.close()

    def act() -> None:
        other = SqliteEventStore(store.path)
        other.append(batch("run", 1, notes("child:1"), "child"))
        other.close()

    wait(forked(act))


def test_a_child_that_is_forked_while_a_disk_hangs_is_told_so(
    store: SqliteEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forking, "PATIENCE_S", 0.01)
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(_connection: apsw.Connection) -> None:
        hangs.set()
        goes_on.wait()

    writer = threading.Thread(target=store._write, args=(hang,))
    writer.start()
    hangs.wait()

    def act() -> None:
        for use in (lambda: store.read("run"), lambda: SqliteEventStore(store.path)):
            with pytest.raises(StoreUnavailable, match="forked while"):
                use()

    wait(forked(act))
    goes_on.set()
    writer.join()
    assert texts_of(store, "run") == ["parent:1"]
    store.close()


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


def perform(code: str, path: Path) -> str:
    """What a program says, started anew, since what counts is when it imports what."""
    program = [sys.executable, "-c", FORKING + code, str(path)]
    environment = {**os.environ, "XDG_STATE_HOME": str(path.parent)}
    return subprocess.run(program, capture_output=True, text=True, check=True, timeout=90, env=environment).stdout


FORKING = """
import os, random, signal, sys, threading, time
import headway

def forked(action):
    child = os.fork()
    if not child:
        signal.alarm(60)
        action()
        os._exit(0)
    return child
"""


def test_a_fork_that_waits_for_the_opening_waits_for_what_comes_behind_it(tmp_path: Path) -> None:
    code = """
loads, forking, commits = threading.Event(), threading.Event(), threading.Event()
os.register_at_fork(before=lambda: commits.wait(0.5))  # called after Headway's own: time enough to slip in
from headway.reporter.loading import loading
os.register_at_fork(before=forking.set)  # called before Headway's own

def commit(connection):
    commits.set()
    time.sleep(0.5)

def write():
    with loading():
        loads.set()
        forking.wait()
        from headway.stores.sqlite import SqliteEventStore
        store = SqliteEventStore(sys.argv[1])
    store._write(commit)

def read():
    from headway.stores.sqlite import SqliteEventStore
    SqliteEventStore(sys.argv[1])._write(lambda connection: None)

writer = threading.Thread(target=write)
writer.start()
loads.wait()
child = forked(read)
print(os.waitpid(child, 0)[1])
"""
    assert perform(code, tmp_path / "log.db") == "0\n"


def test_forks_while_a_run_is_opening_its_store(tmp_path: Path) -> None:
    code = f"""
def report(target):
    with headway.run("job", run_id="run", target=target) as run:
        time.sleep(random.uniform(0.0, 0.01))
        child = os.fork()
        run.emit("x.n", {{"who": "parent" if child else "child"}})
        assert run.flush(30)
        assert not child or os.waitpid(child, 0)[1] == 0
    return not child

for n in range({OPENINGS}):
    if report(f"sqlite:///{{sys.argv[1]}}-{{n}}"):
        os._exit(0)
print("done")
"""
    assert perform(code, tmp_path / "log.db") == "done\n"
    for n in range(OPENINGS):
        with closing(SqliteEventStore(tmp_path / f"log.db-{n}")) as store:
            assert sorted(heard_from(store)) == ["child", "parent"]


def heard_from(store: SqliteEventStore) -> list[str]:
    events = store.read("run", types=["x.n"]).records
    return [msgspec.json.decode(record.body)["data"]["who"] for record in events]


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What SQLite was asked to do while the gate for forks was open."""
    found: list[str] = []

    def look(event: dict[str, object]) -> None:
        if threading.get_ident() not in forking._gate._depths:
            found.append(str(event))

    def hook(connection: apsw.Connection) -> None:
        connection.trace_v2(apsw.SQLITE_TRACE_STMT | apsw.SQLITE_TRACE_CLOSE, look)

    monkeypatch.setattr(apsw, "connection_hooks", [*apsw.connection_hooks, hook])
    monkeypatch.setattr(checkpoints, "PASSIVE_PAGES", 0)
    monkeypatch.setattr(checkpoints, "LOCKED_PAGES", 0)
    return found


def test_nobody_asks_sqlite_for_anything_outside_the_gate(tmp_path: Path, outside: list[str]) -> None:
    store = SqliteEventStore(tmp_path / "log.db")
    store.create(new_run())
    store.take_over("run", OWNER, AT, 30)
    follower = store.follow(from_beginning=True)
    cursor = store.append(batch("run", 1, [log("a line"), *notes(*range(100))])).cursor
    store.put_snapshot("run", Snapshot(fold=1, cursor=cursor, body=b"{}"))
    assert store.snapshot("run", fold=1)
    assert store.read("run", types=["note"]).records
    assert store.cursor_at("run", 1).seq == 1
    assert store.read_log("run", LogQuery()).records
    assert store.list_runs(RunFilter(text="sample", runs=("r",))).headers
    assert drained(follower)
    while follower.wait(0):
        assert not follower.read()
    store.renew(Lease(run_id="run", reporter=OWNER, ttl_s=0, owner=True))
    assert store.sweep().lost == ("run",)
    assert store.helpers("run") == ()
    store.release("run", OWNER.id)
    store.append(batch("run", 102, [completed(1.0)]))
    assert store.past_runs("sample")
    assert store.kinds() == ["sample"]
    assert store.artifact_digests() == set()
    assert store.prune(PrunePolicy(max_runs=0)).runs == ("run",)
    follower.close()
    store.close()
    assert outside == []
    apsw.Connection(str(store.path)).execute("SELECT 1")
    assert outside, "it would have been noticed"
