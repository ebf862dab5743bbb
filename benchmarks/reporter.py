"""What reporting costs a job, and what opening a long run costs its reader.

``python -m benchmarks.reporter [--quick]``. Each figure stands beside its peer's of the same run, the two measured in
turn; with several rounds the median counts, and the spread is printed.
"""

from __future__ import annotations

import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

import headway
from headway.hub.opening import open_run
from headway.reporter.run import Run
from headway.stores.sqlite import SqliteEventStore

ROUNDS = 5
ROUNDS_OF_LINES = 11  # each takes a tenth of a second, in which anything may come between
LINE = "2026-11-20 19:41:03,120 INFO worker: chunk 17 of 4711 is done, 3 warnings so far"


def main() -> None:
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as name:
        folder = Path(name)
        loops(folder, 1_000_000 if quick else 10_000_000)
        calls(folder)
        log_lines(folder, 100_000)
        memory(folder, 10 if quick else 1)
        imports(folder, 11 if quick else 31)
        opening(folder, 100_000 if quick else 1_000_000)


def loops(folder: Path, count: int) -> None:
    print(f"an empty loop over {count:,} items, in seconds (goal: at most 0.8 of tqdm's)")
    with a_run(folder) as run:
        took = alternately(
            {
                "bare": lambda: went_through(range(count)),
                "tqdm": lambda: tqdm_loop(count),
                "headway": lambda: headway_loop(run, count),
            }
        )
    show(took, "headway", "tqdm")


def tqdm_loop(count: int) -> float:
    nowhere = Path(os.devnull).open("w")  # noqa: SIM115 -- closed below, after what tqdm still has to say
    try:
        return went_through(tqdm(range(count), file=nowhere))
    finally:
        nowhere.close()


def headway_loop(run: Run, count: int) -> float:
    stage = run.stage("loop").start()
    took = went_through(stage.track(range(count)))
    stage.complete()
    return took


def went_through(items: Iterable[int]) -> float:
    began = time.perf_counter()
    for _ in items:
        pass
    return time.perf_counter() - began


def calls(folder: Path) -> None:
    print("one call in the job's thread, in µs: by the clock, and of this thread's processor time")
    with a_run(folder) as run, run.stage("calls", total=10**9) as stage:
        cases: list[tuple[str, Callable[[], object], str, int]] = [
            ("advance", stage.advance, "0.3", 500_000),
            ("log", lambda: run.log(LINE), "5", 5_000),
            ("emit", lambda: run.emit("x.page-scrolled", {"percent": 40, "page": "checkout"}), "5", 5_000),
            ("highlight", lambda: run.highlight("3 chapters found"), "5", 5_000),
        ]
        for name, call, goal, count in cases:
            rounds = [one_burst(run, call, count) for _ in range(ROUNDS)]
            wall, processor = (statistics.median(each) for each in zip(*rounds, strict=True))
            print(f"  {name:10} {wall:6.3f} by the clock, {processor:6.3f} of the processor (goal: under {goal})")


def one_burst(run: Run, call: Callable[[], object], count: int) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.thread_time()
    for _ in range(count):
        call()
    wall, processor = time.perf_counter() - wall, time.thread_time() - processor
    if not run.flush(60):
        raise SystemExit("what was reported did not become durable")
    return wall / count * 1e6, processor / count * 1e6


class Written(NamedTuple):
    """Seconds that a job's lines took: its loop, until all was durable, and of the processors until then."""

    loop: float
    durable: float
    processor: float


class Watch:
    """Takes the times of a job that writes lines."""

    def __init__(self) -> None:
        self._began, self._processor, self._looped = time.perf_counter(), time.process_time(), 0.0

    def looped(self) -> None:
        self._looped = time.perf_counter() - self._began

    def durable(self) -> Written:
        return Written(self._looped, time.perf_counter() - self._began, time.process_time() - self._processor)


def log_lines(folder: Path, count: int) -> None:
    print(f"a job of {count:,} log lines, in seconds: its loop, and until all is durable (goal: at most 1.3 of a file)")
    lines = [LINE.replace("17", str(n)) for n in range(count)]
    writers: dict[str, Callable[[], Written]] = {
        "file, one write a line": lambda: to_file(folder / "lines.log", lines, buffering=1),
        "file, buffered": lambda: to_file(folder / "lines.log", lines, buffering=-1),
        "file, through logging": lambda: to_logging(folder / "lines.log", lines),
        "headway": lambda: to_run(folder, lines),
    }
    written: dict[str, list[Written]] = {name: [] for name in writers}
    for _ in range(ROUNDS_OF_LINES):
        for name, write in writers.items():
            written[name].append(write())
    for title in Written._fields:
        print(f" {title}")
        took = {name: [getattr(each, title) for each in times] for name, times in written.items()}
        show(took, "headway", "file, one write a line")


def to_file(path: Path, lines: list[str], buffering: int) -> Written:
    with path.open("w", buffering=buffering) as file:
        watch = Watch()
        for line in lines:
            file.write(f"{line}\n")
        watch.looped()
        file.flush()
        os.fsync(file.fileno())
        return watch.durable()


def to_logging(path: Path, lines: list[str]) -> Written:
    handler = logging.FileHandler(path)
    logger = logging.Logger("bench")
    logger.addHandler(handler)
    watch = Watch()
    for line in lines:
        logger.info(line)
    watch.looped()
    with path.open() as file:
        os.fsync(file.fileno())
    took = watch.durable()
    handler.close()
    return took


