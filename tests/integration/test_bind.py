"""Runs and stages taken along into an executor's threads."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from pathlib import Path

import pytest

import headway
from headway.reporter import current

SETTING: ContextVar[str] = ContextVar("setting", default="none")


@pytest.fixture
def run(tmp_path: Path) -> headway.Run:
    return headway.run("bound", target=f"sqlite:///{tmp_path / 'bound.db'}")


def here() -> tuple[str, str | None]:
    """The run and the stage that reports from here would go to."""
    place = current.place()
    assert place is not None
    return headway.current().id, getattr(place.innermost, "path", None)


def test_an_executors_thread_is_in_no_run_but_what_is_bound_is(run: headway.Run) -> None:
    with ThreadPoolExecutor(1) as pool, run, run.stage("work"):
        assert pool.submit(lambda: headway.current().id).result() == "none"
        assert pool.submit(headway.bind(here)).result() == (run.id, "work")
        assert pool.submit(current.place).result() is None, "the thread is as it was"


def test_what_is_reported_there_is_in_the_stage(run: headway.Run) -> None:
    def work(n: int) -> int:
        headway.current().log(f"line {n}")
        return sum(headway.track(range(n), "Adding"))

    with run, run.stage("work"), ThreadPoolExecutor(4) as pool:
        assert list(pool.map(headway.bind(work), range(3, 7))) == [3, 6, 10, 15]
    stages = {stage.path: stage for stage in run.state.stages}
    assert stages["work/Adding"].status == "completed"
    assert run.state.status == "completed"


def test_one_bound_function_runs_in_many_threads_at_once(run: headway.Run) -> None:
    meeting = threading.Barrier(6)

    def meet() -> tuple[str, str | None]:
        meeting.wait(30)
        where = here()
        meeting.wait(30)
        return where

    with run, run.stage("work"), ThreadPoolExecutor(6) as pool:
        bound = headway.bind(meet)
        for _ in range(3):
            assert {task.result() for task in [pool.submit(bound) for _ in range(6)]} == {(run.id, "work")}


def test_it_may_call_itself_and_leaves_no_trace_when_it_raises(run: headway.Run) -> None:
    def deeper(depth: int) -> int:
        assert here() == (run.id, "work")
        if depth == 3:
            raise LookupError
        return bound(depth + 1)

    with run, run.stage("work"), ThreadPoolExecutor(1) as pool:
        bound = headway.bind(deeper)
        with pytest.raises(LookupError):
            pool.submit(bound, 0).result()
        assert pool.submit(current.place).result() is None
        assert here() == (run.id, "work")


def test_coroutine_functions_in_another_event_loop(run: headway.Run) -> None:
    async def work(n: int) -> tuple[str, str | None, int]:
        await asyncio.sleep(0)
        return *here(), n

    class Caller:
        async def __call__(self, n: int) -> tuple[str, str | None, int]:
            return await work(n)

    async def main(bound: object) -> list[tuple[str, str | None, int]]:
        assert callable(bound)
        found = list(await asyncio.gather(*(bound(n) for n in range(4))))
        assert current.place() is None
        return found

    with run, run.stage("work"), ThreadPoolExecutor(1) as pool:
        for function in (work, Caller(), partial(work)):
            found = pool.submit(asyncio.run, main(headway.bind(function))).result()
            assert found == [(run.id, "work", n) for n in range(4)]
        assert asyncio.iscoroutinefunction(headway.bind(work))


def test_from_a_task_into_an_executor(run: headway.Run) -> None:
    found: dict[str, tuple[str, str | None]] = {}

    async def agent(name: str) -> None:
        async with run.stage(name):
            found[name] = await asyncio.get_running_loop().run_in_executor(None, headway.bind(here))

    async def main() -> None:
        async with run:
            await asyncio.gather(*(agent(name) for name in "abcd"))

    asyncio.run(main())
    assert found == {name: (run.id, name) for name in "abcd"}


def test_when_the_stage_has_ended_it_is_in_the_one_around_it(run: headway.Run) -> None:
    with run, ThreadPoolExecutor(1) as pool:
        with run.stage("a"):
            with run.stage("a/b"):
                bound = headway.bind(here)
            assert pool.submit(bound).result() == (run.id, "a")
        assert pool.submit(bound).result() == (run.id, None)
    assert headway.bind(here) is here, "there is nothing to take along"
    with pytest.raises(AssertionError):
        bound()


def test_it_stands_over_the_run_that_the_thread_is_in(run: headway.Run) -> None:
    with run, run.stage("work"):
        bound = headway.bind(here)

        def other() -> list[object]:
            with headway.run("other", run_id="other", target="none:"):
                return [headway.current().id, bound(), headway.current().id]

        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(other).result() == ["other", (run.id, "work"), "other"]


def test_other_context_variables_are_left_alone(run: headway.Run) -> None:
    with run, ThreadPoolExecutor(1) as pool:
        SETTING.set("of the job")
        assert pool.submit(headway.bind(SETTING.get)).result() == "none"


def test_it_looks_like_the_function(run: headway.Run) -> None:
    with run:
        bound = headway.bind(here)
    assert (bound.__name__, bound.__doc__) == (here.__name__, here.__doc__)


def test_a_thread_that_goes_on_with_something_else_forgets_no_exception(run: headway.Run) -> None:
    def work(path: str) -> None:
        for n in headway.track(range(4), path):
            if n == 2 and path == "failing":
                raise ValueError("x")
            if n == 2:
                break

    with run, ThreadPoolExecutor(1) as pool:
        bound = headway.bind(work)
        with pytest.raises(ValueError, match="x"):
            list(pool.map(bound, ["left", "failing", "later"]))
        pool.submit(bound, "newest").result()
    stages = {stage.path: (stage.status, stage.current) for stage in run.state.stages}
    assert stages["left"] == stages["newest"] == ("completed", 2)
    assert stages["failing"] == ("failed", 2)


def test_so_it_is_with_a_coroutine_in_its_task(run: headway.Run) -> None:
    async def work() -> None:
        for _ in headway.track(range(4), "failing"):
            raise ValueError("x")

    async def main() -> None:
        async with run:
            assert isinstance((await asyncio.gather(headway.bind(work)(), return_exceptions=True))[0], ValueError)

    asyncio.run(main())
    assert run.state.stages[0].status == "failed"


def test_a_run_that_is_reported_nowhere_is_left_alone() -> None:
    with headway.run("bound", target="none:"), pytest.raises(ZeroDivisionError):
        headway.bind(lambda: 1 // 0)()
