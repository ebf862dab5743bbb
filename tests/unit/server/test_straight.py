"""What a client may say in HTTP, and in what time, byte by byte on a transport that is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from headway.server import create_app
from headway.server.settings import Settings
from headway.server.streams.deadlines import Overdue
from headway.server.streams.straight import Bounds, StraightHttp
from headway.stores.files import FileArtifactStore
from headway.stores.memory import MemoryEventStore
from headway.testing.samples import new_run
from tests.unit.server.transports import FakeTransport

HEAD_BYTES = 1_000

ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
SEND = b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"


class Times:
    """See ``Deadlines``: what was asked for is counted, and comes when the test says so."""

    def __init__(self) -> None:
        self.added = 0
        self.waiting: set[Overdue] = set()

    def add(self, waiting: Overdue) -> None:
        self.added += 1
        self.waiting.add(waiting)

    def drop(self, waiting: Overdue) -> None:
        self.waiting.discard(waiting)


class Exchange:
    """A client and the protocol; the application reads whole bodies, and answers when ``answer`` is set."""

    def __init__(self) -> None:
        self.times = Times()
        self.heard: list[str] = []
        self.asked: list[tuple[Scope, bytes]] = []
        self.reads = asyncio.Event()
        self.answers = asyncio.Event()
        self.reads.set()
        self.answers.set()
        bounds = Bounds(Settings(head_bytes=HEAD_BYTES))
        bounds.deadlines = self.times  # type: ignore[assignment]
        config = uvicorn.Config(self.application, ws="none", interface="asgi3", log_config=None)
        self.protocol = bounds.protocol(config, ServerState(), {})
        self.transport = FakeTransport(self.protocol)
        self.protocol.connection_made(self.transport)

    async def application(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.reads.wait()
        body = b""
        while True:
            message = await receive()
            self.heard.append(message["type"])
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.asked.append((scope, body))
        await self.answers.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def say(self, *pieces: bytes) -> None:
        """In so many packets, with time for the application after each."""
        for piece in pieces:
            self.protocol.data_received(piece)
            await settle()

    async def overdue(self) -> None:
        """Its time is over."""
        assert self.times.waiting == {self.protocol}
        self.times.drop(self.protocol)
        self.protocol.overdue()
        await settle()

    def refused(self, status: int, code: str) -> bool:
        """Whether exactly this was said, and the end of it."""
        head, _, body = self.transport.taken().partition(b"\r\n\r\n")
        problem = json.loads(body)
        assert head.startswith(b"HTTP/1.1 %d " % status), head
        assert (problem["status"], problem["code"]) == (status, code)
        return self.transport.state == "ended" and self.times.waiting == {self.protocol}


async def settle() -> None:
    """Let everything happen that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def exchange(test: Callable[[Exchange], Awaitable[None]]) -> Callable[[], None]:
    """A test in an event loop."""

    def run() -> None:
        async def body() -> None:
            await test(Exchange())

        asyncio.run(body())

    run.__name__ = test.__name__
    return run


@exchange
async def test_between_requests_nothing_is_due(it: Exchange) -> None:
    await it.say(ASK)
    assert it.transport.taken().startswith(b"HTTP/1.1 204 ")
    assert not it.times.waiting
    await it.say(ASK[:20], ASK[20:], ASK + ASK)
    assert it.transport.taken().count(b"HTTP/1.1 204 ") == 3
    assert not it.times.waiting
    it.protocol._unset_keepalive_if_required()


@exchange
async def test_a_head_has_one_deadline_however_it_comes(it: Exchange) -> None:
    await it.say(*(ASK[at : at + 1] for at in range(len(ASK) - 1)))
    assert it.times.added == 1
    await it.overdue()
    assert it.refused(408, "request-timeout")
    await it.say(ASK[-1:])
    assert it.transport.taken() == b""
    await it.overdue()
    assert it.transport.state == "aborted"


@exchange
async def test_who_never_asks_is_left_without_a_word(it: Exchange) -> None:
    await it.overdue()
    assert (it.transport.state, it.transport.taken()) == ("closing", b"")


@exchange
async def test_an_empty_line_is_not_a_way_to_stay(it: Exchange) -> None:
    await it.say(ASK, b"\r\n")
    it.transport.taken()
    await it.overdue()
    assert it.refused(408, "request-timeout")


@exchange
async def test_each_part_of_a_body_gives_it_new_time(it: Exchange) -> None:
    await it.say(SEND)
    for number in range(100):
        await it.say(b"x" * 1000)
        assert it.times.added == number + (3 if number < 99 else 2)
    assert it.transport.taken().startswith(b"HTTP/1.1 204 ")
    assert not it.times.waiting
    it.protocol._unset_keepalive_if_required()


