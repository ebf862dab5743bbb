"""A cancel ends what nobody is there to end, and leaves the rest to whoever works on it."""

from __future__ import annotations

import pytest

from headway.errors import NotFound, RunEnded
from headway.hub.cancelling import Cancelling, end_abandoned, request_cancel
from headway.ports import Appended, Batch
from headway.protocol import codec, events
from headway.stores.memory import MemoryEventStore
from headway.testing import FakeClock
from headway.testing.samples import AT, OTHER, OWNER, batch, completed, new_run
from tests.unit.reporter.flaky import events_of, types_of

ASKED, ENDED = "run.cancel_requested", "run.cancelled"


def make() -> tuple[MemoryEventStore, FakeClock]:
    clock = FakeClock()
    store = MemoryEventStore(clock=clock)
    store.create(new_run())
    return store, clock


def ask(store: MemoryEventStore, reason: str | None = "enough") -> Cancelling:
    return request_cancel(store, "run", reason=reason, by="ada", now=lambda: 0.0)


def lose(store: MemoryEventStore, clock: FakeClock) -> None:
    store.take_over("run", OWNER, AT, 10.0)
    clock.advance(11.0)
    store.sweep()
    assert store.header("run").status == "lost"


def test_a_job_that_lives_ends_its_run_itself() -> None:
    store, _ = make()
    store.take_over("run", OWNER, AT, 10.0)
    assert ask(store) == Cancelling(again=False, ended=False)
    assert types_of(store)[-1] == ASKED
    assert codec.data_of(events_of(store)[-1]) == events.RunCancelRequested(by="ada", reason="enough")
    assert store.header("run").status == "running"


def test_a_second_request_says_nothing_new() -> None:
    store, _ = make()
    store.take_over("run", OWNER, AT, 10.0)
    ask(store)
    assert ask(store) == Cancelling(again=True, ended=False)
    assert types_of(store).count(ASKED) == 1


def test_a_run_that_waits_for_its_job_ends() -> None:
    store, _ = make()
    assert ask(store) == Cancelling(again=False, ended=True)
    assert types_of(store)[-2:] == [ASKED, ENDED]
    assert codec.data_of(events_of(store)[-1]) == events.RunCancelled(reason="enough")


def test_a_lost_run_ends() -> None:
    store, clock = make()
    lose(store, clock)
    assert ask(store).ended
    assert store.header("run").status == "cancelled"


def test_an_imported_run_that_nobody_ever_owned_here_ends() -> None:
    store, _ = make()
    started = events.draft(events.RunStarted(attempt=1, reporter=OWNER), at=AT)
    store.append(batch("run", 1, [started]))
    assert store.header("run").status == "running"
    assert ask(store).ended


def test_what_has_ended_cannot_be_cancelled() -> None:
    store, _ = make()
    store.append(batch("run", 1, [completed()]))
    with pytest.raises(RunEnded, match="nothing to cancel"):
        ask(store)
    with pytest.raises(NotFound):
        request_cancel(store, "other", reason=None, by=None, now=lambda: 0.0)


class TakenMeanwhile(MemoryEventStore):
    """Another owner takes the run over between the look at its header and the append."""

    times = 1

    def append(self, batch: Batch) -> Appended:
        if self.times:
            self.times -= 1
            self.take_over("run", OTHER, AT, 10.0)
        return super().append(batch)


def test_who_takes_it_over_meanwhile_is_asked_instead() -> None:
    store = TakenMeanwhile()
    store.create(new_run())
    assert ask(store) == Cancelling(again=False, ended=False)
    assert types_of(store)[-2:] == ["run.started", ASKED]


def test_a_run_that_is_lost_after_the_request_is_ended_by_whoever_looks() -> None:
    store, clock = make()
    store.take_over("run", OWNER, AT, 10.0)
    ask(store)
    clock.advance(11.0)
    assert end_abandoned(store, clock.wall) == ()
    store.sweep()
    assert end_abandoned(store, clock.wall) == ("run",)
    assert store.header("run").status == "cancelled"
    assert end_abandoned(store, clock.wall) == ()


def test_a_lost_run_that_nobody_wants_to_cancel_is_left_alone() -> None:
    store, clock = make()
    lose(store, clock)
    assert end_abandoned(store, clock.wall) == ()
    assert store.header("run").status == "lost"


class BackMeanwhile(MemoryEventStore):
    """Somebody takes the lost run over between the list and the append."""

    def append(self, batch: Batch) -> Appended:
        if batch.events[-1].type == ENDED:
            self.take_over("run", OTHER, AT, 10.0)
        return super().append(batch)


def test_one_that_was_taken_over_meanwhile_is_left_alone() -> None:
    clock = FakeClock()
    store = BackMeanwhile(clock=clock)
    store.create(new_run())
    store.take_over("run", OWNER, AT, 10.0)
    ask(store)
    clock.advance(11.0)
    store.sweep()
    assert end_abandoned(store, clock.wall) == ()
    assert store.header("run").status == "running"
