"""Functions that are jobs, and runs taken along into threads: in real files, with real threads and event loops."""

from __future__ import annotations

import asyncio
import inspect
import logging
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import assert_type

import pytest

import headway
from headway.errors import InvalidInput, InvalidTarget, NotFound
from headway.hub.opening import open_run
from headway.ports import Batch
from headway.progress.state import State
from headway.protocol import events
from headway.reporter import current
from headway.stores.sqlite import SqliteEventStore


class Store:
    """The file that a test's runs go to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def state(self, run_id: str) -> State:
        with closing(SqliteEventStore(self.path)) as store:
            return open_run(store, run_id).state

    def cancel(self, run_id: str) -> None:
        with closing(SqliteEventStore(self.path)) as store:
            drafted = events.draft(events.RunCancelRequested(by="somebody"), at="2026-11-20T19:41:03.120Z")
            until = time.monotonic() + 30
            while time.monotonic() < until:
                with suppress(NotFound):  # its reporter may not have come to creating it
                    store.append(Batch(run_id=run_id, reporter="somebody", first=1, events=(drafted,)))
                    return
            raise TimeoutError(run_id)

    def ids(self) -> set[str]:
        with closing(SqliteEventStore(self.path)) as store:
            return {header.run_id for header in store.list_runs().headers}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    store = Store(tmp_path / "jobs.db")
    monkeypatch.setenv("HEADWAY_URL", store.url)
    yield store
    assert current.place() is None, "something was left entered"
    assert not job_threads()


def job_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("job-")]


def wait() -> None:
    """Until all that was started has ended."""
    for thread in job_threads():
        thread.join()


# One function in two colours, and what calls both alike.


@headway.job("divide", title=lambda a, b=1: f"{a} by {b}", size=lambda a, b=1: a, plan={"only": 1}, meta={"m": 1})
def divide(a: int, b: int = 1) -> dict[str, object]:
    """Divides."""
    with headway.current().stage("only"):
        headway.current().log("dividing")
        quotient = a // b
    return {"quotient": quotient, "run": headway.current().id}


@headway.job("divide", title=lambda a, b=1: f"{a} by {b}", size=lambda a, b=1: a, plan={"only": 1}, meta={"m": 1})
async def divide_async(a: int, b: int = 1) -> dict[str, object]:
    """Divides."""
    async with headway.current().stage("only"):
        await asyncio.sleep(0)
        headway.current().log("dividing")
        quotient = a // b
    return {"quotient": quotient, "run": headway.current().id}


@headway.job("raise")
def raising(error: BaseException) -> None:
    raise error


@headway.job("raise")
async def raising_async(error: BaseException) -> None:
    raise error


def awaited(function: Callable[..., object]) -> Callable[..., object]:
    """The same, and if it is async in an event loop of its own."""

    def call(*args: object, **kwargs: object) -> object:
        result = function(*args, **kwargs)
        return asyncio.run(result) if inspect.iscoroutine(result) else result

    return call


def dividers() -> list[Callable[..., object]]:
    return [divide, divide_async]


@pytest.mark.parametrize("job", dividers())
def test_a_call_is_a_run_and_what_is_returned_its_result(store: Store, job: Callable[..., object]) -> None:
    returned = awaited(job)(7, b=2)
    assert isinstance(returned, dict)
    state = store.state(str(returned["run"]))
    assert (state.status, state.kind, state.title, state.size) == ("completed", "divide", "7 by 2", 7)
    assert state.meta == {"m": 1}
    assert state.result == returned == {"quotient": 3, "run": state.run_id}
    assert [(stage.path, stage.status) for stage in state.stages] == [("only", "completed")]


@pytest.mark.parametrize("job", dividers())
def test_an_exception_fails_the_run_and_goes_on(
    store: Store, job: Callable[..., object], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ZeroDivisionError):
        awaited(job)(7, 0)
    [run_id] = store.ids()
    state = store.state(run_id)
    assert state.status == "failed"
    assert state.error is not None
    assert "ZeroDivisionError" in state.error.message
    assert len([record for record in caplog.records if record.exc_info]) == 1


@pytest.mark.parametrize("job", [raising, raising_async])
@pytest.mark.parametrize("error", [headway.Cancelled("enough"), KeyboardInterrupt()])
def test_a_cancel_cancels_the_run_and_goes_on(store: Store, job: Callable[..., object], error: BaseException) -> None:
    with pytest.raises(type(error)):
        awaited(job)(error)
    [run_id] = store.ids()
    assert store.state(run_id).status == "cancelled"


def test_calls_side_by_side_are_runs_of_their_own(store: Store) -> None:
    async def main() -> list[dict[str, object]]:
        return await asyncio.gather(*(divide_async(n) for n in range(8)))

    returned = asyncio.run(main())
    with ThreadPoolExecutor(8) as pool:
        returned += pool.map(divide, range(8, 16))
    assert [store.state(str(each["run"])).result for each in returned] == returned
    assert [each["quotient"] for each in returned] == list(range(16))
    assert len(store.ids()) == 16


def test_a_job_in_a_job_is_a_run_of_its_own(store: Store) -> None:
    @headway.job("outer")
    def outer() -> list[object]:
        before = headway.current().id
        inner = divide(1)["run"]
        return [before, inner, headway.current().id]

    before, inner, after = outer()
    assert before == after != inner
    assert store.ids() == {before, inner}


# Elsewhere


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_start_gives_the_id_at_once_and_the_work_is_done_elsewhere(store: Store, colour: str) -> None:
    go, threads = threading.Event(), list[threading.Thread]()

    def work() -> str:
        threads.append(threading.current_thread())
        assert go.wait(30)
        return "done"

    @headway.job("wait")
    def waiting() -> str:
        return work()

    @headway.job("wait")
    async def waiting_async() -> str:
        return await asyncio.to_thread(work) + f" in {type(asyncio.get_running_loop()).__name__}"

    run_id = waiting.start() if colour == "sync" else waiting_async.start()
    assert run_id
    go.set()
    wait()
    assert threading.current_thread() not in threads
    state = store.state(run_id)
    assert state.status == "completed"
    assert str(state.result).startswith("done")


@pytest.mark.parametrize("job", dividers())
def test_what_goes_wrong_elsewhere_is_in_the_run_and_once_in_the_log(
    store: Store, job: headway.Job[..., object], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    run_id = job.start(1, 0)
    wait()
    assert store.state(run_id).status == "failed"
    assert len([record for record in caplog.records if record.exc_info]) == 1
    assert "Traceback" not in capfd.readouterr().err, "nothing from the thread itself"


@pytest.mark.parametrize("job", [raising, raising_async])
@pytest.mark.parametrize(
    ("error", "status"),
    [(headway.Cancelled(), "cancelled"), (KeyboardInterrupt(), "cancelled"), (SystemExit(3), "failed")],
)
def test_other_ends_elsewhere(store: Store, job: headway.Job[..., object], error: BaseException, status: str) -> None:
    run_id = job.start(error)
    wait()
    assert store.state(run_id).status == status


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_cancel_from_outside_reaches_what_was_started(store: Store, colour: str) -> None:
    ready = threading.Event()

    @headway.job("endless")
    def endless() -> None:
        ready.set()
        while True:
            headway.current().check()
            threading.Event().wait(0.01)

    @headway.job("endless")
    async def endless_async() -> None:
        ready.set()
        await asyncio.Event().wait()

    run_id = endless.start() if colour == "sync" else endless_async.start()
    assert ready.wait(30)
    store.cancel(run_id)
    wait()
    assert store.state(run_id).status == "cancelled"


def test_where_there_can_be_no_thread_the_run_fails_and_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("job-"):
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="new thread"):
        divide.start(1)
    [run_id] = store.ids()
    assert store.state(run_id).status == "failed"


def test_arguments_that_do_not_fit_are_told_to_who_starts(store: Store) -> None:
    with pytest.raises(TypeError, match="unexpected"):
        divide.start(1, c=2)  # type: ignore[call-arg]
    divide(1)
    assert len(store.ids()) == 1, "no run was opened for it"


def test_the_interpreter_waits_for_what_was_started(store: Store) -> None:
    code = """