@exchange
async def test_a_body_that_stops_is_refused_and_the_application_told(it: Exchange) -> None:
    await it.say(SEND, b"x" * 1000)
    await it.overdue()
    assert it.refused(408, "request-timeout")
    assert it.heard[-1] == "http.disconnect"


@exchange
async def test_a_body_that_has_no_room_is_not_its_clients_fault(it: Exchange) -> None:
    it.reads.clear()
    await it.say(SEND, b"x" * 70_000)
    assert not it.transport.reading
    await it.overdue()
    await it.overdue()
    it.reads.set()
    await settle()
    await it.say(b"x" * 30_000)
    assert it.transport.taken().startswith(b"HTTP/1.1 204 ")
    it.protocol._unset_keepalive_if_required()


@exchange
async def test_a_body_that_nobody_has_asked_for_yet_is_waited_for(it: Exchange) -> None:
    it.reads.clear()
    await it.say(SEND.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    await it.overdue()
    it.reads.set()
    await settle()
    assert it.transport.taken() == b"HTTP/1.1 100 Continue\r\n\r\n"
    await it.overdue()
    assert it.refused(408, "request-timeout")


@exchange
async def test_a_head_behind_a_request_waits_for_its_answer(it: Exchange) -> None:
    it.answers.clear()
    await it.say(ASK + ASK[:10])
    await it.overdue()
    assert (it.transport.state, it.transport.taken()) == ("open", b"")
    it.answers.set()
    await settle()
    assert it.transport.taken().startswith(b"HTTP/1.1 204 ")
    await it.overdue()
    assert it.refused(408, "request-timeout")
    it.protocol._unset_keepalive_if_required()


@pytest.mark.parametrize(
    "pieces",
    [
        [ASK[:-2] + b"A: " + b"b" * HEAD_BYTES + b"\r\n\r\n"],
        [ASK[:-2] + b"A: bbbbbb\r\n" * (HEAD_BYTES // 7) + b"\r\n"],
        [ASK[:-2] + b"A: ", *[b"b" * 100] * (HEAD_BYTES // 100)],
        [b"GET /" + b"a" * HEAD_BYTES + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"],
        [ASK, ASK[:-2] + b"A: ", b"b" * HEAD_BYTES],
        [SEND[:-2] + b"A: " + b"b" * HEAD_BYTES + b"\r\n\r\n"],
    ],
    ids=["one header", "many", "in pieces", "the URL", "the second request", "before a body"],
)
def test_a_head_that_is_too_large(pieces: list[bytes]) -> None:
    async def body() -> None:
        it = Exchange()
        for piece in pieces:
            it.transport.taken()
            await it.say(piece)
        assert it.refused(431, "head-too-large")
        await it.say(ASK)
        assert it.transport.taken() == b""

    asyncio.run(body())


CHUNKED = SEND.replace(b"Content-Length: 100000", b"Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    "rest",
    [b"1;" + b"a" * HEAD_BYTES, b"1\r\nx\r\n0\r\nA: " + b"b" * 2 * HEAD_BYTES, b"0\r\n" + b"A: b\r\n" * HEAD_BYTES],
    ids=["an extension", "a trailer", "many trailers"],
)
def test_what_is_said_beside_a_body_is_bounded_too(rest: bytes) -> None:
    async def body() -> None:
        it = Exchange()
        await it.say(CHUNKED, *(rest[at : at + 100] for at in range(0, len(rest), 100)))
        assert it.refused(431, "head-too-large")

    asyncio.run(body())


@exchange
async def test_a_large_body_in_one_packet_with_its_head_is_no_large_head(it: Exchange) -> None:
    await it.say(SEND + b"x" * 100_000)
    assert it.transport.taken().startswith(b"HTTP/1.1 204 ")
    await it.say(CHUNKED + b"186a0\r\n" + b"x" * 100_000 + b"\r\n0\r\n\r\n")
    assert it.transport.taken().startswith(b"HTTP/1.1 204 ")
    it.protocol._unset_keepalive_if_required()


@exchange
async def test_what_is_no_http_is_refused(it: Exchange) -> None:
    await it.say(b"\x16\x03\x01\x02\x00")
    assert it.refused(400, "invalid")


@exchange
async def test_nothing_is_said_behind_a_refusal(it: Exchange) -> None:
    await it.say(CHUNKED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n") + b"no size\r\n")
    assert it.refused(400, "invalid")
    assert it.heard == ["http.disconnect"]


@exchange
async def test_nothing_is_said_in_the_middle_of_an_answer(it: Exchange) -> None:
    it.answers.clear()
    await it.say(ASK, b"\x16\x03\x01\x02\x00")
    assert (it.transport.state, it.transport.taken()) == ("aborted", b"")


@exchange
async def test_nothing_is_said_in_the_middle_of_the_second_answer(it: Exchange) -> None:
    it.answers.clear()
    await it.say(ASK + SEND)
    it.answers.set()
    await settle()
    assert it.transport.taken().startswith(b"HTTP/1.1 204 ")
    it.answers.clear()
    await it.say(b"x" * 100_000, b"\x16\x03\x01\x02\x00")
    assert (it.transport.state, it.transport.taken()) == ("aborted", b"")


@exchange
async def test_the_end_of_a_connection_is_told_to_the_answer_before_the_last(it: Exchange) -> None:
    it.reads.clear()
    await it.say(SEND + b"x" * 100_000 + ASK)
    it.protocol.connection_lost(None)
    it.reads.set()
    await settle()
    assert it.heard == ["http.disconnect"]


class Filling(FakeTransport):
    """Full from when the stream's first text is written."""

    def write(self, data: Any) -> None:
        super().write(data)
        if b"retry:" in data:
            self.protocol.pause_writing()


def test_a_stream_whose_first_text_fills_the_transport_waits_until_it_has_room() -> None:
    async def body() -> None:
        store = MemoryEventStore()
        store.create(new_run())
        app = create_app(store, artifacts=FileArtifactStore(Path("unused")))
        await app.backend.start()
        await app.backend.hub.run("run")  # so it is in memory, and needs no thread
        config = uvicorn.Config(app, ws="none", interface="asgi3", log_config=None)
        protocol = Bounds(Settings()).protocol(config, ServerState(), {})
        transport = Filling(protocol)
        protocol.connection_made(transport)
        protocol.data_received(ASK.replace(b"/", b"/api/v1/runs/run/stream", 1))
        await settle()
        said = transport.taken()
        assert b"event: welcome" in said
        assert b"event: snapshot" not in said
        protocol.resume_writing()
        assert b"event: snapshot" in transport.taken()
        protocol.connection_lost(None)
        await app.backend.close()

    asyncio.run(body())


class Upgraded(asyncio.Protocol):
    """What a WebSocket is served by."""

    def __init__(self, **_: Any) -> None:
        self.paused = False

    def pause_writing(self) -> None:
        self.paused = True


@exchange
async def test_a_websocket_on_a_full_transport_is_told_so(it: Exchange) -> None:
    it.protocol.ws_protocol_class = Upgraded
    for full in (False, True):
        if full:
            it.protocol.pause_writing()
        await it.say(ASK[:-2] + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        inner = it.transport.protocol
        assert isinstance(inner, Upgraded)
        assert inner.paused == full


OTHER = b"POST /a?b=c HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
BODIES = {
    "sized": b"Content-Length: %d\r\n\r\n%b" % (len(ASK), ASK),
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(ASK), ASK),
    "with a trailer": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\nUpgrade: h2c\r\n\r\n" % (len(ASK), ASK),
    "the last": b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(ASK), ASK),
}


@pytest.mark.parametrize("size", [1, 7, 150, 10_000])
@pytest.mark.parametrize("form", BODIES)
def test_another_protocol_is_passed_over_and_a_body_that_looks_like_a_request_is_none(form: str, size: int) -> None:
    count = 1 if form == "the last" else 3
    said = (OTHER + BODIES[form]) * count

    async def body() -> None:
        it = Exchange()
        await it.say(*(said[at : at + size] for at in range(0, len(said), size)))
        assert [asked for _, asked in it.asked] == [ASK] * count
        for scope, _ in it.asked:
            assert (scope["method"], scope["raw_path"], scope["query_string"]) == ("POST", b"/a", b"b=c")
            assert [name for name, _ in scope["headers"]][:2] == [b"host", b"connection"]
        assert it.transport.taken().count(b"HTTP/1.1 204 ") == count
        assert not it.times.waiting
        it.protocol._unset_keepalive_if_required()

    asyncio.run(body())


@exchange
async def test_a_head_that_asks_for_another_protocol_counts_once(it: Exchange) -> None:
    await it.say(OTHER + b"A: " + b"b" * (HEAD_BYTES * 2 // 3) + b"\r\nContent-Length: 5\r\n\r\n")
    assert it.transport.taken() == b""
    await it.overdue()
    assert it.refused(408, "request-timeout")
    assert it.heard == ["http.disconnect"]


@exchange
async def test_connect_is_refused_whatever_it_asks_for(it: Exchange) -> None:
    await it.say(OTHER.replace(b"POST /a?b=c", b"CONNECT localhost:80") + b"\r\n" + ASK)
    assert it.refused(400, "invalid")


def test_protocols_are_made_as_uvicorn_makes_them() -> None:
    async def body() -> Any:
        config = uvicorn.Config(Exchange.application, ws="none", interface="asgi3", log_config=None)
        loop = asyncio.get_running_loop()
        return Bounds(Settings()).protocol(config=config, server_state=ServerState(), app_state={}, _loop=loop)

    assert isinstance(asyncio.run(body()), StraightHttp)
