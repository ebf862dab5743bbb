"""Histories for who must not wait: what is known now, while newer ones are read."""

from __future__ import annotations

from typing import Any

import pytest

from headway.errors import StoreUnavailable
from headway.hub.history import FRESH_S, HISTORIES_KEPT, KnownHistories, read_history
from headway.stores.memory import MemoryEventStore
from headway.testing.samples import completed, new_run
from tests.unit.hub.reports import append
from tests.unit.hub.stage import Stage


class Moody:
    def __init__(self, store: MemoryEventStore) -> None:
        self.store = store
        self.out_of_reach = False

    def __getattr__(self, name: str) -> Any:
        if self.out_of_reach:
            raise StoreUnavailable("not now")
        return getattr(self.store, name)


@pytest.fixture
def stage() -> Stage:
    return Stage(Moody(MemoryEventStore()))


def complete(stage: Stage, run_id: str) -> None:
    stage.store.create(new_run(run_id))
    append(stage.store, run_id, [completed(duration=10.0)])


def test_nothing_is_known_at_first_and_more_after_a_while(stage: Stage) -> None:
    complete(stage, "first")
    histories = KnownHistories(stage.store, stage.surroundings)
    assert histories.of("sample", None).runs == ()
    assert histories.of("sample", None).runs == ()
    assert len(stage.surroundings.jobs) == 1
    stage.read()
    known = histories.of("sample", None)
    assert known == read_history(stage.store, "sample", None)
    assert len(known.runs) == 1
    complete(stage, "second")
    assert histories.of("sample", None) is known
    stage.clock.advance(FRESH_S + 1)
    assert histories.of("sample", None) is known
    stage.read()
    assert len(histories.of("sample", None).runs) == 2


def test_a_history_that_stayed_the_same_is_the_same_object(stage: Stage) -> None:
    complete(stage, "first")
    histories = KnownHistories(stage.store, stage.surroundings)
    histories.of("sample", None)
    stage.read()
    known = histories.of("sample", None)
    stage.clock.advance(FRESH_S + 1)
    histories.of("sample", None)
    stage.read()
    assert histories.of("sample", None) is known


def test_who_waits_is_called_once_also_when_the_store_is_out_of_reach(stage: Stage) -> None:
    complete(stage, "first")
    histories = KnownHistories(stage.store, stage.surroundings)
    called: list[str] = []
    histories.read("sample", None, lambda: called.append("a"))
    histories.read("sample", None, lambda: called.append("b"))
    assert len(stage.surroundings.jobs) == 1
    stage.read()
    known = histories.of("sample", None)
    stage.store.out_of_reach = True  # type: ignore[attr-defined]
    histories.read("sample", None, lambda: called.append("c"))
    stage.read()
    assert called == ["a", "b", "c"]
    assert histories.of("sample", None) is known


def test_the_histories_that_were_asked_for_last_are_kept(stage: Stage) -> None:
    histories = KnownHistories(stage.store, stage.surroundings)
    for number in range(HISTORIES_KEPT + 10):
        histories.of("sample", f"variant-{number}")
        stage.read()
        histories.of("sample", "variant-0")
    kept = [variant for _, variant in histories._known]
    assert kept == [*(f"variant-{number}" for number in range(11, HISTORIES_KEPT + 10)), "variant-0"]
    assert not stage.surroundings.jobs
