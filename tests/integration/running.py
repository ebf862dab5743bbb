"""``headway run`` in a process of its own, and what the run says afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]

from headway.hub.opening import open_run
from headway.ports import EventStore, LogQuery, RunFilter
from headway.progress.state import StageState, State
from headway.protocol import codec, events
from headway.stores.files import FileArtifactStore
from headway.stores.sqlite import SqliteEventStore
from tests.integration.jobs import until

COMMAND = (sys.executable, "-W", "error", "-m", "headway")
PATIENCE_S = 60.0


class Ended(NamedTuple):
    """What ``headway run`` did."""

    code: int
    out: bytes
    err: bytes


class Running:
    """A store, and commands that are run as runs of it.

    Attributes:
        folder: Where the commands run.
        url: The store's URL.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "jobs.db"
        self.url = f"sqlite:///{self.path}"
        self._store: SqliteEventStore | None = None

    @property
    def store(self) -> EventStore:
        """The store, opened when it is first looked at."""
        if self._store is None:
            self._store = SqliteEventStore(self.path)
        return self._store

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()

    def environment(self, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of ``headway run``."""
        ours = {"HEADWAY_URL": self.url, "HEADWAY_FLUSH_S": "60", "XDG_STATE_HOME": str(self.folder / "state")}
        return {**os.environ, **ours, **(changes or {})}

    def start(
        self,
        options: Sequence[str],
        command: Sequence[str],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        environment: Mapping[str, str] | None = None,
        process_group: int | None = 0,
    ) -> subprocess.Popen[bytes]:
        """Start it."""
        return subprocess.Popen(
            [*COMMAND, "run", *options, "--", *command],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=self.folder,
            env=self.environment(environment),
            process_group=process_group,
        )

    def run(
        self,
        options: Sequence[str],
        command: Sequence[str],
        *,
        code: int = 0,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run it to its end; fails unless its exit code is the one that is expected."""
        process = self.start(options, command, stdin=subprocess.PIPE, environment=environment)
        out, err = process.communicate(stdin, timeout=PATIENCE_S)
        ended = Ended(process.returncode, out, err)
        assert ended.code == code, ended
        assert b"Traceback" not in err, err.decode()
        return ended

    def python(
        self,
        program: str,
        *options: str,
        code: int = 0,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Ended:
        """Run a program in Python, without its own modules, to its end."""
        command = [sys.executable, "-u", "-c", program]
        return self.run(options, command, code=code, environment=environment, stdin=stdin)

    def shell(self, script: str, *options: str, code: int = 0) -> Ended:
        """Run a script of the shell to its end."""
        return self.run(options, ["sh", "-c", script], code=code)

    # The run

    @property
    def begun(self) -> bool:
        """Whether there is a run."""
        return self.path.exists() and bool(self.store.list_runs(RunFilter(), limit=1).headers)

    @property
    def run_id(self) -> str:
        """The newest run."""
        return self.store.list_runs(RunFilter(), limit=1).headers[0].run_id

    @property
    def state(self) -> State:
        """Its state."""
        return open_run(self.store, self.run_id).state

    @property
    def ending(self) -> tuple[str, str | None]:
        """Its status, and the code of its error."""
        state = self.state
        return state.status, None if state.error is None else state.error.code

    @property
    def reason(self) -> str | None:
        """Why it was cancelled."""
        data = codec.data_of(self.events("run.cancelled")[0])
        assert isinstance(data, events.RunCancelled)
        return data.reason

    @property
    def stages(self) -> dict[str, StageState]:
        """Its stages by their paths."""
        return {stage.path: stage for stage in self.state.stages}

    def events(self, *types: str) -> list[events.Event]:
        """Its events of these types; all of them by default."""
        found = []
        page = self.store.read(self.run_id, None, limit=1000)
        while True:
            found += [codec.decode_event(record.body) for record in page.records]
            if page.complete:
                return [event for event in found if not types or event.type in types]
            page = self.store.read(self.run_id, page.cursor, limit=1000)

    def log(self, stream: str | None = None) -> list[str]:
        """Its log lines: of one stream, or all."""
        return [text for each, text in self.lines() if stream in (None, each)]

    def lines(self) -> list[tuple[str, str]]:
        """Its log lines with their streams, in order; pieces of long lines are joined."""
        found: list[tuple[str, str]] = []
        piece = ""
        after = 0
        while True:
            records = self.store.read_log(self.run_id, LogQuery(after_seq=after)).records
            if not records:
                return found
            after = records[-1].seq
            for record in records:
                data = codec.data_of(codec.decode_event(record.body))
                assert isinstance(data, events.Log)
                for text in data.lines:
                    piece += text
                    if not data.partial:
                        found.append((data.stream, piece))
                        piece = ""

    def artifact(self, name: str) -> bytes | None:
        """The content of one of its artifacts; None if there is none of this name."""
        entries = [entry for entry in self.state.artifacts if entry.name == name]
        if not entries:
            return None
        assert entries[-1].sha256 is not None
        with FileArtifactStore(self.path.with_name(self.path.name + "-artifacts")).open(entries[-1].sha256) as file:
            return file.read()


def tree(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """All that a process has started, and what that has, by now."""
    try:
        return list(psutil.Process(process.pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended."""
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def all_gone(processes: Sequence[psutil.Process]) -> None:
    """Wait until all of them have ended."""
    until(lambda: not alive(processes), f"the end of {processes}")


def wait_for_file(path: Path) -> str:
    """Wait until a program has written a file; what is in it."""
    until(lambda: path.exists() and path.read_text(), f"{path}")
    return path.read_text()


def finish(process: subprocess.Popen[bytes]) -> Ended:
    """Wait for the end of what was started."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert b"/headway/" not in err, err.decode()
    return Ended(process.returncode, out, err)


def kill_group(process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    """What a test leaves behind when it fails."""
    if process.poll() is None:
        os.killpg(process.pid, number)
        process.wait()