import threading, headway
ended = threading.Event()

@headway.job("late")
def late():
    threading.main_thread().join()
    with headway.current().stage("after"):
        return "the main thread is gone"

late.options(run_id="late").start()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    state = store.state("late")
    assert (state.status, state.result) == ("completed", "the main thread is gone")


# What is said of a run


def test_a_run_id_is_no_argument_of_the_function(store: Store) -> None:
    @headway.job("named")
    def named(run_id: str, self: int, target: str = "t", *, opened: int = 0) -> list[object]:
        return [run_id, self, target, opened]

    assert named(run_id="mine", self=1) == ["mine", 1, "t", 0]
    assert named.options(run_id="run-1").start(run_id="mine", self=1, opened=2) == "run-1"
    wait()
    assert store.state("run-1").result == ["mine", 1, "t", 2]
    assert named.options(run_id="run-2", retry_of="run-1", parent="run-0")("x", 2) == ["x", 2, "t", 0]
    state = store.state("run-2")
    assert (state.retry_of, state.parent) == ("run-1", "run-0")
    with pytest.raises(InvalidInput):
        named.options(run_id="/").start("x", 1)


def test_a_target_of_ones_own(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other.db")
    divide.options(target=other.url)(1)
    assert len(other.ids()) == 1
    assert not store.path.exists()


def test_mistakes_are_told_when_the_function_is_decorated() -> None:
    for wrong in ({"kind": ""}, {"kind": divide}, {"kind": "k", "plan": {"a": -1}}, {"kind": "k", "variant": ""}):
        with pytest.raises(InvalidInput):
            headway.job(**wrong)
    with pytest.raises(InvalidTarget):
        headway.job("k", target="postgres://somewhere")

    def numbers() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="generator"):
        headway.job("k")(numbers)


