"""What a child appends outlives its parents: whoever ends first, and however, and whoever opens the file in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, new_run, notes
from tests.integration.jobs import until
from tests.integration.test_sqlite_processes import check_integrity, texts_of
from tests.integration.test_sqlite_strangers import close_elsewhere

FAMILY = """
import os, signal, sys
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, notes

store = SqliteEventStore(sys.argv[1])
store.append(batch("run", 1, notes("parent"), "parent"))
follower = store.follow()

def say(what):
    os.write(1, f"{what}\\n".encode())

def work():
    while line := os.read(0, 3):
        n = int(line)
        store.append(batch("run", n, notes(f"child:{n}"), "child"))
        assert store.read("run").records
        say(n)
    store.close()

def end(*_):
    follower.close()
    store.close()
    os._exit(0)

for generation in range(int(sys.argv[2])):
    if os.fork():
        os._exit(0)  # as those do who leave the work to their child
signal.signal(signal.SIGTERM, end)
if not os.fork():
    work()
    os._exit(0)
say(os.getpid())
while True:
    signal.pause()
"""

GENERATIONS = {"child": 0, "grandchild": 2}


class Family:
    """A process and its child, which appends what it is told to."""

    def __init__(self, path: Path, generations: int) -> None:
        command = [sys.executable, "-c", FAMILY, str(path), str(generations)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.parent = int(self._hear())

    def _hear(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        assert line, "it has died"
        return line.strip()

    def append(self, *numbers: int) -> None:
        """Let the child append its notes of these numbers."""
        assert self._process.stdin is not None
        for n in numbers:
            self._process.stdin.write(f"{n}\n".encode())
            assert self._hear() == str(n)

    def lose_parent(self, number: int) -> None:
        """End the parent by a signal."""
        os.kill(self.parent, number)
        until(lambda: not lives(self.parent), "the parent's end")

    def close(self) -> None:
        """End the child."""
        with self._process:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.close()
            assert self._process.stdout.read() == b""


def lives(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "log.db"
    with closing(SqliteEventStore(path)) as store:
        store.create(new_run())
    return path


def look(path: Path, children: int, me: str) -> None:
    """Open the store, check that it has everything, append something, and close it."""
    with closing(SqliteEventStore(path)) as store:
        assert [text for text in texts_of(store, "run") if text.startswith("child")] == [
            f"child:{n}" for n in range(1, children + 1)
        ]
        store.append(batch("run", 1, notes(me), me))


@pytest.mark.parametrize("generations", GENERATIONS.values(), ids=GENERATIONS)
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["closes", "killed"])
@pytest.mark.parametrize("begins", ["early", "late"])
def test_what_a_child_appends_is_there_whenever_its_parent_ends(
    path: Path, generations: int, end: int, begins: str
) -> None:
    with closing(Family(path, generations)) as family:
        if begins == "early":
            family.append(1)
        family.lose_parent(end)
        if begins == "late":
            family.append(1)
        look(path, 1, "first")
        family.append(*range(2, 11))
        look(path, 10, "second")
        family.append(*range(11, 21))
    look(path, 20, "third")
    with closing(SqliteEventStore(path)) as store:
        assert sorted(set(texts_of(store, "run")) - {f"child:{n}" for n in range(21)}) == [
            "first",
            "parent",
            "second",
            "third",
        ]
    check_integrity(path)


def test_nobody_else_may_take_the_file_from_a_child(path: Path) -> None:
    with closing(Family(path, 0)) as family:
        family.append(1)
        family.lose_parent(signal.SIGTERM)
        close_elsewhere(path)
        assert path.with_name("log.db-wal").exists(), "who closes the file last removes its write-ahead log"
        family.append(*range(2, 11))
    look(path, 10, "after")
