"""Forked children of a run: what they report is there once, a cancel reaches them, nothing of their parent's ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from headway.hub.opening import open_run
from headway.progress.state import State
from headway.stores.sqlite import SqliteEventStore
from tests.unit.reporter.flaky import types_of

PRELUDE = """
import os, signal, sys, threading
import headway
from headway.ports import Batch
from headway.protocol import events
from headway.stores.sqlite import SqliteEventStore
url = sys.argv[1]
path = url.removeprefix("sqlite:///")
def cancel():
    from contextlib import closing
    with closing(SqliteEventStore(path)) as store:
        asked = events.draft(events.RunCancelRequested(reason="enough"), at="2026-11-20T19:41:03.120Z")
        store.append(Batch(run_id="run", reporter="watcher", first=1, events=(asked,)))
def fork(work):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child
def wait(child):
    status = os.waitpid(child, 0)[1]
    assert status == 0, status
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def perform(code: str, path: Path) -> str:
    command = [sys.executable, "-c", PRELUDE + code, f"sqlite:///{path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture
def store(path: Path) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(path)) as opened:
        yield opened


def state(store: SqliteEventStore) -> State:
    return open_run(store, "run").state


@pytest.mark.parametrize(
    "wish",
    [
        "run.check()",
        "assert not run.cancelled or stop()",
        "stage.check_nothing = [n for n in stage.track([0])] and run.check()",
    ],
)
def test_a_child_that_only_looks_whether_to_stop_hears_a_cancel(path: Path, store: SqliteEventStore, wish: str) -> None:
    code = f"""
def stop():
    raise headway.Cancelled("so it is")
with headway.run('k', run_id='run', target=url) as run:
    assert run.flush(30)
    stage = run.stage("parent's").start()
    looking = os.pipe()
    def work():
        try:
            while True:
                {wish}
                os.write(looking[1], b"x")
                threading.Event().wait(0.005)
        except headway.Cancelled:
            run._channel.close(10)
    child = fork(work)
    os.read(looking[0], 1)
    cancel()
    wait(child)
print("done")
"""
    assert perform(code, path) == "done\n"
    assert state(store).cancel_requested


def test_a_childs_stage_is_seen_while_it_is_at_it(path: Path, store: SqliteEventStore) -> None:
    code = """
with headway.run('k', run_id='run', target=url) as run:
    assert run.flush(30)
    go_on = os.pipe()
    def work():
        with run.stage("child's"):
            os.read(go_on[0], 1)
        run._channel.close(10)
    child = fork(work)
    while not any(stage.path == "child's" for stage in headway.attach("run", target=url).state.stages):
        threading.Event().wait(0.01)
    os.write(go_on[1], b"x")
    wait(child)
"""
    perform(code, path)
    assert [(stage.path, stage.status) for stage in state(store).stages] == [("child's", "completed")]


def test_a_child_that_leaves_by_its_parents_blocks_ends_none_of_their_stages(
    path: Path, store: SqliteEventStore
) -> None:
    code = """
try:
    with headway.run('k', run_id='run', target=url) as run, run.stage("outer"), run.stage("inner", total=3) as stage:
        stage.advance()
        assert run.flush(30)
        child = os.fork()
        if child == 0:
            sys.exit(7)
        assert os.waitpid(child, 0)[1] == 7 << 8
        stage.advance(2)
        run.note("the parent goes on")
        assert run.flush(30)
        assert {each.status for each in run.state.stages} == {"running"}
except SystemExit:
    os._exit(7)  # the child: its interpreter would say goodbye to this test's pipes
"""
    perform(code, path)
    done = state(store)
    assert done.status == "completed"
    assert [(stage.path, stage.status, stage.current) for stage in done.stages] == [
        ("outer", "completed", None),
        ("inner", "completed", 3),
    ]


def test_children_of_a_helper_report_too(path: Path, store: SqliteEventStore) -> None:
    code = """
with headway.run('k', run_id='run', target=url) as owner:
    assert owner.flush(30)
    with headway.attach('run', target=url) as run:
        run.note("from the helper")
        assert run.flush(30)
        def work():
            run.note("from its child")
            assert run.flush(30)
            run._channel.close(10)
        wait(fork(work))
"""
    perform(code, path)
    assert [note.text for note in state(store).notes] == ["from the helper", "from its child"]


@pytest.mark.parametrize(("last", "status"), [("break", "completed"), ("raise ValueError('x')", "failed")])
def test_a_child_whose_last_act_leaves_a_loop_ends_its_stage(
    path: Path, store: SqliteEventStore, last: str, status: str
) -> None:
    code = f"""
import multiprocessing
def work():
    sys.stderr = open(os.devnull, "w")
    for n in headway.track(range(10), "R"):
        if n == 3:
            {last}
with headway.run('k', run_id='run', target=url) as run:
    assert run.flush(30)
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join()
    assert [stage.status for stage in headway.attach("run", target=url).state.stages] == [{status!r}]
"""
    perform(code, path)
    assert [(stage.path, stage.status, stage.current) for stage in state(store).stages] == [("R", status, 3)]


