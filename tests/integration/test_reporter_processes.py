"""Real interpreters: how they end, fork, are interrupted and change folders while a run is being reported."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from headway.stores.sqlite import SqliteEventStore
from tests.unit.reporter.flaky import events_of, types_of

PRELUDE = """
import os, signal, sys, threading
import headway
url = sys.argv[1]
"""


def command(code: str, path: Path) -> list[str]:
    return [sys.executable, "-c", PRELUDE + code, f"sqlite:///{path}"]


def perform(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(code, path), capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def opened(path: Path) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(path)) as store:
        yield store


def numbers(store: SqliteEventStore, type_: str = "x.n") -> list[int]:
    return [msgspec.json.decode(event.data)["n"] for event in events_of(store) if event.type == type_]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


REPORTS = """
for n in range(2_000):
    run.emit("x.n", {"n": n})
run.log("the last line")
"""


def test_an_interpreter_that_ends_sends_everything_first(path: Path) -> None:
    done = perform("run = headway.run('k', run_id='run', target=url).start()" + REPORTS, path)
    assert (done.returncode, done.stderr) == (0, "")
    with opened(path) as store:
        assert numbers(store) == list(range(2_000))
        assert types_of(store)[-1] == "log"
        assert store.sweep().lost == ("run",), "nobody owns it any more"


def test_a_helper_without_a_block_sends_everything_first(path: Path) -> None:
    assert perform("headway.run('k', run_id='run', target=url).start().flush(); os._exit(0)", path).returncode == 0
    done = perform("run = headway.attach('run', target=url)" + REPORTS, path)
    assert (done.returncode, done.stderr) == (0, "")
    with opened(path) as store:
        assert numbers(store) == list(range(2_000))
        assert store.helpers("run") == (), "it has left"


@pytest.mark.parametrize("first", ["", "headway.Run", "headway.attach('run', target=url).note('x')"])
def test_so_does_one_in_a_child_of_multiprocessing(path: Path, first: str) -> None:
    """It ends without the interpreter's exit, whether or not its parent has imported, or reported, anything."""
    assert perform("headway.run('k', run_id='run', target=url).start().flush(); os._exit(0)", path).returncode == 0
    child = "def child():\n    run = headway.attach('run', target=url)" + REPORTS.replace("\n", "\n    ")
    start = "multiprocessing.get_context('fork').Process(target=child)"
    code = f"import multiprocessing\n{child}\n{first}\nprocess = {start}\nprocess.start()\nprocess.join()"
    done = perform(code, path)
    assert (done.returncode, done.stderr) == (0, "")
    with opened(path) as store:
        assert numbers(store) == list(range(2_000))


def test_an_uncaught_exception_is_told_before_the_interpreter_ends(path: Path) -> None:
    code = "with headway.run('k', run_id='run', target=url) as run:" + REPORTS.replace("\n", "\n    ") + "1 / 0"
    done = perform(code, path)
    assert done.returncode == 1
    assert done.stderr.count("ZeroDivisionError") == 2, "once in our log, once as Python tells it"
    with opened(path) as store:
        assert types_of(store)[-2:] == ["log", "run.failed"]


def test_an_exit_in_the_block_is_an_end(path: Path) -> None:
    code = "with headway.run('k', run_id='run', target=url) as run:" + REPORTS.replace("\n", "\n    ") + "sys.exit(3)"
    assert perform(code, path).returncode == 3
    with opened(path) as store:
        assert types_of(store)[-1] == "run.failed"


def test_daemon_threads_may_report_until_the_end(path: Path) -> None:
    code = """
run = headway.run('k', run_id='run', target=url).start()
begun = threading.Event()
def work():
    n = 0
    while True:
        run.emit("x.n", {"n": n})
        n += 1
        if n == 100:
            begun.set()
threading.Thread(target=work, daemon=True).start()
begun.wait()
"""
    done = perform(code, path)
    assert done.returncode == 0, done.stderr
    with opened(path) as store:
        told = numbers(store)
        assert len(told) >= 100
        assert told == list(range(len(told)))


