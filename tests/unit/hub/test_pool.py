"""Calls that block: so many at once, so many waiting; and an end that waits for nobody for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Iterator

import pytest

from headway.errors import Overloaded, StoreUnavailable
from headway.hub import threads
from headway.hub.pool import Pool
from tests.unit.hub.readers import LONG_S


class Held:
    """Calls that end when they are let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        self.begun.release()
        assert self.go.wait(LONG_S)
        return "done"


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.go.set()


async def begun(pool: Pool, held: Held, count: int = 1) -> list[asyncio.Task[str]]:
    """Calls that threads are at."""
    tasks = [asyncio.create_task(pool.run(held)) for _ in range(count)]
    await asyncio.sleep(0)
    for _ in tasks:
        while not held.begun.acquire(blocking=False):
            await asyncio.sleep(0.001)
    return tasks


async def said(call: Awaitable[str]) -> object:
    try:
        return await call
    except Exception as error:
        return type(error)


def test_results_and_errors_come_back() -> None:
    async def test() -> None:
        pool = Pool(2, 10, "test-pool")
        assert await asyncio.gather(*(pool.run(lambda n=n: n) for n in range(12))) == list(range(12))  # type: ignore[misc]
        with pytest.raises(ZeroDivisionError):
            await pool.run(lambda: 1 // 0)
        await pool.close()

    asyncio.run(test(), debug=True)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("test-pool")]


def test_more_than_may_wait_are_refused(held: Held) -> None:
    async def test() -> None:
        pool = Pool(2, 1, "test-pool")
        running = await begun(pool, held, 2)
        waiting = asyncio.create_task(pool.run(held))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await pool.run(held)
        held.go.set()
        assert await asyncio.gather(*running, waiting) == ["done"] * 3
        assert await pool.run(held) == "done"
        await pool.close()

    asyncio.run(test(), debug=True)


def test_who_is_cancelled_makes_room_only_when_a_thread_is_free_of_it(held: Held) -> None:
    async def test() -> None:
        pool = Pool(1, 0, "test-pool")
        (running,) = await begun(pool, held)
        running.cancel()
        assert await asyncio.gather(running, return_exceptions=True)
        assert await said(pool.run(held)) is Overloaded
        held.go.set()
        while await said(pool.run(lambda: "free")) != "free":
            await asyncio.sleep(0.001)
        await pool.close()

    asyncio.run(test(), debug=True)


def test_its_end_lets_finish_what_runs_and_begins_nothing(held: Held) -> None:
    async def test() -> None:
        pool = Pool(1, 10, "test-pool")
        (running,) = await begun(pool, held)
        waiting = asyncio.create_task(pool.run(held))
        await asyncio.sleep(0)
        closing = asyncio.create_task(pool.close())
        assert await said(waiting) is StoreUnavailable
        assert await said(pool.run(held)) is StoreUnavailable
        held.go.set()
        assert await running == "done"
        await closing
        assert held.calls == 1

    asyncio.run(test(), debug=True)


def test_its_end_does_not_wait_for_ever(
    held: Held, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threads, "JOINING_S", 0.01)

    async def test() -> None:
        pool = Pool(1, 10, "test-pool")
        (running,) = await begun(pool, held)
        await pool.close()
        assert await said(running) is StoreUnavailable

    asyncio.run(test(), debug=True)
    assert "test-pool-0" in caplog.text
    (left,) = [thread for thread in threading.enumerate() if thread.name.startswith("test-pool")]
    assert left.daemon, "or the interpreter would wait for it"
    held.go.set()
    left.join(LONG_S)
