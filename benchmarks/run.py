"""What ``headway run`` costs a command, beside the command alone.

``python -m benchmarks.run [--quick]``. Each figure stands beside its peer's, the two measured in turn; the median of
several rounds counts, and the spread is printed.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from headway.ports import Batch, RunFilter
from headway.protocol import events, times
from headway.stores.sqlite import SqliteEventStore

HEADWAY = (sys.executable, "-m", "headway", "run")
LINES = 1_000_000
LINE = "a line of some length, as programs print them"

OBEYS = "import os, time; open('ready', 'w').write('x'); time.sleep(1000)"
REFUSES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + OBEYS
GRACE_S = 0.5


def main() -> None:
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as name:
        folder = Path(name)
        starting(folder, 5 if quick else 15)
        printing(folder, 3 if quick else 7)
        latency(folder, 200 if quick else 1_000)
        cancelling(folder, 5 if quick else 15)


def starting(folder: Path, rounds: int) -> None:
    print("starting and ending a command that does nothing, in seconds (goal: less than 0.35 more than alone)")
    took = alternately(
        rounds,
        {
            "true": lambda: ran(folder, ["true"]),
            "headway run -- true": lambda: ran(folder, [*HEADWAY, "--", "true"]),
            "headway run --tty -- true": lambda: ran(folder, [*HEADWAY, "--tty", "--", "true"]),
        },
    )
    alone = statistics.median(took["true"])
    for name, seconds in took.items():
        print(f"  {name:28} {spread(seconds)}   {statistics.median(seconds) - alone:+.3f}")


def printing(folder: Path, rounds: int) -> None:
    print(f"{LINES:,} lines into a file, in seconds (goal: at most 1.3 × cat + 3)")
    source = folder / "lines"
    source.write_text(f"{LINE}\n" * LINES)
    limit = ["--log-limit", "100MB"]
    took = alternately(
        rounds,
        {
            "cat": lambda: ran(folder, ["cat", str(source)]),
            "headway run -- cat": lambda: ran(folder, [*HEADWAY, *limit, "--", "cat", str(source)]),
            "headway run --tty -- cat": lambda: ran(folder, [*HEADWAY, *limit, "--tty", "--", "cat", str(source)]),
        },
    )
    goal = 1.3 * statistics.median(took["cat"]) + 3
    for name, seconds in took.items():
        rate = LINES / statistics.median(seconds)
        print(f"  {name:28} {spread(seconds)}   {rate:12,.0f} lines/s")
    print(f"  {'the goal':28} {goal:7.3f}")
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"  the most memory of any of these processes: {most:.0f} MB")


PINGS = """
import os, sys, time
took = []
for _ in range(int(sys.argv[1])):
    began = time.perf_counter()
    os.write(1, b"ping\\n")
    os.read(0, 100)
    took.append(time.perf_counter() - began)
    time.sleep(0.002)
took.sort()
open("took", "w").write(f"{took[len(took) // 2]} {took[len(took) * 99 // 100]}")
"""


def latency(folder: Path, count: int) -> None:
    print("from a program's write to whoever reads it, and back, in ms: the median, and the 99th percentile")
    for name, command in (("alone", []), ("headway run", [*HEADWAY, "--"])):
        median, late = pinged(folder, [*command, sys.executable, "-c", PINGS, str(count)])
        print(f"  {name:28} {median * 1000:7.3f} {late * 1000:7.3f}")


def pinged(folder: Path, command: Sequence[str]) -> tuple[float, float]:
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, env=environment(folder)
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        while os.read(process.stdout.fileno(), 100):
            try:
                os.write(process.stdin.fileno(), b"pong\n")
            except BrokenPipeError:
                break
    median, late = (folder / "took").read_text().split()
    return float(median), float(late)


def cancelling(folder: Path, rounds: int) -> None:
    print("from a cancel in the log to the end of the whole group, in seconds (goals: 0.2, and 0.2 after the grace)")
    for name, program, grace in (("one that obeys", OBEYS, 0.0), ("one that does not", REFUSES, GRACE_S)):
        took = [cancelled(folder, program) for _ in range(rounds)]
        print(f"  {name:28} {spread(took)}   after the grace of {grace} s: {statistics.median(took) - grace:.3f}")


def cancelled(folder: Path, program: str) -> float:
    ready = folder / "ready"
    ready.unlink(missing_ok=True)
    process = subprocess.Popen(
        [*HEADWAY, "--grace", str(GRACE_S), "--", "sh", "-c", f'{sys.executable} -c "{program}" & wait; wait'],
        cwd=folder,
        env=environment(folder),
        stderr=subprocess.DEVNULL,
    )
    store = SqliteEventStore(folder / "jobs.db")
    wait(lambda: ready.exists() and bool(ready.read_text()))
    wait(lambda: bool(store.list_runs(RunFilter(status="running"), limit=1).headers))
    run_id = store.list_runs(RunFilter(status="running"), limit=1).headers[0].run_id
    members = started_by(process.pid)
    draft = events.draft(events.RunCancelRequested(by="benchmark"), at=times.to_text(time.time()))
    began = time.perf_counter()
    batch = Batch(run_id=run_id, reporter=f"b{time.time_ns()}", first=1, events=(draft,))
    store.append(batch)
    wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in members))
    took = time.perf_counter() - began
    process.wait()
    store.close()
    return took


def started_by(pid: int) -> list[int]:
    """The program and what it has started; not its supervisor, whom only ``headway`` waits for."""
    from headway.runners.supervisor import descendants

    found = descendants(pid)
    return [each for each, seen in found.items() if seen[0] != pid]


def wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "HEADWAY_URL": f"sqlite:///{folder}/jobs.db", "XDG_STATE_HOME": str(folder)}


def ran(folder: Path, command: Sequence[str]) -> float:
    with (folder / "out").open("wb") as out:
        began = time.perf_counter()
        subprocess.run(command, stdout=out, check=True, cwd=folder, env=environment(folder))
        return time.perf_counter() - began


def alternately(rounds: int, ways: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            took[name].append(way())
    return took


def spread(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):7.3f} ({min(seconds):.3f}–{max(seconds):.3f})"


if __name__ == "__main__":
    main()
