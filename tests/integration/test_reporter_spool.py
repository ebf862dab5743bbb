"""A store that is out of reach for a whole job: nothing is lost, and the next job brings it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from headway.hub.opening import open_run
from headway.protocol.cursor import Cursor
from headway.stores.sqlite import SqliteEventStore

EVENTS = 12_000

JOB = """
import sys, headway
import headway.reporter.run as run_module
run_module.FLUSH_S = 2.0
with headway.run("job", run_id=sys.argv[1], target=sys.argv[2]) as run:
    with run.stage("work", total=int(sys.argv[3])) as stage:
        for n in stage.track(range(int(sys.argv[3]))):
            run.emit("x.n", {"n": n})
    if sys.argv[1] == "second":
        import threading
        run.flush(30)
        for thread in threading.enumerate():
            if thread.name == "headway-leftovers":
                thread.join(60)
"""


def perform(run_id: str, url: str, count: int, state: Path) -> str:
    environment = {**os.environ, "XDG_STATE_HOME": str(state)}
    command = [sys.executable, "-c", JOB, run_id, url, str(count)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def numbers(store: SqliteEventStore, run_id: str) -> list[int]:
    found: list[int] = []
    cursor: Cursor | None = None
    while True:
        page = store.read(run_id, cursor, types=["x.n"])
        found += [msgspec.json.decode(record.body)["data"]["n"] for record in page.records]
        cursor = page.cursor
        if page.complete:
            return found


def test_what_a_job_could_not_store_is_stored_by_the_next(tmp_path: Path) -> None:
    place, state = tmp_path / "place", tmp_path / "state"
    url = f"sqlite:///{place / 'log.db'}"
    place.write_text("a file where the folder should be: the store cannot be opened")
    said = perform("first", url, EVENTS, state)
    assert said.count("wait until they can be stored") == 1
    assert said.count("kept on disk") == 1
    place.unlink()
    assert perform("second", url, 10, state) == ""
    store = SqliteEventStore(place / "log.db")
    assert numbers(store, "first") == list(range(EVENTS))
    opened = open_run(store, "first").state
    assert (opened.status, opened.dropped) == ("completed", {})
    assert [(stage.path, stage.current) for stage in opened.stages] == [("work", EVENTS)]
    assert store.header("second").status == "completed"
    assert not list((state / "headway" / "spool").iterdir())
    store.close()


def test_a_silent_job_gives_a_sign_of_life(tmp_path: Path) -> None:
    code = """
import sys, threading, time, headway
with headway.run("job", run_id="quiet", target=sys.argv[1]) as run, run.stage("work", expect=60):
    end = time.monotonic() + 30
    while not run.state.highlights and time.monotonic() < end:
        threading.Event().wait(0.05)
"""
    url = f"sqlite:///{tmp_path / 'log.db'}"
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    store = SqliteEventStore(tmp_path / "log.db")
    (sign,) = open_run(store, "quiet").state.highlights
    assert sign.stage == "work"
    assert "so far" in sign.text
    store.close()
