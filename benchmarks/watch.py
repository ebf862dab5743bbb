"""``headway watch`` on a run with 1,000 events a second: its share of a core, its pictures a second, its start.

``python -m benchmarks.watch [--quick]``. A real job in a process of its own reports to a SQLite file; the watcher has a
pseudo-terminal of 120 by 40 that somebody reads. What is counted is the processor time of the watcher's process between
two moments after its start, and the pictures (synchronized updates) that it draws between them. The start is from the
process's creation to the first picture, of a run that is there already; beside it that of ``python -c pass``.
"""

from __future__ import annotations

import fcntl
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headway.cli.screen.terminal import END

ROWS, COLUMNS = 40, 120
EVENTS_PER_S = 1_000
TURN_S = 0.01
STARTS = 7
WARM_UP_S = 3.0

JOB = f"""
import itertools, sys, time
import headway

plan = {{"scout": 20, "vision": {{f"pass-{{n}}": 10 for n in range(1, 6)}}, "graph": 10, "judge": 15}}
with headway.run("audit", run_id="run", title="https://shop.example/", plan=plan, target=sys.argv[1]) as run:
    with run.stage("scout"):
        pass
    with run.stage("vision/pass-1", total=100_000, unit="page") as stage:
        began = time.monotonic()
        for turn in itertools.count(1):
            for n in range({round(EVENTS_PER_S * TURN_S)}):
                kind = (turn + n) % 10
                if kind == 0:
                    run.highlight(f"{{turn}} pages seen")
                elif kind == 1:
                    run.finding(f"finding {{turn}}", severity=("low", "medium", "high")[turn % 3], confidence=0.5)
                else:
                    run.emit("x.request", {{"url": f"https://shop.example/{{turn}}", "status": 200, "bytes": turn}})
            stage.advance()
            run.log(f"GET https://shop.example/{{turn}} 200")
            time.sleep(max(0.0, began + turn * {TURN_S} - time.monotonic()))
"""


def main() -> None:
    seconds = 5.0 if "--quick" in sys.argv else 30.0
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        with job(url):
            watch(url, seconds)
            starts(url)


@contextmanager
def job(url: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", JOB, url])
    try:
        time.sleep(WARM_UP_S)
        yield
    finally:
        process.kill()
        process.wait()


class Watcher:
    """``headway watch`` in a terminal."""

    def __init__(self, url: str) -> None:
        self.terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.drawn: list[float] = []
        self.bytes = 0
        self.began = time.monotonic()
        command = [sys.executable, "-m", "headway", "watch", "run", "--url", url]
        environment = os.environ | {"TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        mark, rest = END.encode(), b""
        while True:
            try:
                data = os.read(self.terminal, 65_536)
            except OSError:
                return
            self.bytes += len(data)
            rest += data
            self.drawn += [time.monotonic()] * rest.count(mark)
            rest = rest[rest.rfind(mark) + len(mark) :] if mark in rest else rest[-len(mark) :]

    def until_drawn(self) -> float:
        while not self.drawn and self.process.poll() is None:
            time.sleep(0.001)
        return self.drawn[0] - self.began

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self._reader.join()
        os.close(self.terminal)


def watch(url: str, seconds: float) -> None:
    watcher = Watcher(url)
    try:
        watcher.until_drawn()
        time.sleep(1.0)
        before, memory = used_s(watcher.process.pid), resident(watcher.process.pid)
        drawn, written, began = len(watcher.drawn), watcher.bytes, time.monotonic()
        seq = newest(url)
        time.sleep(seconds)
        used, took = used_s(watcher.process.pid) - before, time.monotonic() - began
        grown = resident(watcher.process.pid) - memory
        print(f"events                {(newest(url) - seq) / took:8,.0f} a second")
        print(f"processor             {used / took:8.1%} of a core (wanted: below 15 %)")
        print(f"pictures              {(len(watcher.drawn) - drawn) / took:8.1f} a second (wanted: 10)")
        print(f"written               {(watcher.bytes - written) / took / 1000:8.1f} kB a second")
        print(f"memory                {memory / 1e6:8.1f} MB, and {grown / 1e6:+.1f} MB after {took:.0f} s")
    finally:
        watcher.close()


def used_s(pid: int) -> float:
    """The processor time of a process's threads, to the nanosecond: ticks would miss what is short and often."""
    return sum(int(file.read_text().split()[0]) for file in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def resident(pid: int) -> int:
    """A process's memory in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def newest(url: str) -> int:
    from headway.targets import open_store

    store = open_store(url)
    assert store is not None
    return store.header("run").cursor.seq


def starts(url: str) -> None:
    first = [started(url) for _ in range(STARTS)]
    bare = [bare_start() for _ in range(STARTS)]
    fastest, slowest = min(first) * 1000, max(first) * 1000
    print(f"start to picture      {statistics.median(first) * 1000:8.0f} ms ({fastest:.0f} to {slowest:.0f})")
    print(f"python -c pass        {statistics.median(bare) * 1000:8.0f} ms")


def started(url: str) -> float:
    watcher = Watcher(url)
    try:
        return watcher.until_drawn()
    finally:
        watcher.close()


def bare_start() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
