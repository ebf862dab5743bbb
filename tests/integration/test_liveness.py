"""Leases between real processes: who was killed, stopped, starved or taken over, and what becomes of their runs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import headway
from headway.ports import SweepRules
from headway.reporter import sinks
from headway.stores.sqlite import SqliteEventStore
from tests.integration.jobs import Later, cancel, job, lease_until, numbers, state, status, until
from tests.unit.reporter.flaky import types_of

SOAK = bool(os.environ.get("HEADWAY_SOAK"))

STOPPED_S = 60.0 if SOAK else 0.0
"""How long a stopped job stays so after its run was taken over."""

BUSY = """
with headway.run("job", run_id="run", target=url) as run, run.stage("work") as stage:
    run.emit("x.n", {"n": 0})
    run.flush(30)
    say("ready")
    hear()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(path)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A job in this process looks for silent owners five times a second, and keeps nothing in the user's folders."""
    monkeypatch.setattr(sinks, "SWEEP_S", 0.2)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_a_killed_job_is_lost_after_its_lease_and_failed_after_five_minutes(path: Path) -> None:
    clock = Later()
    with closing(SqliteEventStore(path, clock=clock)) as store:
        with job(BUSY, path) as victim:
            assert victim.hear() == "ready"
            victim.kill()
        clock.seconds = 15.0
        assert store.sweep().lost == ()
        clock.seconds = 31.0
        assert store.sweep().lost == ("run",)
        assert status(store) == "lost"
        clock.seconds = 300.0
        assert store.sweep().failed == ()
        clock.seconds = 340.0
        assert store.sweep().failed == ("run",)
        ended = state(store)
        assert ended.status == "failed"
        assert ended.error is not None
        assert ended.error.code == "lost"
        assert types_of(store)[-2:] == ["run.lost", "run.failed"]


def test_another_job_finds_the_killed_one_without_any_server(path: Path, store: SqliteEventStore) -> None:
    with job(BUSY, path, lease_s=1.0) as victim, headway.run("job", run_id="other", target=f"sqlite:///{path}"):
        assert victim.hear() == "ready"
        victim.kill()
        until(lambda: status(store) == "lost")
        assert status(store, "other") == "running"
        assert store.sweep(SweepRules(lost_to_failed_s=0.0)).failed == ("run",)
    assert (status(store), status(store, "other")) == ("failed", "completed")


def outlive_the_lease(path: Path, store: SqliteEventStore, lease_s: float = 1.0) -> None:
    """Look at the store, as often as can be, until a lease would have run out unless it was renewed."""
    first = lease_until(path)
    until(lambda: store.sweep().lost or lease_until(path) > first + 1.2 * lease_s)
    assert status(store) == "running"


def test_a_job_that_lives_keeps_its_lease(path: Path, store: SqliteEventStore) -> None:
    with job(BUSY, path, lease_s=1.0) as silent:
        assert silent.hear() == "ready"
        outlive_the_lease(path, store)
        silent.tell()
        assert silent.end() == 0
    assert "run.lost" not in types_of(store)


def test_a_helper_that_dies_fails_its_own_stages_only(path: Path, store: SqliteEventStore) -> None:
    code = """
with headway.attach("run", target=url) as run, run.stage("helper") as outer, run.stage("helper/inner"):
    with run.stage("done"):
        pass
    run.flush(30)
    say("ready")
    hear()
"""
    with headway.run("job", run_id="run", target=f"sqlite:///{path}") as run, run.stage("own"):
        assert run.flush(30)
        with job(code, path, lease_s=1.0) as helper:
            assert helper.hear() == "ready"
            helper.kill()
        until(lambda: "stage.failed:helper" in types_of(store))
        stages = {stage.path: stage for stage in state(store).stages}
        assert {path: stage.status for path, stage in stages.items()} == {
            "own": "running",
            "helper": "failed",
            "helper/inner": "failed",
            "done": "completed",
        }
        errors = [stages[path].error for path in ("helper", "helper/inner")]
        assert [error and error.code for error in errors] == ["reporter-lost", "reporter-lost"]
        assert not run.cancelled
    assert status(store) == "completed"


