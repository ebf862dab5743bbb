"""A hub on a stage: its time, its timers, its reads and its follower move only when a test says so."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TypeVar

from headway.errors import HeadwayError
from headway.hub.connection import Connection
from headway.hub.framing import JSON, Framing
from headway.hub.settings import HubSettings
from headway.hub.sink import MayWatch
from headway.hub.surroundings import Timer
from headway.hub.switchboard import Switchboard
from headway.ports import EventStore
from headway.protocol.frames import CloseCode, Watch, WatchedRun
from headway.stores.memory import MemoryEventStore
from headway.testing import FakeClock
from tests.unit.hub.audience import Audience

T = TypeVar("T")


class FakeTimer:
    def __init__(self, when: float, callback: Callable[[], object]) -> None:
        self.when = when
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Job:
    """A read that was asked for; it may be run long before its answer arrives."""

    def __init__(self, job: Callable[[], object], done: Callable[[object], object]) -> None:
        self.job, self.done = job, done
        self.ran = False
        self.result: object = None

    def run(self) -> None:
        if not self.ran:
            self.ran = True
            try:
                self.result = self.job()
            except HeadwayError as error:
                self.result = error

    def arrive(self) -> None:
        self.run()
        self.done(self.result)


class FakeSurroundings:
    """See ``Surroundings``."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.jobs: list[Job] = []
        self.timers: list[FakeTimer] = []

    def now(self) -> float:
        return self.clock.elapsed()

    def wall(self) -> float:
        return self.clock.wall()

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        timer = FakeTimer(when, callback)
        self.timers.append(timer)
        return timer

    def read(self, job: Callable[[], T], done: Callable[[T | HeadwayError], object]) -> None:
        self.jobs.append(Job(job, done))  # type: ignore[arg-type]

    def due(self) -> FakeTimer | None:
        """The next timer that would be called."""
        self.timers = [timer for timer in self.timers if timer.callback is not None]
        return min(self.timers, key=lambda timer: timer.when, default=None)

    def ring(self, timer: FakeTimer) -> None:
        callback, timer.callback = timer.callback, None
        if callback is not None:
            callback()


class Stage:
    """A switchboard over a store, and whoever watches."""

    def __init__(
        self, store: EventStore | None = None, settings: HubSettings | None = None, clock: FakeClock | None = None
    ) -> None:
        self.clock = clock or FakeClock()
        self.store = store or MemoryEventStore(clock=self.clock)
        self.surroundings = FakeSurroundings(self.clock)
        self.follower = self.store.follow()
        self.hub = Switchboard(self.store, self.surroundings, settings or HubSettings())
        self.count = itertools.count(1)

    def connect(
        self, framing: Framing = JSON, *, full_at: int | None = None, may_watch: MayWatch | None = None
    ) -> Audience:
        audience = Audience(self.clock, full_at)
        audience.connection = self.hub.connect(audience, framing, may_watch=may_watch)
        return audience

    def watch(self, run_id: str = "run", after: str | None = None, **options: object) -> Audience:
        """Somebody who watches one run."""
        audience = self.connect()
        runs = (WatchedRun(run_id=run_id, after=after),)
        audience.connection.watch(Watch(runs=runs, **options))  # type: ignore[arg-type]
        return audience

    def follow(self, limit: int = 500) -> bool:
        """Let the follower bring what is new; false if there was nothing."""
        records = self.follower.read(limit)
        if records:
            self.hub.deliver(records)
        return bool(records)

    def read(self) -> bool:
        """Let the oldest read arrive; false if there was none."""
        if not self.surroundings.jobs:
            return False
        self.surroundings.jobs.pop(0).arrive()
        return True

    def settle(self) -> None:
        """Let everything arrive that needs no time."""
        while self.read() or self.follow():
            pass
        self.ring()
        if self.surroundings.jobs:
            self.settle()

    def ring(self) -> None:
        """Call the timers that are due."""
        while (timer := self.surroundings.due()) is not None and timer.when <= self.clock.elapsed():
            self.surroundings.ring(timer)

    def wait(self, seconds: float) -> None:
        """Let time pass, from timer to timer."""
        end = self.clock.elapsed() + seconds
        self.settle()
        while (timer := self.surroundings.due()) is not None and timer.when <= end:
            self.clock.advance(max(0.0, timer.when - self.clock.elapsed()))
            self.surroundings.ring(timer)
            self.settle()
        self.clock.advance(max(0.0, end - self.clock.elapsed()))
        self.settle()


__all__ = ["Audience", "CloseCode", "Connection", "Stage"]
