"""Watchers that come and go leave nothing behind, however they go."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from headway.hub.connection import Connection
from headway.hub.settings import HubSettings
from headway.server import Settings
from headway.server.serving import SILENT_PEER_S
from headway.server.streams.direct import DirectWatch, Upgrade
from headway.server.streams.outlet import Outlet
from headway.server.streams.sse import EventStream
from headway.server.streams.straight import StraightHttp, StraightStream
from headway.testing.samples import batch, custom, note
from tests.integration.jobs import until
from tests.integration.serving import API, serving_directly
from tests.integration.ways import WAYS, Place, Way, filled, served, until_gone

SOAK = bool(os.environ.get("HEADWAY_SOAK"))
CYCLES = 10_000 if SOAK else 300
TOGETHER = 50

OURS = (Connection, DirectWatch, Upgrade, Outlet, EventStream, StraightHttp, StraightStream)

WEBSOCKET = (
    f"GET {API}/watch HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


@pytest.fixture(params=WAYS[:2], scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with served(request.param, tmp_path_factory.mktemp("leaks")) as place:
        yield place


def visit(url: str, requests: list[str]) -> None:
    """Clients that ask, hear a little, and are gone: half of them by a reset."""
    host, _, port = url.removeprefix("http://").partition(":")
    sockets = []
    for request in requests:
        peer = socket.create_connection((host, int(port)), timeout=20)
        peer.sendall(request.encode())
        sockets.append(peer)
    for number, peer in enumerate(sockets):
        assert peer.recv(65536)
        if number % 2:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        peer.close()


def alive() -> Counter[str]:
    """How many there are of what belongs to a watcher."""
    gc.collect()
    return Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, OURS))


def test_nobody_who_has_left_is_kept(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    run = filled(place.store)
    requests = [
        WEBSOCKET,
        f"GET {API}/runs/{run}/stream HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"GET {API}/stream?runs={run},none HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ]
    visit(place.url, requests)
    until_gone(lambda: list(place.app.backend.hub._switchboard.connections))
    for cycle in range(CYCLES // TOGETHER):
        visit(place.url, [requests[n % 3] for n in range(TOGETHER)])
        place.store.append(batch(run, 11 + cycle, [note("on it goes")]))
    until_gone(lambda: list(place.app.backend.hub._switchboard.connections))
    until_gone(lambda: sum(alive().values()) > 4)  # what the event loop itself still holds of the last ones
    assert not place.app.backend._tasks
    assert "failed" not in caplog.text


CLOSE = b"\x88\x80abcd"
GARBAGE = b"\xf1\x80abcd"  # no frame, and no request

Act = Callable[[socket.socket], object]


def stay(peer: socket.socket) -> None:
    """Do nothing more."""


def say(what: bytes) -> Act:
    return lambda peer: peer.sendall(what)


def end(peer: socket.socket) -> None:
    """Say that nothing more will be said."""
    peer.shutdown(socket.SHUT_WR)


def reset(peer: socket.socket) -> None:
    """Be gone in a moment."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    peer.close()


ACTS: dict[str, Act] = {
    "stay": stay,
    "Close": say(CLOSE),
    "garbage": say(GARBAGE),
    "the end": end,
    "reset": reset,
}

STUCK = Settings(hub=HubSettings(stuck_s=1.5), pong_s=0.5, request_s=0.5)


def full_peers(place: Place, run: str) -> list[socket.socket]:
    """Clients on every transport who have asked for more than they take."""
    url = urlsplit(place.url)
    peers = []
    for request in (
        WEBSOCKET,
        f"GET {API}/runs/{run}/stream?mode=all&after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"GET {API}/stream?runs={run}&mode=all&after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ):
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect((url.hostname, url.port))
        peer.sendall(request.replace(API, url.path + API).encode())
        peers.append(peer)
    assert peers[0].recv(100).startswith(b"HTTP/1.1 101 ")
    watch = f'{{"type":"watch","run_id":"{run}","after":"0","mode":"all"}}'.encode()
    peers[0].sendall(bytes([0x81, 0x80 | len(watch)]) + bytes(4) + watch)
    until(lambda: [each.stuck for each in place.app.backend.hub.watching()] == [True] * 3, "the end of their room")
    return peers


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("way", WAYS)
def test_who_takes_nothing_is_not_kept_whatever_it_does(
    way: Way, act: Act, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with served(way, tmp_path, STUCK) as place:
        run = filled(place.store)
        for first in range(11, 3000, 100):
            place.store.append(batch(run, first, [custom("x.big", {"text": "x" * 2000})] * 100))
        before, objects = sockets(), alive()
        with ExitStack() as stack:
            for peer in full_peers(place, run):
                stack.enter_context(peer)
                act(peer)
            until_gone(lambda: list(place.app.backend.hub._switchboard.connections))
            until_gone(lambda: alive() - objects)
            if way is serving_directly:  # what another server does with its sockets is its own
                kept = 0 if act is reset else 3
                until_gone(lambda: sockets() > before + kept)
    assert "failed" not in caplog.text


def sockets() -> int:
    """How many this process has open, the server's and the tests'."""
    return sum(file.is_socket() for file in Path("/proc/self/fd").iterdir())


def test_requests_that_are_held_end_with_their_clients(place: Place) -> None:
    run = filled(place.store)
    cursor = place.store.header(run).cursor
    ask = f"GET {API}/runs/{run}/events?after={cursor}&wait=50 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    host, _, port = place.url.removeprefix("http://").partition(":")
    peers = [socket.create_connection((host, int(port)), timeout=20) for _ in range(TOGETHER)]
    for peer in peers:
        peer.sendall(ask.encode())
    holding = place.app.backend.holding
    until_gone(lambda: holding.count != TOGETHER)
    for peer in peers:
        peer.close()
    until_gone(lambda: holding.count)


@pytest.mark.timeout(300)
def test_peers_whose_machine_is_gone_are_let_go() -> None:
    """In a network of their own, in which no packet passes any more: on every transport, in mid-flow and in silence."""
    peers, times = ("1000", ["25", "10", str(SILENT_PEER_S)]) if SOAK else ("60", ["1", "1", "3"])
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs a network of its own: run as root, with iproute2")
    command = [sys.executable, "-m", "benchmarks.black_holes", peers, *times]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "0 of them left" in said
    assert "every event once and in order: True" in said


def test_threads_end_with_the_server(tmp_path: Path) -> None:
    for way in WAYS:
        (tmp_path / way.__name__).mkdir()
        with served(way, tmp_path / way.__name__) as place:
            filled(place.store)
            assert httpx.get(place.url + "/healthz").status_code == 200
        until_gone(lambda: {thread.name for thread in threading.enumerate()} & {"headway-follow", "headway-upkeep"})
