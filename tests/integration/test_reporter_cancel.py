"""Cancels, questions and helpers between real processes, over a SQLite file."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

import headway
from headway.hub.opening import open_run
from headway.ports import Batch
from headway.progress.state import State
from headway.protocol import events, times
from headway.protocol.events import Data
from headway.reporter import channel as channel_module
from headway.reporter.attached import AttachedRun
from headway.stores.sqlite import SqliteEventStore
from headway.targets import sink_opener


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteEventStore]:
    opened = SqliteEventStore(path)
    yield opened
    opened.close()


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def tell(store: SqliteEventStore, data: Data, run_id: str = "run") -> None:
    """What a watcher says: a batch that no owner numbered."""
    draft = events.draft(data, at=times.to_text(time.time()))
    store.append(Batch(run_id=run_id, reporter=f"watcher-{time.monotonic_ns()}", first=1, events=(draft,)))


def cancel(store: SqliteEventStore, reason: str = "enough") -> None:
    tell(store, events.RunCancelRequested(by="somebody", reason=reason))


def state(store: SqliteEventStore) -> State:
    return open_run(store, "run").state


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that other threads do; fails if it never comes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        threading.Event().wait(0.005)


def forever() -> Iterator[int]:
    n = 0
    while True:
        threading.Event().wait(0.001)
        yield (n := n + 1)


def test_a_loop_is_cancelled_at_its_next_item(path: Path, store: SqliteEventStore) -> None:
    with pytest.raises(headway.Cancelled, match="enough"):
        with headway.run("job", run_id="run", target=url(path)) as run, run.stage("work") as stage:
            for n in stage.track(forever()):
                if n == 1:
                    assert run.flush(20)
                    cancel(store)
    ended = state(store)
    assert (ended.status, ended.cancel_requested) == ("cancelled", True)
    assert [(stage.status, stage.reason) for stage in ended.stages] == [("skipped", "cancelled")]


def test_a_job_that_waits_in_a_thread_hears_it_by_callback(path: Path, store: SqliteEventStore) -> None:
    woken = threading.Event()
    with headway.run("job", run_id="run", target=url(path)) as run:
        run.on_cancel(woken.set)
        run.on_cancel(lambda: 1 / 0)  # a callback that fails harms nobody
        assert run.flush(20)
        cancel(store)
        assert woken.wait(20)
        assert run.cancelled
        late = threading.Event()
        run.on_cancel(late.set)
        assert late.is_set()
    assert state(store).status == "completed"


def test_nothing_is_raised_inside_a_shield_and_then_it_is(path: Path, store: SqliteEventStore) -> None:
    done: list[str] = []
    with pytest.raises(headway.Cancelled), headway.run("job", run_id="run", target=url(path)) as run:
        assert run.flush(20)
        with run.shielded():
            cancel(store)
            until(lambda: run.cancelled)
            run.check()
            with run.shielded():
                run.check()
            run.check()
            done.append("inside")
        done.append("never")
    assert done == ["inside"]


def test_other_threads_are_not_shielded(path: Path, store: SqliteEventStore) -> None:
    with headway.run("job", run_id="run", target=url(path)) as run, ThreadPoolExecutor(1) as pool:
        assert run.flush(20)
        with pytest.raises(headway.Cancelled), run.shielded():
            cancel(store)
            until(lambda: run.cancelled)
            with pytest.raises(headway.Cancelled):
                pool.submit(run.check).result()


def test_async_code_gets_it_at_its_next_await(path: Path, store: SqliteEventStore) -> None:
    cleaned: list[str] = []

    async def job() -> None:
        async with headway.run("job", run_id="run", target=url(path)) as run:
            assert run.flush(20)
            cancel(store)
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.append("up")

    with pytest.raises(headway.Cancelled):
        asyncio.run(job())
    assert cleaned == ["up"]
    assert state(store).status == "cancelled"


def test_an_async_shield_holds_it_back(path: Path, store: SqliteEventStore) -> None:
    done: list[str] = []

    async def job() -> None:
        async with headway.run("job", run_id="run", target=url(path)) as run:
            assert run.flush(20)
            with run.shielded():
                cancel(store)
                while not run.cancelled:
                    await asyncio.sleep(0)
                await asyncio.sleep(0.01)
                done.append("inside")
            done.append("never")

    with pytest.raises(headway.Cancelled):
        asyncio.run(job())
    assert done == ["inside"]
    assert state(store).status == "cancelled"


def test_a_task_that_somebody_else_cancels_stays_theirs(path: Path, store: SqliteEventStore) -> None:
    async def job() -> None:
        async with headway.run("job", run_id="run", target=url(path)):
            await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(job())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert state(store).status == "cancelled"
    assert not state(store).cancel_requested


def test_a_question_is_answered_by_whoever_watches(path: Path, store: SqliteEventStore) -> None:
    def answer() -> None:
        until(lambda: bool(state(store).inputs))
        question = state(store).inputs[0]
        assert question.choices == ("yes", "no")
        tell(store, events.InputGiven(id="another", value="no"))
        tell(store, events.InputGiven(id=question.id, value="yes", by="Ada"))

    with headway.run("job", run_id="run", target=url(path)) as run, ThreadPoolExecutor(1) as pool:
        run.flush(20)
        answering = pool.submit(answer)
        assert run.ask("Publish?", choices=["yes", "no"], timeout=20) == "yes"
        answering.result()
    (past,) = store.past_runs("job")
    completed = state(store)
    assert completed.duration is not None
    assert past.duration < float(completed.duration)  # the waiting was no work


def test_a_question_that_nobody_answers_times_out(path: Path) -> None:
    with headway.run("job", run_id="run", target=url(path)) as run:
        with pytest.raises(TimeoutError, match="nobody has answered"):
            run.ask("Publish?", timeout=0.01)
    with headway.run("job", target="none:") as run, pytest.raises(TimeoutError, match="nobody to ask"):
        run.ask("Publish?")


def test_a_cancel_ends_the_waiting_for_an_answer(path: Path, store: SqliteEventStore) -> None:
    with pytest.raises(headway.Cancelled), headway.run("job", run_id="run", target=url(path)) as run:
        assert run.flush(20)
        threading.Timer(0.05, cancel, [store]).start()
        run.ask("Publish?", timeout=20)


def test_async_code_asks_while_other_tasks_go_on(path: Path, store: SqliteEventStore) -> None:
    async def job() -> object:
        async with headway.run("job", run_id="run", target=url(path)) as run:
            asking = asyncio.create_task(run.ask_async("Publish?", timeout=20))
            while not (run.flush(20) and state(store).inputs):
                await asyncio.sleep(0.01)
            tell(store, events.InputGiven(id=state(store).inputs[0].id, value={"yes": True}))
            return await asking

    assert asyncio.run(job()) == {"yes": True}


def attached(path: Path, run_id: str = "run") -> AttachedRun:
    return AttachedRun(run_id, sink_opener(url(path)), lease_s=30.0)


def help_out(path: Path) -> None:
    with attached(path) as run, run.stage("child", total=3) as stage:
        for _ in stage.track(range(3)):
            pass


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_another_process_reports_stages_of_the_same_run(path: Path, store: SqliteEventStore, method: str) -> None:
    with headway.run("job", run_id="run", target=url(path)) as run:
        run.flush(20)
        if method == "fork":
            child: BaseProcess = multiprocessing.get_context("fork").Process(target=help_out, args=(path,))
        else:
            child = multiprocessing.get_context("spawn").Process(target=help_out, args=(path,))
        child.start()
        child.join()
        assert child.exitcode == 0
    done = state(store)
    assert [(stage.path, stage.status, stage.current) for stage in done.stages] == [("child", "completed", 3)]
    assert done.status == "completed"


def test_a_helper_that_comes_first_waits_for_the_run(path: Path, store: SqliteEventStore) -> None:
    helper = attached(path).attach()
    helper.note("early")
    with headway.run("job", run_id="run", target=url(path)):
        assert helper.flush(20)
        helper.detach()
    assert [note.text for note in state(store).notes] == ["early"]


def test_a_helper_hears_the_cancel_and_leaves_the_run_to_its_owner(path: Path, store: SqliteEventStore) -> None:
    with headway.run("job", run_id="run", target=url(path)) as run:
        run.flush(20)
        with pytest.raises(headway.Cancelled), attached(path) as helper:
            helper.note("here")
            assert helper.flush(20)
            assert helper.state.kind == "job"
            cancel(store)
            until(lambda: helper.cancelled)
            helper.check()
        assert state(store).status == "running"


def in_pool(n: int) -> int:
    run = headway.current()
    with run.stage(f"item-{n}", total=2) as stage:
        stage.advance(2)
    run.log(f"item {n}")
    return n


def test_workers_of_a_forked_pool_report_to_the_run_that_they_were_forked_in(
    path: Path, store: SqliteEventStore
) -> None:
    with headway.run("job", run_id="run", target=url(path)) as run:
        assert run.flush(20)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(in_pool, range(4)) == [0, 1, 2, 3]
            pool.close()
            pool.join()
    done = state(store)
    assert sorted((stage.path, stage.status, stage.current) for stage in done.stages) == [
        (f"item-{n}", "completed", 2) for n in range(4)
    ]
    assert done.log.lines == 4
    assert done.status == "completed"


def test_an_owner_that_was_taken_over_stops_at_its_next_safe_point(path: Path, store: SqliteEventStore) -> None:
    with pytest.raises(headway.Cancelled, match="taken it over"):
        with headway.run("job", run_id="run", target=url(path)) as first:
            assert first.flush(20)
            with headway.run("job", run_id="run", target=url(path)) as second:
                assert second.flush(20)
                first.note("too late")
                until(lambda: first.cancelled)
            first.check()
    done = state(store)
    assert (done.attempt, done.status) == (2, "completed")
    assert not done.notes


def test_the_completion_waits_for_helpers(path: Path, store: SqliteEventStore) -> None:
    helping, may_leave = threading.Event(), threading.Event()

    def help_slowly() -> None:
        with attached(path) as run:
            assert run.flush(20)
            helping.set()
            may_leave.wait(20)
            run.note("at last")

    with ThreadPoolExecutor(1) as pool:
        with headway.run("job", run_id="run", target=url(path)) as run:
            assert run.flush(20)
            helper = pool.submit(help_slowly)
            assert helping.wait(20)
            assert len(store.helpers("run")) == 1
            threading.Timer(0.2, may_leave.set).start()
        helper.result()
    done = state(store)
    assert done.status == "completed"
    assert [note.text for note in done.notes] == ["at last"]


def test_a_job_that_does_not_stop_is_told_of(
    path: Path, store: SqliteEventStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(channel_module, "PATIENCE_S", 0.05)
    with headway.run("job", run_id="run", target=url(path)) as run:
        assert run.flush(20)
        cancel(store)
        until(lambda: "has not reached a safe point" in caplog.text)
    told = [record.body for record in store.read("run", types=["error"]).records]
    assert len(told) == 1
    assert b"cancel-ignored" in told[0]
