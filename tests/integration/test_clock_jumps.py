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
from tests.integration.jobs import cancel, job, numbers, state, status
from tests.unit.reporter.flaky import events_of, types_of

BY_PATCH = """
true_time, offset = time.time, [0.0]
time.time = lambda: true_time() + offset[0]

def set_clock(seconds):
    offset[0] = seconds
"""

BY_FAKETIME = """
def set_clock(seconds):
    with open(os.environ["FAKETIME_TIMESTAMP_FILE"], "w") as file:
        file.write(f"{seconds:+d}")
"""

WORK = """
def work(stage, seconds, jumps):
    global n
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        run.emit("x.n", {"n": n})
        n += 1
        stage.advance()
        threading.Event().wait(0.002)
        if jumps:
            set_clock((0, 3600, -3600)[n % 3])

n = 0
with headway.run("job", run_id="run", target=url) as run:
    with run.stage("work") as stage:
        work(stage, 0.5, jumps=True)
        set_clock(3600)
        work(stage, 0.7, jumps=False)
        set_clock(-3600)  # what was put off until a moment of the hour before would now come in two hours
        work(stage, 1.8, jumps=False)
    began = time.monotonic()
    threading.Timer(0.1, set_clock, [-7200]).start()
    try:
        run.ask("Publish?", timeout=0.3)
    except TimeoutError:
        say("asked", time.monotonic() - began)
    say("flushed", run.flush(10))
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
    with job(setting + WORK, path, lease_s=1.0) as worker:
        if how == "faketime":
            monkeypatch.delenv("LD_PRELOAD")
        asked, flushed, worked = worker.hear(), worker.hear(), worker.hear()
        assert float(asked.split()[1]) < 5.0
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
    assert 2.5 <= done.duration < 60.0
    check_throttle(store, float(done.duration))
    assert spread(store) > 3_000, "it did jump"


def check_throttle(store: SqliteEventStore, duration_s: float) -> None:
    sent = types_of(store).count("stage.progress:work")
    assert 10 <= sent <= 10 * duration_s + 2


def spread(store: SqliteEventStore) -> float:
    moments = [times.to_unix(event.at) for event in events_of(store)]
    return max(moments) - min(moments)