@pytest.mark.parametrize(("last", "status"), [("break", "completed"), ("raise ValueError('x')", "failed")])
def test_a_helper_whose_last_act_leaves_a_loop_ends_its_stage(
    path: Path, store: SqliteEventStore, last: str, status: str
) -> None:
    work = f"""
helper = headway.attach("run", target=url).attach()
def items():
    with helper.stage("R") as stage:
        yield from stage.track(range(10))
for n in items():
    if n == 3:
        {last}
"""
    code = f"""
import subprocess
with headway.run('k', run_id='run', target=url) as run:
    assert run.flush(30)
    subprocess.run([sys.executable, "-c", {PRELUDE + work!r}, url], stderr=subprocess.DEVNULL)
    assert [stage.status for stage in headway.attach("run", target=url).state.stages] == [{status!r}]
"""
    perform(code, path)
    assert [(stage.path, stage.status, stage.current) for stage in state(store).stages] == [("R", status, 3)]


def test_threads_of_a_child_that_report_first_at_once_lose_nothing(path: Path, store: SqliteEventStore) -> None:
    code = """
with headway.run('k', run_id='run', target=url) as run:
    assert run.flush(30)
    def work():
        sys.setswitchinterval(1e-6)
        together = threading.Barrier(8)
        def report(name):
            together.wait()
            for n in range(50):
                run.emit("x.n", {"n": f"{name}-{n}"})
        threads = [threading.Thread(target=report, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert run._channel.close(30) == 0
    for _ in range(5):
        wait(fork(work))
"""
    perform(code, path)
    assert types_of(store).count("x.n") == 5 * 8 * 50


def test_a_child_that_was_forked_in_a_shield_is_shielded(path: Path, store: SqliteEventStore) -> None:
    code = """
def work():
    cancel()
    run.note("joins")
    while not run.cancelled:
        threading.Event().wait(0.005)
    run.check()  # still inside of the shield
    run.note("whole")
    run._channel.close(10)
try:
    with headway.run('k', run_id='run', target=url) as run:
        assert run.flush(30)
        with run.shielded():
            wait(fork(work))
            while not run.cancelled:
                threading.Event().wait(0.005)
except headway.Cancelled:
    print("then")
"""
    assert perform(code, path) == "then\n"
    done = state(store)
    assert [note.text for note in done.notes] == ["joins", "whole"]
    assert done.status == "cancelled"


def test_a_child_that_exits_at_once_loses_nothing_if_it_entered_the_run(path: Path, store: SqliteEventStore) -> None:
    code = """
def work():
    with run, run.stage("in the child"):
        run.note("by the child")
with headway.run("k", run_id="run", target=url) as run:
    wait(fork(work))
"""
    perform(code, path)
    done = state(store)
    assert [note.text for note in done.notes] == ["by the child"]
    assert [(stage.path, stage.status) for stage in done.stages] == [("in the child", "completed")]


def test_a_fork_right_at_the_start_waits_for_what_the_reporters_threads_import(
    path: Path, store: SqliteEventStore
) -> None:
    """Also when Headway's gate was there before ``logging``, whose own lock is taken before a fork, too."""
    code = """
from headway.ports import forking
with headway.run("k", run_id="run", target=url) as run:
    wait(fork(lambda: forking.is_whole() or sys.exit(1)))
"""
    done = subprocess.run(
        [sys.executable, "-c", "import headway.ports.forking\n" + PRELUDE + code, f"sqlite:///{path}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("where", "act"),
    [
        ("timing.py", 'with run._timing.waiting(): run.stage("a").start().complete()'),
        ("http/endpoint.py", "assert endpoint.context"),
        ("bridges/", "headway.capture_tqdm(run).close()"),
    ],
)
def test_a_child_that_is_forked_at_any_line_of_another_thread_may_do_the_same(path: Path, where: str, act: str) -> None:
    """Lines at which forks wait are left out: there is no child then."""
    code = f"""
import tqdm
import headway.reporter
import headway.reporter.bridges.tqdm_bars
from headway.ports import forking
from headway.reporter.http.endpoint import Endpoint
endpoint = Endpoint("https://example.org", None)
place = os.path.join(os.path.dirname(headway.reporter.__file__), {where!r})
halted, go_on = threading.Semaphore(0), threading.Semaphore(0)
lines, done = 0, []
def act():
    {act}
def trace(frame, event, arg):
    global lines
    if event == "line" and frame.f_code.co_filename.startswith(place):
        if threading.get_ident() not in forking._gate._depths:
            lines += 1
            halted.release()
            go_on.acquire()
    return trace
def work():
    sys.settrace(trace)
    act()
    sys.settrace(None)
    done.append(True)
    halted.release()
def child_acts():
    signal.alarm(30)
    act()
with headway.run('k', run_id='run', target=url) as run:
    assert run.flush(30)
    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    halted.acquire()
    while not done:
        wait(fork(child_acts))
        go_on.release()
        halted.acquire()
print(lines > 2)
"""
    assert perform(code, path) == "True\n"
