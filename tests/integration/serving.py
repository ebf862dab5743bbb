"""Servers in threads, on free ports of this machine, for tests that talk to them over real sockets."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from headway.server import Application
from headway.server.serving import HeadwayServer, _listening

API = "/api/v1"


@contextmanager
def serving(app: Any, **options: Any) -> Iterator[str]:
    """An ASGI application behind uvicorn in a thread; its base URL. Ended when the block is."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5, **options)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="test-server")
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive(), "the server did not end"


@contextmanager
def serving_directly(app: Application) -> Iterator[str]:
    """The same as ``headway.server.serve`` does it, with the fast path for WebSockets."""
    urls: queue.SimpleQueue[str] = queue.SimpleQueue()
    with _listening("127.0.0.1", 0) as listener:
        server = HeadwayServer(app, listener, urls.put)
        thread = threading.Thread(target=server.run, args=([listener],), name="test-server")
        thread.start()
        try:
            yield urls.get(timeout=30)
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive(), "the server did not end"


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        threading.Event().wait(0.005)


@contextmanager
def client(url: str, **options: Any) -> Iterator[httpx.Client]:
    """A client of a server's API."""
    with httpx.Client(base_url=url + API, timeout=30, trust_env=False, **options) as http:
        yield http


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem of an answer, which must have this status and code."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    found: dict[str, Any] = response.json()
    assert (response.status_code, found["status"], found["code"]) == (status, status, code), found
    assert found["detail"]
    assert response.headers["x-content-type-options"] == "nosniff"
    return found


def raw(url: str, request: bytes, *, until: Callable[[bytes], bool] = lambda _: False) -> bytes:
    """What a server says to some bytes, until it closes the connection or has said enough."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        said = b""
        while not until(said) and (chunk := connection.recv(65536)):
            said += chunk
        return said
