"""Jobs in processes of their own, which a test starts, listens to, signals and kills."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import IO

import apsw
import msgspec

from headway.hub.opening import open_run
from headway.ports import Batch, EventStore, SystemClock
from headway.progress.state import State
from headway.protocol import events, times
from headway.protocol.events import Data
from headway.stores.sqlite import SqliteEventStore
from headway.stores.sqlite.schema import lock_path
from tests.unit.reporter.flaky import events_of

PRELUDE = """
import os, signal, sys, threading, time
import headway

url, folder = sys.argv[1], sys.argv[2]
arguments = sys.argv[3:]

def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

def hear():
    return sys.stdin.readline().strip()

def forever():
    n = 0
    while True:
        threading.Event().wait(0.002)
        yield (n := n + 1)
"""

PATIENCE_S = 30.0
"""For what happens at once on an idle machine."""


class Later(SystemClock):
    """The machine's clocks, seen from some seconds later: leases are waited for without waiting."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds

    def wall(self) -> float:
        return super().wall() + self.seconds

    def elapsed(self) -> float:
        return super().elapsed() + self.seconds


class Job:
    """A program that reports to a file. Its lines are heard one by one; what it logs is kept in a file.

    Attributes:
        process: The process.
    """

    def __init__(self, command: list[str], log: Path, lease_s: float) -> None:
        self._log = log
        environment = {**os.environ, "HEADWAY_LEASE_S": str(lease_s), "XDG_STATE_HOME": str(log.parent / "state")}
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )

    def hear(self) -> str:
        """The next line; fails if there is none."""
        line = _pipe(self.process.stdout).readline()
        assert line.endswith("\n"), f"it said no more: {line!r}, and logged: {self.log()}"
        return line[:-1]

    def tell(self, line: str = "") -> None:
        """Say something to it."""
        pipe = _pipe(self.process.stdin)
        pipe.write(line + "\n")
        pipe.flush()

    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it."""
        self.signal(signal.SIGKILL)
        self.end()

    def freeze(self, path: Path) -> None:
        """Stop it, but not while it holds the lock of the store at ``path``: that would stop everybody."""
        while True:
            self.signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
            if _is_free(lock_path(path)):
                return
            self.thaw()

    def thaw(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)

    def end(self) -> int:
        """Wait for its end; its exit code."""
        try:
            return self.process.wait(60)
        finally:
            _pipe(self.process.stdin).close()
            _pipe(self.process.stdout).close()

    def rest(self) -> list[str]:
        """What it says until its end."""
        return _pipe(self.process.stdout).read().splitlines()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def _is_free(lock: Path) -> bool:
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def job(code: str, path: Path, *arguments: str, lease_s: float = 30.0, log: Path | None = None) -> Iterator[Job]:
    """A job of this code, after the prelude, or the script of that name; killed if it lives when the block ends.

    Its log is beside the store, unless the test wants it elsewhere.
    """
    program = [code] if code.endswith(".py") else ["-c", PRELUDE + code]
    command = [sys.executable, *program, f"sqlite:///{path}", str(path.parent), *arguments]
    started = Job(command, log or path.with_name("job.log"), lease_s)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.thaw()
            started.kill()
        else:
            started.end()


def until(condition: Callable[[], object], what: str = "it", seconds: float = PATIENCE_S) -> None:
    """Wait for what others do; fails if it never comes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} never came"
        Event().wait(0.01)


def tell(store: EventStore, data: Data, run_id: str = "run") -> None:
    """What a watcher says: a batch of nobody's attempt."""
    draft = events.draft(data, at=times.to_text(time.time()))
    store.append(Batch(run_id=run_id, reporter=f"watcher-{time.monotonic_ns()}", first=1, events=(draft,)))


def cancel(store: EventStore, run_id: str = "run") -> None:
    """Ask for a cancel."""
    tell(store, events.RunCancelRequested(by="somebody", reason="enough"), run_id)


def state(store: EventStore, run_id: str = "run") -> State:
    """The state as any reader sees it."""
    return open_run(store, run_id).state


def numbers(store: EventStore, run_id: str = "run") -> dict[str, list[int]]:
    """Who said which numbers (events ``x.n``), in the log's order."""
    said: dict[str, list[int]] = {}
    for event in events_of(store, run_id):
        if event.type == "x.n":
            data = msgspec.json.decode(event.data)
            said.setdefault(data.get("who", ""), []).append(data["n"])
    return said


def lease_until(path: Path) -> float:
    """When the newest lease in the file runs out, on the clock since the machine's start."""
    with closing(apsw.Connection(str(path))) as connection:
        ((newest,),) = connection.execute("SELECT max(lease_until) FROM reporters").fetchall()
        assert isinstance(newest, float)
        return newest


def status(store: SqliteEventStore, run_id: str = "run") -> str:
    """The run's status in lists."""
    return store.header(run_id).status
