"""Many processes on one file, some of them killed at random moments."""

from __future__ import annotations

import os
import random
import time
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from headway.ports import EventStore
from headway.protocol.cursor import Cursor
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import text_of
from tests.integration.appending import start

KILLS = 200 if os.environ.get("HEADWAY_SOAK") else 15


def texts_of(store: EventStore, run_id: str) -> list[str]:
    """The notes of a run, whose numbers are found to have no gap."""
    found: list[str] = []
    cursor: Cursor | None = None
    seq = 0
    while True:
        page = store.read(run_id, cursor)
        for record in page.records:
            seq += 1
            assert record.seq == seq
            found += [text_of(record)] if record.type == "note" else []
        cursor = page.cursor
        if page.complete:
            return found


def check_integrity(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.pragma("integrity_check") == "ok"


def numbered(reporter: str, texts: list[str]) -> list[str]:
    return [f"{reporter}:{n}" for n in range(1, len(texts) + 1)]


@pytest.mark.timeout(600)
def test_a_reporter_that_is_killed_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    random_ = random.Random(7)
    acknowledged = "1"
    for _ in range(KILLS):
        process = start(path, "run", "job", size=random_.choice([1, 10, 100]))
        assert process.stdout is not None
        for _ in range(random_.randint(1, 20)):
            acknowledged = process.stdout.readline().strip()
        time.sleep(random_.uniform(0, 0.01))  # so that the kill comes anywhere in a commit
        process.kill()
        acknowledged = [acknowledged, *process.communicate()[0].split()][-1]
        store = SqliteEventStore(path)
        texts = texts_of(store, "run")
        store.close()
        assert len(texts) >= int(acknowledged) - 1
        assert texts == numbered("job", texts)
    check_integrity(path)


@pytest.mark.timeout(600)
def test_others_go_on_while_reporters_are_killed(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    random_ = random.Random(8)
    steady = start(path, "run", "steady", size=20)
    for _ in range(KILLS // 2):
        victim = start(path, "run", "victim", size=5)
        assert victim.stdout is not None
        assert victim.stdout.readline()
        time.sleep(random_.uniform(0, 0.02))
        victim.kill()
        victim.communicate()
    steady.kill()
    last = int(steady.communicate()[0].split()[-1])
    store = SqliteEventStore(path)
    texts = texts_of(store, "run")
    for reporter in ("steady", "victim"):
        mine = [text for text in texts if text.startswith(reporter)]
        assert mine == numbered(reporter, mine)
    assert sum(text.startswith("steady") for text in texts) >= last - 1
    store.close()
    check_integrity(path)


@pytest.mark.parametrize("runs", [["run"] * 4, ["run-1", "run-2", "run-3", "run-4"]], ids=["one run", "four runs"])
def test_four_processes_write_at_once(tmp_path: Path, runs: list[str]) -> None:
    path = tmp_path / "log.db"
    processes = [start(path, run, f"reporter-{n}", size=100, batches=30) for n, run in enumerate(runs)]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    store = SqliteEventStore(path)
    for n, run in enumerate(runs):
        mine = [text for text in texts_of(store, run) if text.startswith(f"reporter-{n}:")]
        assert mine == [f"reporter-{n}:{number}" for number in range(1, 3_001)]
    store.close()
    check_integrity(path)


def test_sixteen_processes_write_at_once_and_none_starves(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    SqliteEventStore(path).close()
    processes = [start(path, "run", f"reporter-{n}", size=2) for n in range(16)]
    for process in processes:  # every one of them gets its turn, while all the others write without a pause
        assert process.stdout is not None
        for _ in range(20):
            assert process.stdout.readline()
    for process in processes:
        process.kill()
        process.communicate()
    store = SqliteEventStore(path)
    texts = texts_of(store, "run")
    for n in range(16):
        mine = [text for text in texts if text.startswith(f"reporter-{n}:")]
        assert mine == numbered(f"reporter-{n}", mine)
        assert len(mine) >= 40
    store.close()


def test_many_processes_make_the_store_at_once(tmp_path: Path) -> None:
    for attempt in range(3):
        path = tmp_path / f"new-{attempt}" / "log.db"
        processes = [start(path, "run", f"reporter-{n}", size=1, batches=1) for n in range(8)]
        for process in processes:
            process.communicate()
            assert process.returncode == 0
        store = SqliteEventStore(path)
        assert sorted(texts_of(store, "run")) == [f"reporter-{n}:1" for n in range(8)]
        store.close()
        assert {file.name for file in path.parent.iterdir()} <= {"log.db", "log.db-lock", "log.db-bells"}