@pytest.mark.parametrize("made", ["title", "variant", "size"])
@pytest.mark.parametrize("wrong", [lambda a: a / 0, lambda: "x", lambda a: object()])
def test_what_cannot_be_made_of_the_arguments_does_not_keep_the_job_from_its_work(
    store: Store, made: str, wrong: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    def double(a: int) -> int:
        return 2 * a

    job = headway.job("double", **{made: wrong})(double)  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING, "headway"):
        assert job(2) == 4
    [run_id] = store.ids()
    state = store.state(run_id)
    assert (state.status, state.result) == ("completed", 4)
    told = f"run {run_id} of job 'double' goes without" in caplog.text
    assert told or getattr(state, made) is not None, "a title may be made of anything"


class Odd:
    def __str__(self) -> str:
        raise OSError

    __repr__ = __str__


CIRCLE: list[object] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    "value", [object(), Odd(), {1, 2}, CIRCLE, float("nan"), "x" * 100_000, b"\xff", {Odd(): Odd()}, iter([])], ids=type
)
def test_results_that_json_cannot_say_do_not_break_the_job(store: Store, value: object) -> None:
    @headway.job("odd")
    def odd() -> object:
        return value

    assert odd() is value
    [run_id] = store.ids()
    assert store.state(run_id).status == "completed"


def test_a_result_that_the_function_tells_itself_stays(store: Store) -> None:
    @headway.job("own")
    def own() -> None:
        run = headway.current()
        assert isinstance(run, headway.Run)
        run.result({"own": 1})

    own()
    [run_id] = store.ids()
    assert store.state(run_id).result == {"own": 1}


# Still a function


class Shop:
    def __init__(self, name: str) -> None:
        self.name = name

    @headway.job("sell", title=lambda self, what: f"{self.name}: {what}")
    def sell(self, what: str) -> str:
        return f"{what} of {self.name}"

    @headway.job("sell")
    async def sell_async(self, what: str) -> str:
        return f"{what} of {self.name}"

    @classmethod
    @headway.job("open")
    def opened(cls, name: str) -> Shop:
        return cls(name)

    @staticmethod
    @headway.job("count")
    def count(*what: str) -> int:
        return len(what)


def test_methods_are_jobs_too(store: Store) -> None:
    shop = Shop("Ada's")
    assert shop.sell("bread") == "bread of Ada's"
    assert Shop.sell(shop, "salt") == "salt of Ada's"
    assert asyncio.run(shop.sell_async("tea")) == "tea of Ada's"
    started = [shop.sell.start("bread"), shop.sell_async.options(run_id="tea").start("tea")]
    wait()
    assert [store.state(run_id).result for run_id in started] == ["bread of Ada's", "tea of Ada's"]
    assert store.state(started[0]).title == "Ada's: bread"
    assert Shop.opened("x").name == "x"  # type: ignore[call-arg, arg-type]  # mypy binds only functions to classes
    assert Shop.count("a", "b") == 2


def test_a_job_looks_like_its_function() -> None:
    assert (divide.__name__, divide.__doc__, divide.__module__) == ("divide", "Divides.", __name__)
    assert list(inspect.signature(divide).parameters) == ["a", "b"]
    assert (divide.kind, divide_async.kind, Shop("x").sell.kind) == ("divide", "divide", "sell")
    assert inspect.iscoroutinefunction(divide_async.__call__)
    assert not inspect.iscoroutinefunction(divide.__call__)
    assert repr(divide).startswith("<headway.Job 'divide': <function divide")


def test_types_are_those_of_the_function() -> None:
    if headway.TYPE_CHECKING:
        assert_type(divide(1), dict[str, object])
        assert_type(Shop("x").sell("y"), str)
        assert_type(divide.start(1, b=2), str)
        divide("1")  # type: ignore[arg-type]
        Shop("x").sell.start(1)  # type: ignore[arg-type]


def test_jobs_are_pickled_as_functions_are() -> None:
    assert pickle.loads(pickle.dumps(divide)) is divide
    method = pickle.loads(pickle.dumps(Shop("x").sell))
    assert method.options(target="none:")("y") == "y of x"


def test_without_a_target_it_is_the_function_alone(caplog: pytest.LogCaptureFixture) -> None:
    silent = divide.options(target="none:")
    before = threading.active_count()
    assert silent(4, 2)["quotient"] == 2
    assert threading.active_count() == before
    silent.start(1, 0)
    wait()
    assert "ZeroDivisionError" in caplog.text, "else nobody would know"
