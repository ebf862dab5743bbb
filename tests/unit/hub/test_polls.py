"""Polls that come while the store is being asked: each waits for the first look that begins after it, for no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import msgspec

from headway.errors import NotFound
from headway.hub.polls import Polls, RunNow
from headway.testing.samples import new_run
from tests.unit.hub.reports import note
from tests.unit.hub.stage import Stage

LOOKS = 10

TOGETHER = 3
"""Polls that come during each look."""


class Asking:
    """Who asks, on a stage on which each look at the store ends when the test says so."""

    def __init__(self) -> None:
        self.stage = Stage()
        self._polls = Polls(self.stage.store, self.stage.hub)

    async def ask(self) -> list[asyncio.Task[RunNow]]:
        tasks = []
        for _ in range(TOGETHER):
            tasks.append(asyncio.create_task(self._polls.run("run", known=None, wait_s=0.0, may_watch=None)))
            await turn()
        return tasks

    async def look(self, meanwhile: Callable[[], object] = lambda: None) -> list[asyncio.Task[RunNow]]:
        """Let a look read the store, then others ask, and only then let what it read arrive."""
        (job,) = self.stage.surroundings.jobs
        job.run()
        meanwhile()
        tasks = await self.ask()
        assert self.stage.read()
        await turn()
        return tasks


async def turn() -> None:
    """Let everybody who can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


def seq(task: asyncio.Task[RunNow]) -> int:
    found: int = msgspec.json.decode(task.result().state)["seq"]
    return found


def test_polls_that_come_steadily_do_not_starve_each_other() -> None:
    async def test() -> None:
        asking = Asking()
        asking.stage.store.create(new_run())
        asking.stage.watch()
        asking.stage.settle()
        before = await asking.ask()
        await asking.look()  # that of the first of them
        for number in range(LOOKS):
            after = await asking.look(partial(note, asking.stage, number))
            assert {seq(task) for task in before} == {1 + number}
            assert not any(task.done() for task in after), "the look had begun before they asked"
            before = after
        asking.stage.settle()
        await turn()
        assert {seq(task) for task in before} == {1 + LOOKS}

    asyncio.run(test())


def test_polls_of_what_is_not_there_starve_neither_each_other_nor_who_waits_for_it() -> None:
    async def test() -> None:
        asking = Asking()
        watcher = asking.stage.watch()
        before = await asking.look()
        assert watcher.types() == ["waiting"]
        for _ in range(LOOKS):
            assert not any(task.done() for task in before), "the look had begun before they asked"
            after = await asking.look()
            assert {type(task.exception()) for task in before} == {NotFound}
            before = after
        after = await asking.look(partial(asking.stage.store.create, new_run()))
        assert {type(task.exception()) for task in before} == {NotFound}
        asking.stage.settle()
        await turn()
        assert {seq(task) for task in after} == {1}

    asyncio.run(test())
