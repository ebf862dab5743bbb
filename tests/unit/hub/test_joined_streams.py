"""Streams of several runs: the id of every frame has the places of all of them."""

from __future__ import annotations

import pytest

from headway.errors import TooManyRuns
from headway.hub.framing import SSE_JOINED
from headway.hub.settings import HubSettings
from headway.hub.sink import Sink
from headway.protocol.frames import CloseCode, Watch, WatchedRun, WelcomeFrame
from headway.protocol.sse import SseEvent, SseParser
from headway.testing.samples import new_run
from tests.unit.hub.reports import end, note
from tests.unit.hub.stage import Stage


class Stream(Sink):
    def __init__(self, last_id: str) -> None:
        self.parser = SseParser(last_id=last_id)
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


def watch(stage: Stage, *runs: tuple[str, str | None], last_id: str = "") -> Stream:
    stream = Stream(last_id)
    watched = tuple(WatchedRun(run_id=run_id, after=after) for run_id, after in runs)
    connection = stage.hub.connect(stream, SSE_JOINED)
    connection.expect(watched)
    connection.send(WelcomeFrame(server="test", session="s", heartbeat=25.0))
    connection.watch(Watch(runs=watched, mode="all", close_on_end=True))
    stage.settle()
    assert stream.events.pop(0).event == "welcome"
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


def test_every_frame_from_the_first_on_has_the_places_that_were_asked_for(stage: Stage) -> None:
    stream = watch(stage, ("a", "0"), ("b", None), ("gone", "e.3.1f"), ("over", "e.4.1f.end"))
    head = str(stage.store.header("b").cursor)
    assert stream.events[0].id == "0,,e.3.1f,e.4.1f.end"
    assert stream.events[-1].id == f"{stage.store.header('a').cursor},{head},e.3.1f,e.4.1f.end"


def test_a_stream_without_a_place_has_no_id_and_takes_none_away(stage: Stage) -> None:
    stream = Stream("what a browser has")
    connection = stage.hub.connect(stream, SSE_JOINED)
    connection.expect((WatchedRun(run_id="a"),))
    connection.send(WelcomeFrame(server="test", session="s", heartbeat=25.0))
    assert stream.events[0].id == "what a browser has"


def test_a_joined_stream_has_so_many_runs_and_no_more() -> None:
    stage = Stage(settings=HubSettings(runs_per_stream=2))
    assert watch(stage, ("a", None), ("b", None)).events
    with pytest.raises(TooManyRuns):
        watch(stage, ("a", None), ("b", None), ("c", None))
    others = tuple(WatchedRun(run_id=run_id) for run_id in "abc")
    stage.connect().connection.watch(Watch(runs=others))  # what has no id of all may have more


def test_a_run_that_is_refused_or_breaks_off_keeps_its_place() -> None:
    stage = Stage(settings=HubSettings(runs_per_connection=2, kinds_per_run=1))
    stage.store.create(new_run("a"))
    stage.store.create(new_run("b"))
    stage.watch("a", types=("x.other",))
    a, b = (str(stage.store.header(run_id).cursor) for run_id in ("a", "b"))
    stream = watch(stage, ("a", a), ("b", b))
    assert [event.event for event in stream.events] == ["problem"]
    note(stage, "x", run_id="b")
    stage.settle()
    assert stream.events[-1].id == f"{a},{stage.store.header('b').cursor}"