def to_run(folder: Path, lines: list[str]) -> Written:
    with a_run(folder) as run:
        watch = Watch()
        for line in lines:
            run.log(line)
        watch.looped()
        run.flush(60)
        took = watch.durable()
    if run.state.log.lines != len(lines):
        raise SystemExit(f"{run.state.log.lines} lines of {len(lines)} are in the log")
    return took


MEMORY = """
import resource
import apsw
import headway

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

with headway.run("bench", target={target!r}) as run, run.stage("work") as stage:
    def work(steps, lines):
        for n in range(lines):
            run.log(f"line {{n}} of an ordinary length, such as programs write: 17 of 4711 are done, 3 warnings")
        for _ in range(steps):
            stage.advance()
        run.flush(60)
        print(resident() / 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, apsw.memory_used() / 2**20)
    work({steps} // 10, {lines} // 5)
    for _ in range(10):
        work({steps} // 10, {lines} // 10)
"""


def memory(folder: Path, part: int) -> None:
    steps, lines = 10_000_000 // part, 1_000_000 // part
    print(f"memory of a job of {steps:,} advances and {lines:,} log lines, in MB (goal: flat)")
    code = MEMORY.format(target=f"sqlite:///{folder / 'memory.db'}", steps=steps, lines=lines)
    said = subprocess.check_output([sys.executable, "-c", code], text=True)
    resident, most, sqlite = zip(*([float(size) for size in line.split()] for line in said.splitlines()), strict=True)
    for name, sizes in (("resident", resident), ("at most so far", most), ("of it SQLite's caches", sqlite)):
        print(f"  {name:22} {sizes[0]:5.1f} at first, then " + " ".join(f"{size:.1f}" for size in sizes[1:]))


FRESH = """
import time
processor, began = time.process_time(), time.perf_counter()
{code}
print(time.perf_counter() - began, time.process_time() - processor)
"""


def imports(folder: Path, count: int) -> None:
    print(f"in {count} fresh processes each, in ms (goals: import under 20, the first run at most 60 more)")
    first = f'import headway; run = headway.run("bench", target="sqlite:///{folder}/first.db").start()'
    codes = {
        "pass": "pass",
        "import msgspec, apsw": "import msgspec, apsw",
        "import headway": "import headway",
        "… and the first run": first,
        "… durable": first + "; run.flush(60)",
    }
    # An installed package has its bytecode; a checkout has none where writing it is switched off.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
    wall: dict[str, list[float]] = {name: [] for name in codes}
    processor: dict[str, list[float]] = {name: [] for name in codes}
    for n in range(count + 1):
        for name, code in codes.items():
            command = [sys.executable, "-c", FRESH.format(code=code)]
            said = subprocess.check_output(command, text=True, env=environment).split()
            if n:  # the first makes the bytecode
                wall[name].append(float(said[0]) * 1e3)
                processor[name].append(float(said[1]) * 1e3)
    for title, took in (("by the clock", wall), ("of the processors", processor)):
        print(f" {title}")
        show(took, "import headway", "import msgspec, apsw")


def opening(folder: Path, count: int) -> None:
    print(f"opening the state of a run of {count:,} events that a reporter wrote, in ms (goal: under 50)")
    began = time.perf_counter()
    run = headway.run("bench", run_id="long", target=f"sqlite:///{folder / 'long.db'}").start()
    with run.stage("write", total=count, unit="event") as stage:
        for n in stage.track(range(count)):
            run.emit("x.page-scrolled", {"percent": n % 100})
    run.flush(60)
    print(f"  written and durable in {time.perf_counter() - began:.1f} s, {folder_size(folder):,} bytes")
    show({"while it runs": [open_once(folder) for _ in range(ROUNDS)]})
    for n in range(4_800):  # the reporter stores its state every 5,000 events: nearly as many to fold as can be
        run.emit("x.page-scrolled", {"percent": n % 100})
    run.flush(60)
    show({"with the longest tail": [open_once(folder) for _ in range(ROUNDS)]})
    run.complete()
    show({"when it is complete": [open_once(folder) for _ in range(ROUNDS)]})


def open_once(folder: Path) -> float:
    store = SqliteEventStore(folder / "long.db")
    began = time.perf_counter()
    opened = open_run(store, "long")
    took = (time.perf_counter() - began) * 1e3
    store.close()
    if not opened.state.stages:
        raise SystemExit("the state is not there")
    return took


def folder_size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("long.db*") if file.is_file())


@contextmanager
def a_run(folder: Path) -> Iterator[Run]:
    with headway.run("bench", target=f"sqlite:///{folder / 'bench.db'}") as run:
        run.flush(60)
        yield run


def alternately(cases: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Each case once a round, so that what else the machine does falls on all of them."""
    took: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, case in cases.items():
            took[name].append(case())
    return took


def show(took: dict[str, list[float]], ours: str = "", peer: str = "") -> None:
    for name, values in took.items():
        line = f"  {name:24} {statistics.median(values):8.3f}   ({min(values):.3f} to {max(values):.3f})"
        if name == ours and peer:
            line += f"   {statistics.median(values) / statistics.median(took[peer]):.2f} of '{peer}'"
        print(line)


if __name__ == "__main__":
    main()
