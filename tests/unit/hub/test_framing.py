"""Framings: the bytes that transports write, read again by parsers that others wrote or that clients use."""

from __future__ import annotations

import pytest
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.streams import StreamReader

from headway.hub.framing import JSON, SSE, SSE_JOINED, WEBSOCKET, Prepared, prepared
from headway.protocol.frames import EndFrame, HeartbeatFrame, NoticeFrame
from headway.protocol.sse import SseEvent, SseParser


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_websocket_frame_of_any_length(size: int) -> None:
    body = b"x" * size
    data = WEBSOCKET.wrap(Prepared("notice", body))
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    steps = WireFrame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as done:
        next(steps)
    frame = done.value.value
    assert (frame.opcode, frame.data, frame.fin) == (Opcode.TEXT, body, True)
    with pytest.raises(StopIteration) as at_end:
        next(reader.at_eof())
    assert at_end.value.value is True


def test_a_stream_of_one_run_has_its_cursor_as_the_id() -> None:
    end = prepared(EndFrame(run_id="r", status="completed", cursor="e.3.1"))
    events = Prepared("events", b"{}", "e.2.1")
    (first, second, third) = SseParser().feed(
        SSE.wrap(events) + SSE.wrap(prepared(HeartbeatFrame(at="now"))) + SSE.wrap(end)
    )
    assert first == SseEvent(event="events", data="{}", id="e.2.1")
    assert (second.event, second.id) == ("heartbeat", "e.2.1")
    assert (third.event, third.id) == ("end", "e.3.1.end")


def test_a_stream_of_several_runs_leaves_the_id_to_the_connection() -> None:
    assert SSE_JOINED.wrap(Prepared("events", b"{}", "e.2.1")) == b"event: events\ndata: {}\n\n"


def test_json_is_the_frame_alone() -> None:
    frame = NoticeFrame(text="hello")
    assert JSON.wrap(prepared(frame)) == b'{"type":"notice","text":"hello","level":"info"}'
