"""How long the commands take from start to end, on a store of 10,000 runs.

``python -m benchmarks.cli [RUNS]``. Each figure is the median of 20 processes, with the processor time beside it: the
machine may be busy with other things. Into a pipe, and on a terminal, where Rich draws the table.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from headway.ports import NewRun
from headway.protocol.times import to_text
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, completed, log, new_run, started

RUNS = 10_000
PROCESSES = 20
WANTED_MS = 300.0
EVENTS = 200_000
WRITERS = 32

COMMAND = (sys.executable, "-m", "headway")
LISTS: tuple[tuple[str, ...], ...] = (
    ("ls",),
    ("ls", "--json"),
    ("ls", "--text", "number 77"),
    ("ls", "--status", "running"),
    ("show", "run-10"),
    ("log", "run-10"),
)


class Took(NamedTuple):
    """Milliseconds: the median from start to end, the least, and the median of the processor's."""

    median: float
    least: float
    processor: float


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jobs.db"
        make_store(path, runs)
        environment = {**os.environ, "HEADWAY_URL": f"sqlite:///{path}"}
        print(f"median of {PROCESSES} processes on a store of {runs:,} runs (wanted of ls: < {WANTED_MS:.0f} ms)")
        show("python -c pass", measured(lambda: into_pipe([sys.executable, "-c", "pass"], environment)))
        for arguments in LISTS:
            show(f"headway {' '.join(arguments)}", measured(lambda: into_pipe([*COMMAND, *arguments], environment)))  # noqa: B023
        show("headway ls, on a terminal", measured(lambda: on_terminal([*COMMAND, "ls"], environment)))
        exchange(folder, path, environment)


def make_store(path: Path, runs: int) -> None:
    """Runs of 20 kinds, with a stage, a line of log and their end; one in 200 is still running."""
    store = SqliteEventStore(path)
    now = time.time()

    def make(n: int) -> None:
        at = to_text(now - runs + n)
        store.create(NewRun(run_id=f"run-{n}", kind=f"kind-{n % 20}", title=f"number {n}", at=at))
        said = [started("work"), log(f"number {n}")]
        store.append(batch(f"run-{n}", 1, said if n % 200 == 0 else [*said, completed(1.0, at)]))

    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(make, range(runs)))
    store.close()


def measured(start: Callable[[], None]) -> Took:
    start()  # the first one reads everything from the disk
    walls, processor = [], []
    for _ in range(PROCESSES):
        before, began = _children_s(), time.perf_counter()
        start()
        walls.append((time.perf_counter() - began) * 1000)
        processor.append((_children_s() - before) * 1000)
    return Took(statistics.median(walls), min(walls), statistics.median(processor))


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show(what: str, took: Took) -> None:
    print(f"  {took.median:6.0f} ms  (least {took.least:4.0f}, processor {took.processor:4.0f})  {what}", flush=True)


def into_pipe(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)


def on_terminal(command: list[str], environment: dict[str, str]) -> None:
    outer, inner = os.openpty()
    reader = threading.Thread(target=_drain, args=[outer])
    reader.start()
    subprocess.run(command, env=environment, stdin=inner, stdout=inner, stderr=inner, check=True)
    os.close(inner)
    reader.join()


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 65536):
            pass
    except OSError:  # the other end is closed
        os.close(fd)


def exchange(folder: str, path: Path, environment: dict[str, str]) -> None:
    """One large run out of the store and into another."""
    store = SqliteEventStore(path)
    store.create(new_run("large"))
    for first in range(1, EVENTS, 1000):
        store.append(batch("large", first, [log("x" * 60) for _ in range(1000)]))
    store.close()
    file, other = Path(folder) / "large.jsonl", f"sqlite:///{folder}/other.db"
    for arguments in (("export", "large", "-o", str(file)), ("import", str(file), "--url", other), ("log", "large")):
        began, before = time.perf_counter(), _children_s()
        with subprocess.Popen(
            [*COMMAND, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = 0
        took = time.perf_counter() - began
        print(
            f"  {EVENTS / took:8,.0f} events/s  (processor {_children_s() - before:.1f} s of {took:.1f} s, "
            f"{used.ru_maxrss / 1024:.0f} MB)  headway {arguments[0]}, {EVENTS:,} events"
        )


if __name__ == "__main__":
    main()
