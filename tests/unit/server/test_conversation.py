"""What becomes of what a client says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from headway.hub.settings import HubSettings
from headway.protocol.frames import CloseCode
from headway.server import Settings
from headway.server.streams.conversation import FULL_WATCHES, Conversation
from tests.unit.hub.audience import Audience
from tests.unit.hub.stage import Stage

WATCH = '{"type": "watch", "run_id": "run"}'


def conversation(watcher: Audience, **settings: Any) -> Conversation:
    backend = SimpleNamespace(settings=Settings(**settings))
    return Conversation(cast(Any, backend), watcher.connection)


def closed_with(watcher: Audience) -> CloseCode | None:
    return None if watcher.closed is None else watcher.closed[0]


def test_nothing_is_watched_for_a_connection_that_has_ended() -> None:
    stage = Stage()
    watcher = stage.connect()
    says = conversation(watcher, message_bytes=len(WATCH))
    says.take(WATCH + " ")
    assert closed_with(watcher) is CloseCode.TOO_BIG
    says.take(WATCH)
    assert watcher.connection.watchers == {}
    assert stage.hub.feeds == {}


def test_a_message_is_as_large_as_the_server_was_told() -> None:
    watcher = Stage().connect()
    says = conversation(watcher, message_bytes=len(WATCH))
    says.take(WATCH)
    assert closed_with(watcher) is None
    says.take(WATCH + " ")
    assert watcher.frames[-1]["code"] == "message-too-large"
    assert closed_with(watcher) is CloseCode.TOO_BIG


@pytest.mark.parametrize(("runs", "times"), [(1_000, FULL_WATCHES), (60, 66), (40, 100), (39, 200), (1, 200)])
def test_so_many_runs_may_be_watched_so_often(runs: int, times: int) -> None:
    watcher = Stage().connect()
    says = conversation(watcher, messages=200)
    watch = msgspec.json.encode({"type": "watch", "runs": [{"run_id": f"run-{n}"} for n in range(runs)]})
    for _ in range(times):
        says.take(watch)
    assert closed_with(watcher) is None
    says.take(watch)
    assert closed_with(watcher) is CloseCode.TOO_MANY_MESSAGES


def test_what_is_refused_is_told_to_who_is_stuck_too() -> None:
    watcher = Stage(settings=HubSettings(runs_per_connection=1)).connect()
    says = conversation(watcher)
    watcher.connection.pause()
    says.take(WATCH)
    for refused in (WATCH.replace('"run"', '"other"'), '{"type": "snapshot", "run_id": "other"}', "x", " " * 70_000):
        says.take(refused)
    codes = [frame["code"] for frame in watcher.of("problem")]
    assert codes == ["too-many-runs", "not-found", "invalid-json", "message-too-large"]
    assert closed_with(watcher) is CloseCode.TOO_BIG


def test_of_pings_that_nobody_takes_the_answers_to_the_newest_is_answered_when_there_is_room() -> None:
    watcher = Stage().connect()
    says = conversation(watcher)
    says.take('{"type": "ping"}')
    watcher.connection.pause()
    for echo in (1, 2, 3):
        says.take(f'{{"type": "ping", "echo": {echo}}}')
    assert [frame["echo"] for frame in watcher.of("pong")] == [None]
    watcher.drain()
    assert [frame["echo"] for frame in watcher.of("pong")] == [None, 3]
    watcher.connection.pause()
    watcher.drain()
    assert len(watcher.of("pong")) == 2


def test_a_token_is_no_defect_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    watcher = Stage().connect()
    conversation(watcher).take('{"type": "token", "token": "x"}')
    assert watcher.frames[-1]["code"] == "not-supported"
    assert caplog.messages == []
