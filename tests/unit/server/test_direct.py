"""A watcher's WebSocket on a transport that is none: what its client says, and in what time."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from headway.protocol.frames import CloseCode
from headway.server import Settings, create_app
from headway.server.streams.direct import DirectWatch, Paths
from headway.server.streams.handshake import parse_head
from headway.stores.files import FileArtifactStore
from headway.stores.memory import MemoryEventStore
from tests.unit.server.transports import FakeTransport

OPENING = (
    b"GET /watch HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def frame(opcode: int, payload: bytes = b"", *, last: bool = True) -> bytes:
    """What a client sends, with a mask that changes nothing."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack("!H", len(payload))
    return bytes([0x80 * last | opcode]) + size + bytes(4) + payload


class Visit:
    """A watcher that was made welcome."""

    def __init__(self, paths: Paths) -> None:
        self.watch = DirectWatch(paths, set())
        self.transport = FakeTransport(self.watch)
        self.watch.connection_made(self.transport)
        self.watch.open(parse_head(OPENING))
        assert b'"welcome"' in self.transport.taken()

    def closed_with(self) -> int:
        """The code of the Close that was just sent."""
        said = self.transport.taken()
        return int(struct.unpack("!H", said[said.rindex(b"\x88") + 2 :][:2])[0])


def visit(test: Callable[[Visit], Awaitable[None]]) -> Callable[[], None]:
    """A test in an event loop."""

    def run() -> None:
        async def body() -> None:
            artifacts = FileArtifactStore(Path("unused"))
            app = create_app(MemoryEventStore(), artifacts=artifacts, settings=Settings(messages=20))
            await app.backend.start()
            try:
                await test(Visit(Paths(app.backend, app.guard, "/watch", WSProtocol)))
            finally:
                await app.backend.close()

        asyncio.run(body())

    run.__name__ = test.__name__
    return run


@visit
async def test_who_does_not_answer_is_cut_off(it: Visit) -> None:
    it.watch.beat()
    it.transport.taken()
    it.watch.overdue()
    assert it.closed_with() == CloseCode.NO_SIGN_OF_LIFE
    it.watch.overdue()
    assert it.transport.state == "aborted"


@visit
async def test_who_is_gone_is_not_kept_for_its_deadline(it: Visit) -> None:
    it.watch.beat()
    it.watch.connection_lost(None)
    assert not it.watch._paths.deadlines._waiting


@visit
async def test_who_is_full_cannot_be_seen_to_answer(it: Visit) -> None:
    it.watch.beat()
    it.transport.taken()
    it.watch.pause_writing()
    it.watch.overdue()
    it.watch.beat()
    assert (it.transport.taken(), it.transport.state) == (b"", "open")


@visit
async def test_who_has_taken_something_is_alive(it: Visit) -> None:
    it.watch.beat()
    it.watch.pause_writing()
    it.watch.resume_writing()
    it.transport.taken()
    it.watch.overdue()
    assert (it.transport.taken(), it.transport.state) == (b"", "open")
    it.watch.beat()
    it.transport.taken()
    it.watch.overdue()
    assert it.closed_with() == CloseCode.NO_SIGN_OF_LIFE


@visit
async def test_while_it_is_full_only_the_newest_ping_is_owed_an_answer(it: Visit) -> None:
    it.watch.pause_writing()
    it.watch.data_received(b"".join(frame(PING, b"%d" % number) for number in range(10)))
    assert it.transport.taken() == b""
    it.watch.resume_writing()
    assert it.transport.taken() == b"\x8a\x019"
    it.watch.pause_writing()
    it.watch.resume_writing()
    assert it.transport.taken() == b""


@pytest.mark.parametrize("said", [frame(PING), frame(PONG), frame(0, last=False)])
def test_everything_that_is_said_counts(said: bytes) -> None:
    @visit
    async def body(it: Visit) -> None:
        it.watch.data_received(frame(TEXT, b"{", last=False) + said * 19)
        assert it.transport.taken().count(b"\x8a\x00") == (19 if said == frame(PING) else 0)
        it.watch.data_received(said * 1000)
        assert it.closed_with() == CloseCode.TOO_MANY_MESSAGES
        assert (it.transport.state, it.transport.reading) == ("ended", False)
        it.watch.overdue()
        assert it.transport.state == "aborted"

    body()


@visit
async def test_answers_to_pings_do_not_count(it: Visit) -> None:
    for _ in range(100):
        it.watch.beat()
        it.watch.data_received(frame(PONG))
    it.transport.taken()
    it.watch.data_received(frame(PING))
    assert it.transport.taken() == b"\x8a\x00"


@visit
async def test_a_message_may_come_byte_by_byte(it: Visit) -> None:
    message = b'{"type": "ping", "echo": "\xc3\xbc"}'
    for at in range(len(frame(TEXT, message))):
        it.watch.data_received(frame(TEXT, message)[at : at + 1])
    assert '"echo":"ü"'.encode() in it.transport.taken()
    it.watch.data_received(frame(TEXT, message[:27], last=False) + frame(PING) + frame(0, message[27:]))
    assert '"echo":"ü"'.encode() in it.transport.taken()


@visit
async def test_a_message_is_measured_in_bytes(it: Visit) -> None:
    half = frame(TEXT, "ü".encode() * 20_000, last=False)
    it.watch.data_received(half)
    assert it.transport.taken() == b""
    it.watch.data_received(frame(0, "ü".encode() * 20_000, last=False))
    assert it.closed_with() == CloseCode.TOO_BIG


@pytest.mark.parametrize("said", [frame(CLOSE), b"\xf1\x80abcd", None], ids=["Close", "no frame", "the end"])
def test_who_leaves_and_takes_nothing_is_cut_off(said: bytes | None) -> None:
    @visit
    async def body(it: Visit) -> None:
        it.transport.waiting = 60_000
        if said is None:
            it.watch.eof_received()
        else:
            it.watch.data_received(said)
        assert it.transport.state == "closing"
        it.watch.overdue()
        assert it.transport.state == "aborted"

    body()


@visit
async def test_a_server_that_ends_does_not_wait_for_who_takes_nothing(it: Visit) -> None:
    it.transport.waiting = 60_000
    it.watch.shutdown()
    assert it.transport.state == "closing"
    it.watch.overdue()
    assert it.transport.state == "aborted"
