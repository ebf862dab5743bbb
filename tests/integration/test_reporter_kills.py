"""``kill -9`` of a reporting process at random moments: what it flushed is there once, in order, and can be opened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from headway.hub.opening import open_run
from headway.progress.fold import Fold
from headway.protocol import codec
from headway.stores.sqlite import SqliteEventStore
from tests.unit.reporter.flaky import events_of

KILLS = 200 if os.environ.get("HEADWAY_SOAK") else 10

JOB = """
import sys
import headway

with headway.run("victim", run_id=sys.argv[2], target="sqlite:///" + sys.argv[1]) as run:
    with run.stage("work") as stage:
        n = 0
        while True:
            for _ in range(1 + n % 37):
                n += 1
                run.emit("x.n", {"n": n})
                run.log(f"line {n}")
                stage.advance()
            if run.flush(30):
                # Only what was said to be durable is promised to anybody.
                sys.stdout.write(f"{n}\\n")
                sys.stdout.flush()
"""


def kill_one(path: Path, run_id: str, flushes: int) -> int:
    """Let a job report, kill it after so many flushes (or before the first), and say what the last one promised."""
    job = subprocess.Popen(
        [sys.executable, "-c", JOB, str(path), run_id], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert job.stdout is not None
    promised = 0
    for _ in range(flushes):
        promised = int(job.stdout.readline())
    job.send_signal(signal.SIGKILL)
    rest = [line for line in job.stdout if line.endswith("\n")]
    job.stdout.close()
    job.wait()
    return int(rest[-1]) if rest else promised


def check(path: Path, run_id: str, promised: int) -> None:
    with closing(SqliteEventStore(path)) as store:
        log = events_of(store, run_id)
        assert [event.seq for event in log] == list(range(1, len(log) + 1))
        told = [msgspec.json.decode(event.data)["n"] for event in log if event.type == "x.n"]
        assert told == list(range(1, len(told) + 1))
        assert len(told) >= promised
        lines = [line for event in log if event.type == "log" for line in msgspec.json.decode(event.data)["lines"]]
        assert lines == [f"line {n}" for n in range(1, len(lines) + 1)]
        assert len(lines) >= promised
        fold = Fold(run_id)
        for event in log:
            fold.apply_parts(event.seq, event.at, event.type, event.stage, codec.data_of(event))
        state = open_run(store, run_id).state
        assert state == fold.state()
        assert promised == 0 or state.stages[0].current is not None
        assert promised == 0 or int(state.stages[0].current or 0) >= promised


@pytest.mark.timeout(1200)
def test_what_was_flushed_survives_any_kill(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    dice = random.Random(4)
    for n in range(KILLS):
        promised = kill_one(path, f"run-{n}", dice.choice([1, 1, 2, 3, 5, 8, 13, 40]))
        check(path, f"run-{n}", promised)


def test_a_run_that_was_killed_is_found_to_be_lost(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    kill_one(path, "run", 1)
    with closing(SqliteEventStore(path)) as store:
        header = store.header("run")
        assert header.status == "running"
        assert header.owner is not None
        store.release("run", header.owner)  # as its lease runs out, in less time
        assert store.sweep().lost == ("run",)
