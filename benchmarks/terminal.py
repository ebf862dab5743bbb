"""The same loop under tqdm, rich and Headway, each shown in a terminal: what showing it costs.

``python -m benchmarks.terminal [--quick]``. Each loop runs in a process of its own, whose standard streams are a
pseudo-terminal that somebody reads. All show a bar, the percent, the time gone and the time left: tqdm and rich as they
do by themselves, ten times a second; Headway from the state of a run that it keeps in a SQLite file, looked at as often
and drawn when it has changed, or a second has passed. The loops take turns, a round each, and the median counts. What
is counted is all that a process does from before the display is opened until after it is closed (and the run durable):
its threads too, but not its imports and its first display, which come before.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple

import headway
from headway.hub.history import Histories
from headway.hub.viewing import Viewer
from headway.progress.remaining import estimator, format_duration
from headway.reporter.run import Run
from headway.targets import open_store

ROUNDS = 7
ROWS, COLUMNS = 24, 100
INTERVAL_S = 0.1  # as tqdm and rich draw
SECOND_S = 1.0  # what the time gone is shown in
BAR = 40
WARM_UP = 1_000


class Cost(NamedTuple):
    """What one loop took: of the processors, by the clock, and how many bytes it drew."""

    processor_s: float
    wall_s: float
    drawn: int


def main() -> None:
    if sys.argv[1:2] == ["loop"]:
        perform(*sys.argv[2:])
        return
    count = 3_000_000 if "--quick" in sys.argv else 30_000_000
    compare(f"a loop over {count:,} items that adds up", count, 0.0)
    compare("a loop over 300 items that waits 10 ms for each", 300, 0.01)


def compare(title: str, count: int, pause_s: float) -> None:
    costs: dict[str, list[Cost]] = {name: [] for name in SHOWN}
    for _ in range(ROUNDS):
        for name in SHOWN:
            costs[name].append(in_terminal(name, count, pause_s))
    print(f"{title}, in seconds (the range of {ROUNDS} rounds)")
    print(f"  {'':12}{'processor':>10}{'':>18}{'of plain':>9}{'wall':>10}{'':>18}{'of plain':>9}{'drawn':>12}")
    for name, measures in costs.items():
        processor = column([cost.processor_s for cost in measures], [cost.processor_s for cost in costs["plain"]])
        wall = column([cost.wall_s for cost in measures], [cost.wall_s for cost in costs["plain"]])
        drawn = statistics.median(cost.drawn for cost in measures)
        print(f"  {name:12}{processor}{wall}{drawn:>10,.0f} B", flush=True)


def column(values: list[float], plain: list[float]) -> str:
    median = statistics.median(values)
    spread = f"({min(values):.3f} to {max(values):.3f})"
    return f"{median:10.3f}{spread:>18}{median / statistics.median(plain):9.2f}"


def in_terminal(name: str, count: int, pause_s: float) -> Cost:
    """One loop in a process whose terminal we read."""
    terminal, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    answer, told = os.pipe()
    drawn: list[int] = []
    reader = threading.Thread(target=lambda: drawn.append(drain(terminal)))
    reader.start()
    command = [sys.executable, "-m", "benchmarks.terminal", "loop", name, str(count), str(pause_s), str(told)]
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    environment["TERM"] = "xterm-256color"
    done = subprocess.run(
        command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, pass_fds=[told], check=False
    )
    os.close(theirs)
    os.close(told)
    reader.join()
    os.close(terminal)
    with os.fdopen(answer) as file:
        said = file.read()
    if done.returncode or (name != "plain" and not drawn[0]):
        raise SystemExit(f"{name} ended with {done.returncode} and drew {drawn[0]} bytes")
    processor_s, wall_s = json.loads(said)
    return Cost(processor_s, wall_s, drawn[0])


def drain(terminal: int) -> int:
    """Read all that is drawn, as a terminal does; how many bytes it was."""
    total = 0
    while True:
        try:
            read = os.read(terminal, 65_536)
        except OSError:  # how Linux says that nobody has the other end any more
            return total
        if not read:
            return total
        total += len(read)


def perform(name: str, count: str, pause_s: str, descriptor: str) -> None:
    """In a terminal: one loop, and what it took to whoever started it."""
    os.write(int(descriptor), json.dumps(measured(name, int(count), float(pause_s))).encode())


def measured(name: str, count: int, pause_s: float) -> tuple[float, float]:
    """The processor's and the clock's seconds for one loop."""
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder:
        os.environ["HEADWAY_URL"] = f"sqlite:///{folder}/bench.db"
        go_through(name, WARM_UP, 0.0)
        processor, wall = time.process_time(), time.perf_counter()
        go_through(name, count, pause_s)
        return time.process_time() - processor, time.perf_counter() - wall


def go_through(name: str, count: int, pause_s: float) -> None:
    with SHOWN[name](range(count)) as items:
        total = 0
        for n in items:
            total += n
            if pause_s:
                time.sleep(pause_s)
    if total != count * (count - 1) // 2:
        raise SystemExit(f"{name} has not handed out all items")


def with_tqdm(items: range) -> AbstractContextManager[Iterable[int]]:
    from tqdm import tqdm

    return nullcontext(tqdm(items))


def with_rich(items: range) -> AbstractContextManager[Iterable[int]]:
    from rich.progress import track

    return nullcontext(track(items))


@contextmanager
def with_headway(items: range) -> Iterator[Iterable[int]]:
    with shown(headway.run("bench")) as run, run, run.stage("loop") as stage:
        yield stage.track(items)


@contextmanager
def shown(run: Run) -> Iterator[Run]:
    """Draw the run's state until the block ends, and then once more."""
    store = open_store()
    if store is None:
        raise SystemExit("there is no store")
    viewer = Viewer(Histories(store, time.monotonic), estimator())
    stopped = threading.Event()

    def draw() -> None:
        drawn, drawn_at = 0, float("-inf")
        while not stopped.wait(INTERVAL_S):
            if run.state.seq != drawn or time.monotonic() >= drawn_at + SECOND_S:
                drawn, drawn_at = run.state.seq, time.monotonic()
                draw_state(run, viewer)

    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    try:
        yield run
    finally:
        stopped.set()
        thread.join()
        draw_state(run, viewer)
        sys.stdout.write("\n")


def draw_state(run: Run, viewer: Viewer) -> None:
    state = run.state
    if not state.stages:
        return
    view, stage = viewer.view(state, time.time()), state.stages[0]
    filled = int(state.progress * BAR)
    left = "" if view.eta is None else f", {format_duration(view.eta.remaining)} left"
    bar, percent = "#" * filled + "-" * (BAR - filled), int(state.progress * 100)
    elapsed = format_duration(view.elapsed or 0.0)
    sys.stdout.write(f"\r[{bar}] {percent:3d} %  {stage.current} of {stage.total}  {elapsed}{left}\x1b[K")
    sys.stdout.flush()


SHOWN: dict[str, Callable[[range], AbstractContextManager[Iterable[int]]]] = {
    "plain": nullcontext,
    "tqdm": with_tqdm,
    "rich": with_rich,
    "headway": with_headway,
}


if __name__ == "__main__":
    main()
