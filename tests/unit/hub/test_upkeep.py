"""Upkeep: silence is noticed, old runs go, their artifacts too, and trouble is not the end of it."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headway.errors import NotFound, StoreUnavailable
from headway.hub.settings import HubSettings
from headway.hub.upkeep import Upkeep
from headway.ports import Lease, Pruned, PrunePolicy, SweepRules, Swept
from headway.protocol import events as ev
from headway.protocol import times
from headway.stores.files import FileArtifactStore
from headway.stores.memory import MemoryEventStore
from headway.testing import FakeClock
from headway.testing.samples import AT, OWNER, completed, new_run
from tests.unit.hub.readers import LONG_S
from tests.unit.hub.reports import append


class Troubled:
    """A store that is out of reach when it is told to be."""

    def __init__(self, store: MemoryEventStore) -> None:
        self.store = store
        self.sweeps = 0
        self.trouble: Exception | None = None

    def sweep(self, rules: SweepRules | None = None, *, remote: bool = False) -> Swept:
        self.sweeps += 1
        if self.trouble is not None:
            raise self.trouble
        return self.store.sweep(rules, remote=remote)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


class House:
    def __init__(self, path: Path, *retention: PrunePolicy) -> None:
        self.clock = FakeClock()
        self.store = Troubled(MemoryEventStore(clock=self.clock))
        self.artifacts = FileArtifactStore(path)
        self.upkeep = Upkeep(self.store, self.artifacts, HubSettings(retention=retention), self.clock)


def test_a_lost_run_is_noticed_and_ends_when_its_cancel_was_requested(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.store.create(new_run())
    house.store.take_over("run", OWNER, AT, 30.0)
    append(house.store, "run", [ev.draft(ev.RunCancelRequested(), at=AT)])
    house.upkeep.look()
    assert house.store.header("run").status == "running"
    house.clock.advance(31)
    house.upkeep.look()
    assert house.store.header("run").status == "cancelled"


def take_over_from_afar(house: House) -> None:
    house.store.create(new_run())
    house.store.take_over("run", OWNER, AT, 30.0, remote=True)


def test_who_could_not_be_heard_is_given_its_whole_time_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    take_over_from_afar(house)
    house.clock.advance(1_000)
    house.upkeep.look()  # a server that begins
    house.clock.advance(20)
    house.upkeep.look()  # one that stood still
    for _ in range(5):
        house.clock.advance(5)
        house.upkeep.look()
    assert house.store.header("run").status == "running"
    house.clock.advance(5)
    house.upkeep.look()
    assert house.store.header("run").status == "lost"


def test_a_store_that_was_away_is_no_silence_of_those_who_report(tmp_path: Path) -> None:
    house = House(tmp_path)
    take_over_from_afar(house)
    house.upkeep.look()
    house.store.trouble = StoreUnavailable("not now")
    for _ in range(7):
        house.clock.advance(5)
        house.upkeep.look()
    house.store.trouble = None
    house.upkeep.look()
    assert house.store.header("run").status == "running"
    house.store.renew(Lease(run_id="run", reporter=OWNER, ttl_s=30.0, owner=True, remote=True))


def test_old_runs_are_removed_once_a_minute_with_what_only_they_named(tmp_path: Path) -> None:
    house = House(tmp_path, PrunePolicy(older_than_s=100))
    blob = house.artifacts.put(io.BytesIO(b"result"))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            os.utime(path, (0, 0))  # content that was stored just now is left alone
    house.store.create(new_run())
    ended = completed(at=times.to_text(house.clock.wall()))
    append(house.store, "run", [ev.draft(ev.Artifact(name="a", sha256=blob.sha256), at=AT), ended])
    house.upkeep.look()
    house.clock.advance(101)
    house.upkeep.look()
    assert house.store.list_runs().headers == ()
    with pytest.raises(NotFound):
        house.artifacts.open(blob.sha256)


def test_artifacts_that_are_named_stay(tmp_path: Path) -> None:
    house = House(tmp_path, PrunePolicy(max_runs=1))
    blob = house.artifacts.put(io.BytesIO(b"result"))
    kept = []
    for run_id in ("first", "second", "third"):
        house.store.create(new_run(run_id))
        append(house.store, run_id, [ev.draft(ev.Artifact(name="a", sha256=blob.sha256), at=AT), completed()])
        house.clock.advance(30)
        house.upkeep.look()
        kept.append([header.run_id for header in house.store.list_runs().headers])
    assert kept == [["first"], ["second", "first"], ["third"]]
    house.artifacts.open(blob.sha256).close()


def test_its_end_stops_a_removal() -> None:
    class Endless(MemoryEventStore):
        """Removing takes as long as it may."""

        begun = threading.Event()

        def prune(
            self, policy: PrunePolicy, *, dry_run: bool = False, stop: Callable[[], bool] = lambda: False
        ) -> Pruned:
            self.begun.set()
            while not stop():
                pass
            return Pruned(runs=("old",), size_bytes=1)

    store = Endless()
    settings = HubSettings(sweep_s=0.001, retention=(PrunePolicy(max_runs=0),))
    upkeep = Upkeep(store, None, settings, FakeClock())
    upkeep.start()
    assert store.begun.wait(LONG_S)
    asyncio.run(upkeep.stop())
    assert not upkeep.is_going_on


@pytest.mark.parametrize("trouble", [StoreUnavailable("not now"), ValueError("nobody has foreseen this")])
def test_trouble_is_logged_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, trouble: Exception
) -> None:
    house = House(tmp_path)
    house.store.trouble = trouble
    house.upkeep.look()
    assert "looking after the store failed" in caplog.text
    house.store.trouble = None
    house.upkeep.look()
    assert house.store.sweeps == 2


def test_the_thread_looks_and_stops(tmp_path: Path) -> None:
    house = House(tmp_path)
    upkeep = Upkeep(house.store, None, HubSettings(sweep_s=0.001), house.clock)
    upkeep.start()
    while house.store.sweeps < 3:
        pass
    asyncio.run(upkeep.stop())
    swept = house.store.sweeps
    asyncio.run(upkeep.stop())
    assert house.store.sweeps == swept
    never = Upkeep(house.store, None, HubSettings(sweep_s=0), house.clock)
    never.start()
    asyncio.run(never.stop())