STOPPED = """
try:
    with headway.run("job", run_id="run", target=url) as run, run.stage("work") as stage:
        n = 0
        for _ in stage.track(forever()):
            if n < 20:
                run.emit("x.n", {"who": "first", "n": n})
                n += 1
                if n == 20:
                    run.flush(30)
                    say("ready")
            elif arguments:
                run.emit("x.n", {"who": "first", "n": n})
                n += 1
except headway.Cancelled as error:
    say(error)
"""


@pytest.mark.parametrize("talks", [(), ("talks",)], ids=["silent", "talking"])
def test_a_job_that_wakes_when_another_owns_its_run_is_told_so_once(
    path: Path, store: SqliteEventStore, talks: tuple[str, ...]
) -> None:
    with job(STOPPED, path, *talks, lease_s=1.0) as first:
        assert first.hear() == "ready"
        first.freeze(path)
        until(lambda: store.sweep().lost == ("run",))
        before = numbers(store)["first"]
        with headway.run("job", run_id="run", target=f"sqlite:///{path}") as second:
            second.emit("x.n", {"who": "second", "n": 0})
            assert second.flush(30)
            time.sleep(STOPPED_S)  # the first sleeps; nothing is waited for but its minute
            first.thaw()
            assert "another owner has taken it over" in first.hear()
            assert first.end() == 0
            second.emit("x.n", {"who": "second", "n": 1})
        assert first.log().count("taken over") == 1
    done = state(store)
    assert (done.attempt, done.status) == (2, "completed")
    assert numbers(store) == {"first": before, "second": [0, 1]}
    log = types_of(store)
    assert log[log.index("run.lost") :][:3] == ["run.lost", "run.recovered", "run.started"]


def test_a_job_that_wakes_and_finds_its_run_lost_goes_on_with_it(path: Path, store: SqliteEventStore) -> None:
    with job(STOPPED, path, "talks", lease_s=1.0) as sleeper:
        assert sleeper.hear() == "ready"
        sleeper.freeze(path)
        until(lambda: store.sweep().lost == ("run",))
        before = len(numbers(store)["first"])
        sleeper.thaw()
        until(lambda: status(store) == "running" and len(numbers(store)["first"]) > before)
        cancel(store)
        assert "is cancelled" in sleeper.hear()
        assert sleeper.end() == 0
        assert sleeper.log() == ""
    told = numbers(store)["first"]
    assert told == list(range(len(told)))
    done = state(store)
    assert (done.attempt, done.status) == (1, "cancelled")
    assert types_of(store).count("run.recovered") == 1


IN_C = {
    "one-call-that-waits": "os.read(0, 1)",
    "one-call-that-works": "hashlib.pbkdf2_hmac('sha256', b'x', b'y', 2**31 - 1)",  # an hour, if nobody kills it
    "many-calls": "while not select.select([0], [], [], 0)[0]: hashlib.sha256(buffer)",
}


@pytest.mark.parametrize("work", IN_C)
def test_a_job_that_is_in_a_c_call_keeps_its_lease_and_hears_a_cancel(
    path: Path, store: SqliteEventStore, work: str
) -> None:
    code = f"""
import hashlib, select
buffer = bytes(64 * 1024 * 1024)
with headway.run("job", run_id="run", target=url) as run:
    run.on_cancel(lambda: say("heard"))
    run.flush(30)
    say("ready")
    {IN_C[work]}
    say("back")
"""
    with job(code, path, lease_s=3.0) as blocked:
        assert blocked.hear() == "ready"
        outlive_the_lease(path, store, 3.0)
        cancel(store)
        assert blocked.hear() == "heard", "while it is in C: nobody has told it to come back"
        if work == "one-call-that-works":
            blocked.kill()
        else:
            blocked.tell()
            assert blocked.hear() == "back"
            assert blocked.end() == 0
            assert status(store) == "completed"
    assert "run.lost" not in types_of(store)


def test_a_worker_that_is_interrupted_while_it_reports_leaves_a_cancelled_run(
    path: Path, store: SqliteEventStore
) -> None:
    code = """
with headway.run("job", run_id="run", target=url) as run, run.stage("work") as stage:
    for n in stage.track(forever()):
        run.emit("x.n", {"n": n})
        if n == 100:
            say("ready")
"""
    with job(code, path) as worker:
        assert worker.hear() == "ready"
        worker.signal(signal.SIGINT)
        assert worker.end() != 0
    (told,) = numbers(store).values()
    assert told == list(range(1, len(told) + 1))
    assert len(told) >= 100
    assert state(store).status == "cancelled"
