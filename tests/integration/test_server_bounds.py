"""What a client may say to a server of its own, how much of it, and in what time."""

from __future__ import annotations

import json
import socket
import struct
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from headway.hub.settings import HubSettings
from headway.server import Settings
from tests.integration.serving import API, raw, serving_directly
from tests.integration.ways import Place, filled, served, until_gone

REQUEST = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

UPGRADE = (
    "GET {} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with served(serving_directly, tmp_path_factory.mktemp("bounds")) as place:
        yield place


@contextmanager
def dialled(url: str) -> Iterator[socket.socket]:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as peer:
        yield peer


def rest(peer: socket.socket) -> bytes:
    """Everything that is still said."""
    said = b""
    with suppress(ConnectionResetError):
        while chunk := peer.recv(65536):
            said += chunk
    return said


def refusal(said: bytes) -> tuple[int, str]:
    """The status and the code of a problem."""
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"\r\nConnection: close" in head
    problem = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % problem["status"])
    return problem["status"], problem["code"]


def message(**members: object) -> bytes:
    text = json.dumps(members).encode()
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text


def test_headers_without_end_are_refused(place: Place) -> None:
    with dialled(place.url) as peer:
        peer.sendall(REQUEST[:-2].encode())
        for number in range(60):
            peer.sendall(b"".join(b"X-%d-%d: %s\r\n" % (number, n, b"x" * 1000) for n in range(1000)))
        assert refusal(rest(peer)) == (431, "head-too-large")


def test_a_stream_of_as_many_runs_as_one_may_watch_can_be_resumed(place: Place) -> None:
    runs = [str(uuid.UUID(int=number)) for number in range(HubSettings().runs_per_stream)]
    places = [f"{'e' * 12}.{10**9}.{'f' * 8}.end" for _ in runs[1:]]
    head = f"GET {API}/stream?runs={','.join(runs)} HTTP/1.1\r\nHost: localhost\r\n"
    with dialled(place.url) as peer:
        peer.sendall(f"{head}Last-Event-ID: {','.join(['0', *places])}\r\n\r\n".encode())
        assert peer.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_requests_that_do_not_come_in_time(tmp_path: Path) -> None:
    heads = {"": None, "\r\n": 408, REQUEST[:20]: 408, REQUEST[:-2]: 408, "GET": 408}
    body = f"POST {API}/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    head = f"PUT {API}/runs/run/artifacts/a?event=false HTTP/1.1\r\nHost: localhost\r\n"
    upload = head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc"
    heads |= {body: 408, body + "{": 408, upload: 408}
    with served(serving_directly, tmp_path, Settings(request_s=0.5)) as place:
        filled(place.store)
        for head, status in heads.items():
            said = raw(place.url, head.encode())
            if status is None:
                assert said == b""
            else:
                assert refusal(said) == (status, "request-timeout")


def test_what_is_sent_behind_the_request_for_a_websocket_is_heard(place: Place) -> None:
    run = filled(place.store)
    said = UPGRADE.format(f"{API}/watch").encode() + message(type="watch", run_id=run)
    assert b'"snapshot"' in raw(place.url, said, until=lambda heard: b'"snapshot"' in heard)
    unheard = UPGRADE.format("/elsewhere").encode() + message(type="watch", run_id=run)
    assert raw(place.url, unheard).startswith(b"HTTP/1.1 403 ")
    refused = UPGRADE.format(f"{API}/watch").replace(": 13", ": 8").encode() + b"\x89\x80abcd" * 100
    assert refusal(raw(place.url, refused)) == (400, "invalid")


def test_another_protocol_is_passed_over_and_so_is_nothing_behind_it(place: Place) -> None:
    other = REQUEST[:-2] + "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    said = (other * 500 + REQUEST[:-2] + "Connection: close\r\n\r\n").encode()
    assert raw(place.url, said).count(b"HTTP/1.1 200 ") == 501


@contextmanager
def streaming(place: Place) -> Iterator[socket.socket]:
    """A client that gets a stream; gone when the block ends, and then nothing is left of it."""
    connections = place.app.backend.hub._switchboard.connections
    until_gone(lambda: list(connections))
    with dialled(place.url) as peer:
        peer.sendall(f"GET {API}/runs/{filled(place.store)}/stream HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        said = b""
        while b'"snapshot"' not in said:
            said += peer.recv(65536)
        yield peer
    until_gone(lambda: list(connections))


def test_a_request_behind_a_stream_does_not_keep_it(place: Place) -> None:
    with streaming(place) as peer:
        peer.sendall(REQUEST.encode())


def test_a_websocket_does_not_begin_in_the_middle_of_a_stream(place: Place) -> None:
    with streaming(place) as peer:
        peer.sendall(UPGRADE.format(f"{API}/watch").encode())
        assert b"101 Switching" not in rest(peer)


def test_fragments_without_end_are_not_listened_to(place: Place) -> None:
    with dialled(place.url) as peer:
        peer.sendall(UPGRADE.format(f"{API}/watch").encode() + b"\x01\x80abcd" + b"\x00\x80abcd" * 20_000)
        assert httpx.get(place.url + "/healthz").status_code == 200
        said = rest(peer)
    assert struct.unpack("!H", said[said.rindex(b"\x88") + 2 :][:2])[0] == 4429
