"""Heartbeats, peers that are gone, frames that are none, and the end of the server itself."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import threading
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from headway.hub.settings import HubSettings
from headway.protocol.frames import CloseCode
from headway.server import Settings, create_app
from headway.server.serving import HeadwayServer, _listening
from headway.stores.sqlite import SqliteEventStore
from headway.stores.sqlite.lock import WriterLock
from headway.stores.sqlite.schema import lock_path
from tests.integration.jobs import until
from tests.integration.server_process import server_process
from tests.integration.serving import API, client, serving_directly
from tests.integration.watching import frames_of, stream, watcher
from tests.integration.ways import WAYS, Way, filled, plainly, served, until_gone

HOLDING = """
import os, signal, sys, threading
from headway.server import create_app
from headway.server.serving import HeadwayServer, _listening

app = create_app(f"sqlite:///{sys.argv[1]}")

def end():
    while app.backend.holding.count < 4:
        threading.Event().wait(0.01)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=end, daemon=True).start()
with _listening("127.0.0.1", int(sys.argv[2])) as listener:
    HeadwayServer(app, listener, print).run([listener])
"""
"""A server that is told to end when it holds four polls."""

QUICK = Settings(hub=HubSettings(heartbeat_s=0.5), pong_s=0.3)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


def test_heartbeats(way: Way, tmp_path: Path) -> None:
    with way(create_app(f"sqlite:///{tmp_path / 'log.db'}", settings=QUICK)) as url:
        with watcher(url) as ws, stream(url, "/runs/none/stream") as events:
            assert ws.hear("heartbeat")["at"].endswith("Z")
            assert ws.hear("heartbeat")
            assert ws.hear("heartbeat"), "who answers Pings stays"
            assert [frame["type"] for _, frame in (next(frames_of(events)) for _ in range(3))][-1] == "heartbeat"


def dead(url: str, room: int | None = None) -> socket.socket:
    """A WebSocket client that says nothing after its handshake; ``room`` for what it has not read, in bytes."""
    host, _, port = url.removeprefix("http://").partition(":")
    peer = socket.socket()
    peer.settimeout(20)
    if room is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    peer.connect((host, int(port.partition("/")[0])))
    key = base64.b64encode(os.urandom(16)).decode()
    peer.sendall(
        f"GET {API}/watch HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    return peer


def test_a_peer_that_gives_no_sign_of_life_is_cut_off(tmp_path: Path) -> None:
    app = create_app(f"sqlite:///{tmp_path / 'log.db'}", settings=QUICK)
    with serving_directly(app) as url:
        with dead(url) as peer:
            said = b""
            while chunk := peer.recv(65536):
                said += chunk
        assert said.startswith(b"HTTP/1.1 101 ")
        assert b"\x89\x00" in said
        code = struct.unpack("!H", said[said.rindex(b"\x88") + 2 :][:2])[0]
        assert code == 4408
        until_gone(lambda: list(app.backend.hub._switchboard.connections))


@pytest.mark.parametrize(
    "head",
    [
        "Sec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n",
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ÄÖÜ\r\n",
        "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n",
    ],
)
def test_a_handshake_that_is_none(tmp_path: Path, head: str) -> None:
    with serving_directly(create_app(f"sqlite:///{tmp_path / 'log.db'}")) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as peer:
            line = f"GET {API}/watch HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            peer.sendall(f"{line}{head}\r\n".encode())
            said = b""
            while chunk := peer.recv(65536):
                said += chunk
    assert said.startswith(b"HTTP/1.1 400 "), said
    assert b'"code":"invalid"' in said


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x83\x80abcd", 1002),  # an opcode that there is not
        (b"\x81\x02hi", 1002),  # not masked
        (b"\xc1\x80abcd", 1002),  # a reserved bit
        (b"\x81\x82\x00\x00\x00\x00\xff\xfe", 1007),  # text that is none
        (b"\x89\x7e\x01\x00", 1002),  # a Ping that is too long
    ],
)
def test_frames_that_are_none_end_the_connection(tmp_path: Path, frame: bytes, code: int) -> None:
    with serving_directly(create_app(f"sqlite:///{tmp_path / 'log.db'}")) as url:
        with dead(url) as peer:
            said = b""
            while b"welcome" not in said:
                said += peer.recv(65536)
            peer.sendall(frame)
            while chunk := peer.recv(65536):
                said += chunk
    assert struct.unpack("!H", said[said.rindex(b"\x88") + 2 :][:2])[0] == code


def test_the_end_of_the_server_is_the_end_of_its_streams(way: Way, tmp_path: Path) -> None:
    store = SqliteEventStore(tmp_path / "log.db")
    run = filled(store)
    heard: dict[str, Any] = {}

    def watch(url: str, ready: threading.Barrier) -> None:
        with watcher(url) as ws:
            ws.say("watch", run_id=run)
            ws.hear("snapshot")
            ready.wait()
            ws.rest()
            heard["ws"] = ws.closed_with

    def read(url: str, ready: threading.Barrier) -> None:
        with stream(url, f"/runs/{run}/stream") as events:
            told = frames_of(events)
            while next(told)[1]["type"] != "snapshot":
                pass
            ready.wait()
            with suppress(httpx.RemoteProtocolError):  # cut off, where nobody tells the application of the end
                heard["sse"] = [frame["type"] for _, frame in told]

    def poll(url: str, ready: threading.Barrier) -> None:
        cursor = str(store.header(run).cursor)
        with client(url) as http:
            ready.wait()
            heard["poll"] = http.get(f"/runs/{run}/events", params={"after": cursor, "wait": 3}).status_code

    app = create_app(store)
    with way(app) as url:
        ready = threading.Barrier(4)
        threads = [threading.Thread(target=each, args=(url, ready)) for each in (watch, read, poll)]
        for thread in threads:
            thread.start()
        ready.wait()
        until_gone(lambda: not app.backend.hub._switchboard.feeds[run]._holds)  # the poll is held
    for thread in threads:
        thread.join(30)
    store.close()
    if way is serving_directly:
        assert heard == {"ws": 1001, "sse": [], "poll": 503}
    else:
        assert heard["poll"] in (200, 503)
    assert heard["ws"] in (1001, 1012)


@pytest.mark.parametrize(("way", "told"), [(serving_directly, False), (plainly, True)])
def test_who_takes_nothing_is_told_to_come_back_only_where_that_can_be(tmp_path: Path, way: Way, told: bool) -> None:
    settings = Settings(hub=HubSettings(stuck_s=0.1), pong_s=60.0)
    with served(way, tmp_path, settings) as place, dead(place.url, 4096) as peer:
        run = filled(place.store, 40_000)
        rest = b""
        while b"welcome" not in rest:
            rest += peer.recv(4096)
        said = json.dumps({"type": "watch", "run_id": run, "mode": "all", "after": "0"}).encode()
        peer.sendall(bytes([0x81, 0x80 | len(said)]) + bytes(4) + said)
        until_gone(lambda: list(place.app.backend.hub._switchboard.connections))
        with suppress(ConnectionResetError):
            while chunk := peer.recv(1 << 20):
                rest = rest[-200:] + chunk
    assert (struct.pack("!H", CloseCode.OVERLOAD) + b"nothing could be sent for" in rest) == told


def test_a_server_ends_without_those_who_read_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(SqliteEventStore(tmp_path / "log.db")) as store, ExitStack() as stack:
        run = filled(store, 40_000)
        app = create_app(store)
        with serving_directly(app) as url:
            for _ in range(3):
                reader = stack.enter_context(socket.socket())
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                host, _, port = url.removeprefix("http://").partition(":")
                reader.connect((host, int(port)))
                path = f"{API}/runs/{run}/stream?mode=all&after=0"
                reader.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            until(lambda: len(app.backend.hub._switchboard._stuck) == 3, "three readers for whom there is no room")
    assert not caplog.records, "uvicorn says so when somebody is not gone in time"


def test_a_server_ends_though_what_it_was_asked_for_waits_for_another_process(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    store = SqliteEventStore(path)
    runs = [filled(store) for _ in range(8)]
    store.close()
    with server_process(path) as server, ExitStack() as stack:
        stack.enter_context(WriterLock(lock_path(path)).held())
        asking = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 30)) for _ in runs]
        for run, connection in zip(runs, asking, strict=True):
            connection.sendall(f"POST {API}/runs/{run}/cancel HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with client(server.url) as http:
            assert http.get("/runs").status_code == 200
        assert server.end() == 0
        answers = [connection.recv(65536) for connection in asking]
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 503"] * len(runs)
    assert all(b'"code":"store-unavailable"' in answer for answer in answers)


def test_a_server_ends_without_those_who_wait_for_news(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqliteEventStore(path)) as store:
        run = filled(store)
        cursor = store.header(run).cursor
    asked = [
        f"events?after={cursor}&wait=25",
        "events?after=0&types=finding&wait=25",
        f"inbox?after={cursor}&wait=25",
        "inbox?wait=25",
    ]
    with server_process(path, program=HOLDING) as server, ExitStack() as stack:
        asking = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 30)) for _ in asked]
        for question, connection in zip(asked, asking, strict=True):
            connection.sendall(f"GET {API}/runs/{run}/{question} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answers = [connection.recv(65536) for connection in asking]
        assert server.end() == 0
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 503"] * len(asked), "and none was cut off by uvicorn"


def test_what_goes_wrong_at_the_end_is_raised(tmp_path: Path) -> None:
    app = create_app(f"sqlite:///{tmp_path / 'log.db'}")
    close, wrong = app.backend.close, [ValueError("nobody has foreseen this")]

    async def close_and_fail() -> None:
        await close()
        if wrong:
            raise wrong.pop()

    app.backend.close = close_and_fail  # type: ignore[method-assign]
    with _listening("127.0.0.1", 0) as listener:
        server = HeadwayServer(app, listener, lambda _: setattr(server, "should_exit", True))
        with pytest.raises(ValueError, match="foreseen"):
            server.run([listener])
