"""Many who wait for as long, with one timer."""

from __future__ import annotations

import asyncio

import pytest

from headway.server.streams.deadlines import Deadlines


class Waiting:
    """Somebody who says so when the time is over, and may fail."""

    def __init__(self, said: list[str], name: str, *, fails: bool = False) -> None:
        self.said, self.name, self.fails = said, name, fails
        self.done = asyncio.Event()

    def overdue(self) -> None:
        self.said.append(self.name)
        self.done.set()
        if self.fails:
            raise ZeroDivisionError


def test_each_is_called_once_in_order_and_who_was_dropped_is_not() -> None:
    async def body() -> None:
        said: list[str] = []
        deadlines = Deadlines(0.01)
        first, gone, again = [Waiting(said, name) for name in ("first", "gone", "again")]
        for waiting in (again, gone, first, again):
            deadlines.add(waiting)
        deadlines.drop(gone)
        await again.done.wait()
        assert said == ["first", "again"]
        again.done.clear()
        deadlines.add(again)
        await again.done.wait()
        assert said == ["first", "again", "again"]

    asyncio.run(body())


def test_one_that_fails_keeps_no_other_waiting(caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        said: list[str] = []
        deadlines = Deadlines(-1.0)  # both are due already
        first, second = Waiting(said, "first", fails=True), Waiting(said, "second")
        deadlines.add(first)
        deadlines.add(second)
        await second.done.wait()
        assert said == ["first", "second"]

    asyncio.run(asyncio.wait_for(body(), 30))
    assert "ZeroDivisionError" in caplog.text
