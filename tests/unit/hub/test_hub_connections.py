"""Connections: what all of them are told, transports that are full or fail, and how everything ends."""

from __future__ import annotations

import pytest

from headway.hub.connection import COME_BACK_S, TOLD_BYTES
from headway.hub.settings import HubSettings
from headway.ports import Notice
from headway.protocol.farewell import wait_of
from headway.protocol.frames import CloseCode, Watch, WatchedRun
from headway.testing.samples import new_run
from tests.unit.hub.audience import Audience
from tests.unit.hub.reports import note
from tests.unit.hub.stage import Stage


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.store.create(new_run())
    stage.settle()
    return stage


def test_who_takes_nothing_is_told_so_much_of_what_is_refused_and_no_more(stage: Stage) -> None:
    watcher = stage.connect(full_at=0)
    watcher.connection.snapshot("x")
    enough = TOLD_BYTES // len(watcher.raw[0])
    for _ in range(enough + 1):
        watcher.connection.snapshot("x")
    assert watcher.types() == ["problem"] * (1 + enough)
    assert watcher.closed is not None
    assert watcher.closed[0] is CloseCode.OVERLOAD


def test_everybody_hears_a_notice_and_who_is_stuck_later(stage: Stage) -> None:
    watcher, stuck = stage.watch(), stage.connect(full_at=0)
    stuck.connection.watch(Watch(run_id="run"))
    stage.settle()
    stage.store.announce(Notice(text="noon", level="warning"))
    stage.follow()
    assert watcher.frames[-1] == {"type": "notice", "text": "noon", "level": "warning"}
    assert "notice" not in stuck.types()
    stuck.drain()
    assert stuck.types()[-1] == "notice"
    stuck.drain()
    assert stuck.types().count("notice") == 1


def test_notices_that_fill_the_transport_again_come_one_by_one_and_none_is_lost(stage: Stage) -> None:
    stuck = stage.connect(full_at=0)
    stuck.connection.pause()
    for text in "abc":
        stage.store.announce(Notice(text=text))
    stage.follow()
    for heard in ("a", "ab"):
        stuck.drain()
        assert "".join(frame["text"] for frame in stuck.of("notice")) == heard
    stage.wait(HubSettings().stuck_s - 1)
    stage.store.announce(Notice(text="d"))
    stage.follow()
    for _ in range(3):
        stuck.drain()
    assert "".join(frame["text"] for frame in stuck.of("notice")) == "abcd"


def test_closing_the_hub_closes_everybody_with_an_advice(stage: Stage) -> None:
    watchers = [stage.watch() for _ in range(3)]
    stage.settle()
    stage.hub.close()
    for watcher in watchers:
        assert watcher.closed is not None
        assert watcher.closed[0] is CloseCode.GOING_AWAY
        wait = wait_of(watcher.closed[1])
        assert wait is not None
        assert 0 <= wait <= COME_BACK_S
    assert len({watcher.closed for watcher in watchers}) > 1
    assert stage.hub.feeds == {}


def test_who_comes_to_a_hub_that_is_closed_is_sent_away_at_once(stage: Stage) -> None:
    stage.hub.close()
    watcher = stage.watch(close_on_end=True)
    assert watcher.closed is not None
    code, reason = watcher.closed
    assert (code, wait_of(reason) is None) == (CloseCode.GOING_AWAY, False)
    stage.wait(HubSettings().heartbeat_s)
    assert (watcher.frames, watcher.beats) == ([], 0)
    assert stage.hub.feeds == {}
    assert stage.surroundings.due() is None


def test_a_transport_that_fails_harms_nobody_else(stage: Stage) -> None:
    watchers = [stage.watch(mode="all") for _ in range(3)]
    stage.settle()
    watchers[1].broken = True
    note(stage, "a")
    stage.settle()
    assert [watcher.texts() for watcher in watchers] == [["a"], [], ["a"]]
    assert watchers[1].closed is not None
    code, reason = watchers[1].closed
    assert (code, wait_of(reason) is None) == (CloseCode.GOING_AWAY, False)
    assert len(stage.hub.connections) == 2


def test_nothing_is_watched_on_a_transport_that_fails_in_the_middle_of_it() -> None:
    stage = Stage(settings=HubSettings(runs_per_connection=2))
    watcher = stage.connect()
    watcher.connection.watch(Watch(runs=(WatchedRun(run_id="a"), WatchedRun(run_id="b"))))
    stage.settle()
    watcher.broken = True
    watcher.connection.watch(Watch(runs=(WatchedRun(run_id="refused"), WatchedRun(run_id="a"))))
    assert watcher.connection.closed
    assert watcher.connection.watchers == {}
    stage.settle()
    assert stage.hub.feeds == {}


def test_beats_are_spread_over_the_period(stage: Stage) -> None:
    watchers: list[Audience] = []
    for _ in range(20):
        watchers.append(stage.watch())
        stage.wait(1.25)
    stage.wait(26)
    assert {watcher.beats for watcher in watchers} <= {1, 2}
    stage.wait(25)
    assert {watcher.beats for watcher in watchers} <= {2, 3}
