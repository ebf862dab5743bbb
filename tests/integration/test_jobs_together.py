"""Many who report to one file at once: workers of every shape in one run, and fifty runs of which ten are killed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec
import pytest

from headway.stores.sqlite import SqliteEventStore
from tests.integration import job_shapes
from tests.integration.job_shapes import NUMBERS, SHAPES, WORKERS
from tests.integration.jobs import Later, cancel, job, numbers, state, until
from tests.unit.reporter.flaky import events_of, types_of

SOAK = bool(os.environ.get("HEADWAY_SOAK"))

OPEN_ENDED = ("without-with", "daemon-threads")
"""Shapes that leave their run without an end."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(path)) as opened:
        yield opened


@pytest.mark.parametrize("shape", SHAPES)
def test_every_worker_is_heard_in_order_and_hears_a_cancel(path: Path, store: SqliteEventStore, shape: str) -> None:
    everything = {who: list(range(NUMBERS)) for who in WORKERS}
    with job(str(Path(job_shapes.__file__)), path, shape) as program:
        until(lambda: status_if_there(store) == "running" and numbers(store) == everything, "every number")
        cancel(store)
        heard = [program.hear() for _ in WORKERS]
        assert sorted(heard) == [f"cancelled {who}" for who in WORKERS]
        program.rest()
        assert program.end() == 0
        assert "not reported" not in program.log()
        assert "not stored" not in program.log()
    assert numbers(store) == everything
    log = types_of(store)
    if shape in OPEN_ENDED:
        assert "run.cancelled" not in log
        assert store.sweep().lost == ("run",), "nobody owns it any more"
    else:
        assert (log[-1], log.count("run.cancelled")) == ("run.cancelled", 1)
    stages = state(store).stages
    assert {stage.path for stage in stages} <= set(WORKERS)


def status_if_there(store: SqliteEventStore) -> str:
    found = store.list_runs().headers
    return found[0].status if found else "nowhere"


CANCELS = 100 if SOAK else 10

LISTENS = """
for n in range(int(arguments[0])):
    with headway.run("job", run_id=f"run-{n}", target=url) as run:
        heard = []
        arrived = threading.Event()
        run.on_cancel(lambda: (heard.append(time.monotonic()), arrived.set()))
        run.flush(30)
        say("ready")
        arrived.wait()
        say(heard[0])
"""


def test_a_cancel_from_another_process_always_arrives_within_a_second(path: Path, store: SqliteEventStore) -> None:
    with job(LISTENS, path, str(CANCELS)) as listener:
        for n in range(CANCELS):
            assert listener.hear() == "ready"
            asked = time.monotonic()  # one clock for all processes of a machine
            cancel(store, f"run-{n}")
            assert float(listener.hear()) - asked < 1.0


JOBS, VICTIMS, EVENTS = 50, 10, 100

CROWDED_S = 120.0
"""Fifty wait for one disk, in turn."""

CROWD = """
import random
os.environ["HEADWAY_FLUSH_S"] = "60"  # fifty ends at once wait for one disk
import headway.progress.fold, headway.stores.files, headway.stores.sqlite  # once for all children

def job(n, endless):
    dice = random.Random(n)
    with headway.run("job", run_id=f"run-{n}", target=url) as run, run.stage("work", total=int(arguments[2])) as stage:
        for k in forever() if endless else range(1, int(arguments[2]) + 1):
            run.emit("x.n", {"n": k})
            run.log(f"line {k}")
            stage.advance()
            if dice.random() < 0.1:
                time.sleep(0.005)

count, victims = int(arguments[0]), int(arguments[1])
children = []
for n in range(count):
    child = os.fork()
    if not child:
        job(n, n < victims)
        os._exit(0)
    children.append(child)
    if n < victims:
        say(child)
for child in children[victims:]:
    assert os.waitpid(child, 0)[1] == 0
say("done")
hear()
"""


@pytest.mark.timeout(300)
def test_fifty_jobs_at_once_of_which_ten_are_killed(path: Path) -> None:
    dice = random.Random(7)
    clock = Later()
    with (
        closing(SqliteEventStore(path, clock=clock)) as store,
        job(CROWD, path, str(JOBS), str(VICTIMS), str(EVENTS * (20 if SOAK else 1))) as crowd,
    ):
        for n in range(VICTIMS):
            victim = int(crowd.hear())
            wanted = dice.randrange(1, 60)
            until(partial(has_said, store, f"run-{n}", wanted), "enough to kill it", CROWDED_S)
            os.kill(victim, signal.SIGKILL)
        assert crowd.hear() == "done"
        clock.seconds = 31.0
        store.sweep()
        for n in range(JOBS):
            check(store, f"run-{n}", None if n < VICTIMS else EVENTS * (20 if SOAK else 1))
        assert "Traceback" not in crowd.log()


def has_said(store: SqliteEventStore, run_id: str, count: int) -> bool:
    there = {header.run_id: header for header in store.list_runs(limit=JOBS).headers}
    return run_id in there and there[run_id].cursor.seq >= count


def check(store: SqliteEventStore, run_id: str, count: int | None) -> None:
    """Everything once and in order; of a killed job (no ``count``) whatever it had sent, with nothing missing."""
    log = events_of(store, run_id)
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    (told,) = numbers(store, run_id).values()
    assert told == list(range(1, len(told) + 1))
    lines = [line for event in log if event.type == "log" for line in msgspec.json.decode(event.data)["lines"]]
    assert lines == [f"line {n}" for n in range(1, len(lines) + 1)]
    seen = state(store, run_id)
    if count is None:
        assert seen.status == "lost"
        return
    assert (len(told), len(lines), seen.stages[0].current) == (count, count, count)
    assert seen.status == "completed"
