"""Cohorts: one encoding for all, and the price of a slow one is its own."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from headway.hub.connection import Connection
from headway.hub.framing import JSON, SSE
from headway.hub.settings import HubSettings
from headway.protocol import events as ev
from headway.protocol.farewell import wait_of
from headway.protocol.frames import CloseCode, Watch
from headway.testing.samples import new_run
from tests.unit.hub.audience import Audience
from tests.unit.hub.reports import note, tell
from tests.unit.hub.stage import Stage


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.store.create(new_run())
    stage.settle()
    return stage


class Counting:
    """A store that counts its reads."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.reads: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in ("read", "snapshot"):
            self.reads.append(name)
        return getattr(self.store, name)


def watch_all(stage: Stage, watcher: Audience, after: str | None = None) -> Audience:
    watcher.connection.watch(Watch(run_id="run", mode="all", after=after))
    return watcher


def test_everybody_gets_the_same_bytes(stage: Stage) -> None:
    watchers = [stage.watch(mode="all") for _ in range(50)]
    other = stage.watch(mode="paced")
    stage.settle()
    note(stage, "a")
    stage.settle()
    assert len({id(watcher.raw[-1]) for watcher in watchers}) == 1
    assert len({id(watcher.raw[0]) for watcher in watchers}) == 1
    assert other.raw[-1] is not watchers[0].raw[-1]
    assert len(stage.hub.feeds["run"].cohorts) == 2


def test_a_full_transport_is_written_nothing_until_it_drains(stage: Stage) -> None:
    slow, fast = watch_all(stage, stage.connect(full_at=300)), stage.watch(mode="all")
    stage.settle()
    slow.drain()
    for number in range(100):
        note(stage, number)
        stage.settle()
    assert len(slow.texts()) == 1
    assert len(fast.texts()) == 100
    taken = len(slow.raw)
    slow.drain()
    stage.settle()
    assert len(slow.raw) == taken + 1  # what it missed comes in one frame
    assert slow.texts() == [str(number) for number in range(100)]
    slow.full_at = None
    slow.drain()
    note(stage, "level")
    stage.settle()
    assert slow.raw[-1] is fast.raw[-1]


def test_who_is_stuck_costs_nothing(stage: Stage) -> None:
    stuck = stage.watch(rate=1)
    stage.settle()
    stuck.connection.pause()
    feed = stage.hub.feeds["run"]
    (cohort,) = feed.cohorts.values()
    for number in range(100):
        note(stage, number)
        stage.settle()
    assert cohort.members == ()
    assert stage.surroundings.jobs == []
    assert cohort.settled == feed.mirror.head  # idle: nothing waits in it
    assert stuck.types() == ["snapshot"]


def test_who_is_stuck_for_a_minute_is_closed(stage: Stage) -> None:
    stuck, draining = [watch_all(stage, stage.connect(full_at=0)) for _ in range(2)]
    stage.wait(30)
    draining.drain()
    stage.wait(31)
    assert stuck.closed is not None
    assert stuck.closed[0] is CloseCode.OVERLOAD
    assert wait_of(stuck.closed[1]) is not None
    assert draining.closed is None
    assert len(stage.hub.connections) == 1


def test_many_that_come_back_at_once_read_the_store_once(stage: Stage) -> None:
    for _ in range(6):
        tell(stage, *[ev.Artifact(name=f"n{number}") for number in range(1_000)])
    old = [str(stage.store.cursor_at("run", seq)) for seq in (100, 3_000, 5_900)]
    counting = Counting(stage.store)
    again = Stage(counting, HubSettings(recent_events=4_096))
    watchers = [watch_all(again, again.connect(), after=old[number % 3]) for number in range(60)]
    watchers += [again.watch(after=old[number % 3]) for number in range(60)]
    again.wait(1)
    for number, watcher in enumerate(watchers):
        assert watcher.seqs() == list(range((101, 3_001, 5_901)[number % 3], 6_002))
    assert counting.reads.count("snapshot") == 1
    assert counting.reads.count("read") <= 13 + 9 + 2 * 12


def test_a_kind_has_one_framing_mode_rate_and_filter(stage: Stage) -> None:
    options: list[dict[str, object]] = [
        {"mode": "all"},
        {"mode": "all", "rate": 2},
        {"mode": "paced"},
        {"mode": "paced", "rate": 2},
        {"mode": "paced", "types": ("log", "note")},
        {"mode": "paced", "types": ("note", "log")},
    ]
    for option in options:
        stage.watch(**option)  # type: ignore[arg-type]
    stage.connect(SSE).connection.watch(Watch(run_id="other", mode="all"))
    assert len(stage.hub.feeds["run"].cohorts) == 4


def test_a_level_watcher_costs_less_than_a_kilobyte(stage: Stage) -> None:
    class Silent:
        __slots__ = ()

        def write(self, data: bytes) -> None: ...
        def beat(self) -> None: ...
        def close(self, code: CloseCode, reason: str) -> None: ...

    import tracemalloc

    stage.watch(mode="all")
    stage.settle()
    sink = Silent()
    kept: list[Connection] = []
    message = Watch(run_id="run", mode="all")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(5_000):
        connection = stage.hub.connect(sink, JSON)
        connection.watch(message)
        kept.append(connection)
    used = tracemalloc.get_traced_memory()[0] - before - sys.getsizeof(kept)
    tracemalloc.stop()
    assert used / 5_000 < 1_000
    assert all(connection.watchers["run"].level for connection in kept)
