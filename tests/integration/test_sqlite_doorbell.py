"""Followers in other processes: woken at once, cleaned up after, and served by the poll where no bell can hang."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headway.stores.sqlite import SqliteEventStore, following
from headway.testing.event_store.case import drained
from headway.testing.samples import batch, new_run, notes, texts

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
