"""A wall clock that jumps an hour, both ways, all the time: nothing but what is displayed depends on it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from headway.ports import SystemClock
from headway.protocol import times
from headway.stores.sqlite import SqliteEventStore
from tests.integration.jobs import cancel, job, lease_until, numbers, state, status, until
from tests.unit.reporter.flaky import events_of, types_of

AN_HOUR_S = 3_000.0
"""What nothing here takes, and a clock that jumps an hour makes of anything."""

LEASE_S = 6.0
"""Renewed every two seconds; a starved machine lets no job wait for six."""

BY_PATCH = """
true_time, offset = time.time, [0.0]
time.time = lambda: true_time() + offset[0]

def set_clock(seconds):
    offset[0] = seconds
"""

BY_FAKETIME = """
def set_clock(seconds):
    setting = os.environ["FAKETIME_TIMESTAMP_FILE"]
    with open(setting + ".new", "w") as file:
        file.write(f"{seconds:+d}")
    os.replace(setting + ".new", setting)
"""

WORK = """
import select

def work(stage, offsets):
    global n
    while not select.select([sys.stdin], [], [], 0.002)[0]:
        set_clock(offsets[n % len(offsets)])
        run.emit("x.n", {"n": n})
        n += 1
        stage.advance()
    hear()

n = 0
with headway.run("job", run_id="run", target=url) as run:
    run.flush(60)
    with run.stage("work") as stage:
        for offsets in (0, 3600, -3600), (3600,), (-3600,):
            say("works")
            work(stage, offsets)
    began = time.monotonic()
    threading.Timer(0.1, set_clock, [-7200]).start()
    try:
        run.ask("Publish?", timeout=0.3)
    except TimeoutError:
        say("asked", time.monotonic() - began)
    say("flushed", run.flush(60))
    run.on_cancel(lambda: say("heard"))
    say("worked", n)
    hear()
"""


class Jumping(SystemClock):
    """A reader's clock that is an hour ahead or behind, in turn."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = itertools.cycle((3_600.0, -3_600.0))

    def wall(self) -> float:
        return super().wall() + next(self._ahead)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(path, clock=Jumping())) as opened:
        yield opened


def faked(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the job's process, and nobody's before it, have a clock that a file sets."""
    libraries = list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if shutil.which("faketime") is None or not libraries:
        pytest.skip("needs faketime: apt install faketime")
    setting = path.with_name("clock")
    setting.write_text("+0")
    monkeypatch.setenv("LD_PRELOAD", str(libraries[0]))
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(setting))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    return BY_FAKETIME


@pytest.mark.parametrize("how", ["patched", "faketime"])
def test_no_order_no_time_out_no_lease_and_no_throttle_depends_on_it(
    path: Path, store: SqliteEventStore, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = BY_PATCH if how == "patched" else faked(path, monkeypatch)
    with job(setting + WORK, path, lease_s=LEASE_S) as worker:
        if how == "faketime":
            monkeypatch.delenv("LD_PRELOAD")
        for _ in range(3):
            assert worker.hear() == "works"
            goes_on(path, store)
            worker.tell()
        asked, flushed, worked = worker.hear(), worker.hear(), worker.hear()
        assert float(asked.split()[1]) < AN_HOUR_S
        assert flushed == "flushed True"
        count = int(worked.split()[1])
        assert store.sweep().lost == ()
        assert status(store) == "running"
        cancel(store)
        assert worker.hear() == "heard"
        worker.tell()
        assert worker.end() == 0
    assert numbers(store) == {"": list(range(count))}
    assert "run.lost" not in types_of(store)
    done = state(store)
    assert done.stages[0].current == count
    assert done.duration is not None
    assert 0.0 < done.duration < AN_HOUR_S
    assert sent(store) <= 10 * done.duration + 2
    assert spread(store) > AN_HOUR_S, "it did jump"


def goes_on(path: Path, store: SqliteEventStore) -> None:
    """Progress comes and the lease is renewed: neither is put off until a moment of an hour that is over."""
    before, lease = sent(store), lease_until(path)
    until(lambda: sent(store) >= before + 5, "progress")
    until(lambda: lease_until(path) > lease, "a renewal")


def sent(store: SqliteEventStore) -> int:
    return len(store.read("run", types=["stage.progress"], limit=10_000).records)


def spread(store: SqliteEventStore) -> float:
    moments = [times.to_unix(event.at) for event in events_of(store)]
    return max(moments) - min(moments)
