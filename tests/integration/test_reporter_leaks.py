"""What is left in a process after many runs: no threads, no files, no memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.jobs import job

SOAK = bool(os.environ.get("HEADWAY_SOAK"))

RUNS = 2_000 if SOAK else 400
READERS = 5

CODE = """
import gc
import apsw
import headway

def files():
    return len(os.listdir("/proc/self/fd"))

def memory():
    gc.collect()
    with open("/proc/self/status") as status:
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return resident - apsw.memory_used() // 1024  # SQLite's caches grow with the file, up to their own bound

def left():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("headway-")
            and thread.name != "headway-checkpoint"]

def settle():
    until = time.monotonic() + 2.0
    while left() and time.monotonic() < until:
        threading.Event().wait(0.01)
    return left()

def perform(n):
    with headway.run("job", run_id=f"run-{n}", target=url, plan={"a": 1}) as run, run.stage("a", total=5) as stage:
        for k in stage.track(range(5)):
            run.log(f"line {k}")
        run.finding("seen", severity="low")
        run.on_cancel(lambda: None)
        if n % 10 == 0:
            stage.screenshot(PICTURE)
            with headway.attach(run.id, target=url) as helper:
                helper.note("helped")

import io
from PIL import Image
out = io.BytesIO()
Image.new("RGB", (300, 200)).save(out, "PNG")
PICTURE = out.getvalue()

runs = int(arguments[0])
for n in range(100):
    perform(n)
say("threads", *settle())
before = files(), memory()
for n in range(100, 100 + runs):
    perform(n)
say("threads", *settle())
after = files(), memory()
say("files", after[0] - before[0])
say("memory", after[1] - before[1])
"""


@pytest.mark.timeout(600)
def test_many_runs_in_one_process_leave_nothing_behind(tmp_path: Path) -> None:
    with job(CODE, tmp_path / "log.db", str(RUNS)) as program:
        assert program.hear() == "threads"
        assert program.hear() == "threads"
        # A store keeps a connection, of two files, for as many threads as ever read at one moment: a run has a few.
        assert int(program.hear().split()[1]) <= 2 * READERS < RUNS, "files"
        assert int(program.hear().split()[1]) < 3_000, "KiB"
        assert program.end() == 0