def test_an_interrupt_cancels_the_run(path: Path) -> None:
    code = """
with headway.run('k', run_id='run', target=url) as run:
    run.note("begun")
    run.flush(30)
    print("ready", flush=True)
    threading.Event().wait()
"""
    job = subprocess.Popen(command(code, path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert job.stdout is not None
    assert job.stdout.readline() == "ready\n"
    job.send_signal(signal.SIGINT)
    assert job.wait(30) != 0
    job.stdout.close()
    with opened(path) as store:
        assert types_of(store)[-1] == "run.cancelled"


def test_a_second_interrupt_ends_the_waiting_and_loses_nothing(path: Path) -> None:
    code = """
from headway.stores.sqlite import SqliteEventStore
held = threading.Event()
inner = SqliteEventStore.append
def append(self, batch):
    if any(draft.type == "run.completed" for draft in batch.events):
        os.kill(os.getpid(), signal.SIGINT)
        held.wait()
    return inner(self, batch)
SqliteEventStore.append = append
try:
    with headway.run('k', run_id='run', target=url) as run:
        run.note("said")
except KeyboardInterrupt:
    held.set()
    print("interrupted while leaving")
"""
    done = perform(code, path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted while leaving\n", "")
    with opened(path) as store:
        assert types_of(store)[-2:] == ["note", "run.completed"]


def test_a_fork_neither_hangs_nor_sends_twice(path: Path) -> None:
    code = """
with headway.run('k', run_id='run', target=url) as run:
    assert run.flush(30)
    with run.stage("a") as stage:
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                stage.update(message="busy")
                for _ in range(50):
                    run.emit("x.busy", {})
                run.state
                run.flush(30)
        threads = [threading.Thread(target=busy) for _ in range(2)]
        for thread in threads:
            thread.start()
        for n in range(20):
            run.emit("x.n", {"n": n})
            child = os.fork()
            if child == 0:
                stage.advance()
                stage.update(message="in the child")
                run.emit("x.n", {"n": -1})
                run.log("in the child")
                run.flush(1)
                run.state
                run.complete()
                # A child's own run is its own.
                with headway.run('k', run_id=f'child-{n}', target=url) as own:
                    own.emit("x.n", {"n": n})
                os._exit(0)
            _, status = os.waitpid(child, 0)
            assert status == 0, status
        stop.set()
        for thread in threads:
            thread.join()
"""
    done = perform(code, path)
    assert (done.returncode, done.stderr) == (0, "")
    with opened(path) as store:
        # The parent's events once and in order, and each child's own between them.
        assert [n for n in numbers(store) if n >= 0] == list(range(20))
        assert numbers(store).count(-1) == 20
        log = types_of(store)
        assert (log.count("run.completed"), log.count("run.started"), log[-1]) == (1, 1, "run.completed")
        assert all(store.header(f"child-{n}").status == "completed" for n in range(20))


def test_a_fork_waits_for_what_is_being_imported(path: Path, tmp_path: Path) -> None:
    (tmp_path / "slow_module.py").write_text("import __main__\n__main__.inside.set()\n__main__.go.wait()\n")
    code = f"""
sys.path.insert(0, {str(tmp_path)!r})
from headway.reporter.loading import loading
inside, go, forking = threading.Event(), threading.Event(), threading.Event()
os.register_at_fork(before=forking.set)  # called before Headway's own
def load():
    with loading():
        import slow_module
def let_go():
    forking.wait()
    go.set()
for target in (load, let_go):
    threading.Thread(target=target).start()
inside.wait()
child = os.fork()
if child == 0:
    import slow_module
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""
    done = perform(code, path)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_a_child_that_returns_from_the_block_leaves_the_run_to_its_parent(path: Path) -> None:
    code = """
with headway.run('k', run_id='run', target=url) as run:
    run.emit("x.n", {"n": 0})
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert status == 0
        run.emit("x.n", {"n": 1})
print("done")
"""
    done = perform(code, path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\ndone\n", "")
    with opened(path) as store:
        assert numbers(store) == [0, 1]
        assert types_of(store)[-1] == "run.completed"


def test_a_relative_target_stays_where_it_was_when_the_run_was_made(tmp_path: Path) -> None:
    code = """
os.mkdir("elsewhere")
with headway.run('k', run_id='run', target="sqlite:///log.db") as run:
    os.chdir("elsewhere")
    run.emit("x.n", {"n": 0})
"""
    done = subprocess.run(command(code, tmp_path), capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    with opened(tmp_path / "log.db") as store:
        assert numbers(store) == [0]


def test_without_threads_to_be_had_the_job_goes_on(path: Path) -> None:
    code = """
def no_thread(self):
    raise RuntimeError("can't start new thread")
threading.Thread.start = no_thread
with headway.run('k', target=url) as run:
    for n in headway.track(range(3)):
        run.log("x")
print("done")
"""
    done = perform(code, path)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "is not reported" in done.stderr


def test_memory_stays_where_it_is(path: Path) -> None:
    code = """
import resource
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with headway.run('k', run_id='run', target=url) as run:
    with run.stage("a") as stage:
        def work(steps, lines):
            for _ in range(steps):
                stage.advance()
            for n in range(lines):
                run.log("a line of an ordinary length, such as programs write")
                if n % 10_000 == 0:
                    run.flush(60)
            run.flush(60)
        work(100_000, 50_000)
        before = peak()
        work(1_000_000, 200_000)
        print(peak() - before)
"""
    done = perform(code, path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 8_000, "KiB"
