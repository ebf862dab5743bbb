"""The threads behind a hub: whatever goes wrong in one, it goes on, and nothing is missed."""

from __future__ import annotations

import asyncio
import threading

import pytest

from headway.errors import StoreUnavailable
from headway.hub.hub import Hub
from headway.ports import EventStore, Record
from headway.testing.samples import new_run
from tests.unit.hub.readers import LONG_S, run, watch, write


class Failing:
    """A store whose followers fail when they are told to."""

    def __init__(self, store: EventStore, error: Exception | None = None) -> None:
        self.store = store
        self.error = error or StoreUnavailable("not now")
        self.failing = threading.Event()
        self.followers = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    def follow(self) -> object:
        if self.failing.is_set():
            raise self.error
        self.followers += 1
        return FailingFollower(self, self.store.follow())


def is_deaf(hub: Hub) -> bool:
    try:
        hub.check()
    except StoreUnavailable as error:
        return "followed" in str(error)
    return False


class FailingFollower:
    def __init__(self, owner: Failing, follower: object) -> None:
        self.owner, self.follower = owner, follower

    def __getattr__(self, name: str) -> object:
        return getattr(self.follower, name)

    def read(self) -> list[Record]:
        if self.owner.failing.is_set():
            raise self.owner.error
        return self.follower.read()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("error", [StoreUnavailable("not now"), ValueError("nobody has foreseen this")])
def test_a_follower_that_fails_is_replaced_and_nothing_is_missed(store: EventStore, error: Exception) -> None:
    store.create(new_run())
    failing = Failing(store, error)

    async def test(hub: Hub) -> None:
        reader = watch(hub)
        await reader.until(lambda: len(reader.seqs()) == 1)
        failing.failing.set()
        write(store, 5)  # wakes the follower, which fails
        while not is_deaf(hub):
            await asyncio.sleep(0.001)
        write(store, 5)
        failing.failing.clear()
        await reader.until(lambda: len(reader.seqs()) == 11)
        hub.check()
        assert failing.followers == 2
        write(store)
        await reader.until(lambda: len(reader.seqs()) == 12)

    run(failing, test)  # type: ignore[arg-type]


def test_what_cannot_be_handed_over_is_read_anew(store: EventStore) -> None:
    store.create(new_run())

    async def test(hub: Hub) -> None:
        reader = watch(hub)
        await reader.until_seen(1)
        feed, broken = hub._switchboard.feeds["run"], [True]
        take = feed.take

        def take_or_break(record: Record) -> None:
            if broken:
                raise ValueError(broken.pop())
            take(record)

        feed.take = take_or_break  # type: ignore[method-assign]
        write(store, 5)
        await reader.until_seen(6)
        assert not broken

    run(store, test)


def test_it_is_not_ready_when_nobody_looks_after_the_store(store: EventStore) -> None:
    async def test(hub: Hub) -> None:
        hub.check()
        await hub._upkeep.stop()
        with pytest.raises(StoreUnavailable, match="silent"):
            hub.check()

    run(store, test, sweep_s=LONG_S)
