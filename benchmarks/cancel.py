"""How long a cancel takes: from the append in one process to the job's callback in another, over a SQLite file.

``python -m benchmarks.cancel [COUNT]``. Beside it: the same while the job reports 500 events a second, while another
job in the same file does, and what it costs a job that has nothing to do to listen.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from headway.ports import Batch
from headway.protocol import events, times
from headway.stores.sqlite import SqliteEventStore

GOAL_S = 0.1

IDLE_S = 10

JOB = """
import sys, threading, time
import headway

talks = sys.argv[3] == "talks"
for n in range(int(sys.argv[2])):
    with headway.run("cancelled", run_id=f"run-{n}", target=sys.argv[1]) as run:
        heard, arrived = [], threading.Event()
        run.on_cancel(lambda: (heard.append(time.monotonic()), arrived.set()))
        run.flush(30)
        print("ready", flush=True)
        while not arrived.wait(0.002 if talks else 30):
            run.emit("x.n", {"n": n})
        print(heard[0], flush=True)
"""

OTHER = """
import sys, time
import headway

with headway.run("other", target=sys.argv[1]) as run:
    print("ready", flush=True)
    while True:
        run.emit("x.n", {"n": 1})
        time.sleep(0.002)
"""

IDLE = """
import sys, time
import headway

with headway.run("idle", target=sys.argv[1]) as run:
    run.flush(30)
    time.sleep(2)
    before = time.process_time()
    time.sleep(int(sys.argv[2]))
    print(time.process_time() - before, flush=True)
"""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print(f"{count} cancels from another process, in ms from the append to the callback (goal: < {GOAL_S * 1e3:.0f})")
    for name in ("silent", "talks", "crowded"):
        with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder:
            show(name, measured(Path(folder) / "log.db", count, name))
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder:
        print(
            f"processor time of a job that only waits: {idle_s(Path(folder) / 'log.db') / IDLE_S * 1e3:.2f} ms a second"
        )


def measured(path: Path, count: int, name: str) -> list[float]:
    with ExitStack() as stack:
        store = stack.enter_context(closing(SqliteEventStore(path)))
        if name == "crowded":
            next(stack.enter_context(running(OTHER, path)))
        lines = stack.enter_context(running(JOB, path, str(count), name))
        return [one(store, f"run-{n}", lines) for n in range(count)]


@contextmanager
def running(code: str, path: Path, *arguments: str) -> Iterator[Iterator[str]]:
    command = [sys.executable, "-c", code, f"sqlite:///{path}", *arguments]
    environment = {**os.environ, "XDG_STATE_HOME": str(path.parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as job:
        assert job.stdout is not None
        yield iter(job.stdout)
        job.kill()


def one(store: SqliteEventStore, run_id: str, lines: Iterator[str]) -> float:
    assert next(lines) == "ready\n"
    time.sleep(random.uniform(0.0, 0.1))  # nobody cancels in step with the job's looks at the log
    wanted = events.draft(events.RunCancelRequested(by="benchmark"), at=times.to_text(time.time()))
    asked = time.monotonic()  # one clock for all processes of a machine
    store.append(Batch(run_id=run_id, reporter="benchmark", first=1, events=(wanted,)))
    return float(next(lines)) - asked


def idle_s(path: Path) -> float:
    with running(IDLE, path, str(IDLE_S)) as lines:
        return float(next(lines))


def show(name: str, took: list[float]) -> None:
    milliseconds = sorted(1e3 * each for each in took)
    p99 = milliseconds[min(len(milliseconds) - 1, round(0.99 * len(milliseconds)))]
    late = sum(each > GOAL_S for each in took)
    print(
        f"  {name:8} p50 {statistics.median(milliseconds):6.1f}   p99 {p99:6.1f}   max {milliseconds[-1]:6.1f}"
        f"   over the goal: {late}"
    )


if __name__ == "__main__":
    main()
