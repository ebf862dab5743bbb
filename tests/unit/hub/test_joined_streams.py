"""Streams of several runs: the id of every frame has the places of all of them."""

from __future__ import annotations

import pytest

from headway.hub.framing import SSE_JOINED
from headway.hub.sink import Sink
from headway.protocol.frames import CloseCode, Watch, WatchedRun
from headway.protocol.sse import SseEvent, SseParser
from headway.testing.samples import new_run
from tests.unit.hub.reports import end, note
from tests.unit.hub.stage import Stage


class Stream(Sink):
    def __init__(self) -> None:
        self.parser = SseParser()
        self.events: list[SseEvent] = []
        self.closed: CloseCode | None = None

    def write(self, data: bytes) -> None:
        self.events += self.parser.feed(data)

    def beat(self) -> None: ...

    def close(self, code: CloseCode, reason: str) -> None:
        self.closed = code


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    for run_id in ("a", "b"):
        stage.store.create(new_run(run_id))
    return stage


def watch(stage: Stage, *runs: tuple[str, str | None]) -> Stream:
    stream = Stream()
    watched = tuple(WatchedRun(run_id=run_id, after=after) for run_id, after in runs)
    stage.hub.connect(stream, SSE_JOINED).watch(Watch(runs=watched, mode="all", close_on_end=True))
    stage.settle()
    return stream


def test_ids_have_the_places_of_all_runs_in_their_order(stage: Stage) -> None:
    stream = watch(stage, ("a", None), ("b", None), ("c", None))
    cursors = [str(stage.store.header(run_id).cursor) for run_id in ("a", "b")]
    assert (stream.events[0].event, stream.events[0].id) == ("waiting", ",,0")
    assert stream.events[-1].id == f"{cursors[0]},{cursors[1]},0"
    note(stage, "x", run_id="a")
    stage.settle()
    assert stream.events[-1].id == f"{stage.store.header('a').cursor},{cursors[1]},0"


def test_an_ended_run_keeps_its_place_and_the_last_closes_the_stream(stage: Stage) -> None:
    stream = watch(stage, ("a", None), ("b", None))
    end(stage, "a")
    stage.settle()
    a = stage.store.header("a").cursor
    b = stage.store.header("b").cursor
    assert (stream.events[-1].event, stream.events[-1].id) == ("end", f"{a}.end,{b}")
    assert stream.closed is None
    note(stage, "x", run_id="b")
    stage.settle()
    assert stream.events[-1].id == f"{a}.end,{stage.store.header('b').cursor}"
    end(stage, "b")
    stage.settle()
    assert stream.events[-1].id == f"{a}.end,{stage.store.header('b').cursor}.end"
    assert stream.closed is CloseCode.ALL_ENDED


def test_a_stream_is_resumed_by_the_parts_of_its_id(stage: Stage) -> None:
    stream = watch(stage, ("a", None), ("b", None))
    end(stage, "a")
    stage.settle()
    note(stage, "missed", run_id="b")
    stage.settle()
    first = stream.events[-2].id.split(",")
    again = watch(stage, ("a", first[0]), ("b", first[1]))
    assert [event.event for event in again.events] == ["events"]
    assert "missed" in again.events[0].data
    assert again.events[0].id.startswith(first[0] + ",")
    last = stream.events[-1].id.split(",")
    over = watch(stage, ("a", last[0]), ("b", str(stage.store.header("b").cursor) + ".end"))
    assert over.events == []
    assert over.closed is CloseCode.ALL_ENDED
