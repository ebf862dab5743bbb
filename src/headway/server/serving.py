"""A server of its own: one port for HTTP and WebSocket, on uvicorn."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import uvicorn
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from headway.errors import InvalidInput
from headway.ports import EventStore
from headway.server.application import Application, create_app
from headway.server.backend import Backend
from headway.server.door import is_loopback
from headway.server.routes import WATCH
from headway.server.settings import Settings
from headway.server.streams.direct import Paths
from headway.server.streams.straight import Bounds
from headway.server.trimming import Trimming

HOST = "127.0.0.1"
PORT = 8642

BACKLOG = 4_096
"""Connections that may wait to be taken: ten thousand watchers come back within seconds of a restart."""

KEEP_ALIVE_S = 65
"""For connections on which nothing is asked: longer than reporters and proxies are silent."""

ANSWERING_S = 5
"""For requests that are being answered when the server is told to end."""

SILENT_PEER_S = 55
"""A peer whose machine confirms nothing for so long is gone, where the system can find that out: all of them within a
minute. Who only reads slowly is borne with for as long."""

PROBES = 3
"""So many questions without an answer, and a peer that is sent nothing is taken for gone."""

SWITCH_S = 0.001
"""Between two threads: the loop must not wait for those that read."""

logger = logging.getLogger("headway")


def serve(
    store: str | EventStore | None = None,
    *,
    host: str = HOST,
    port: int = PORT,
    key: str | None = None,
    settings: Settings | None = None,
    ready: Callable[[str], object] = lambda url: logger.info("serving on %s", url),
) -> None:
    """Serve a store until the process is told to end (SIGINT or SIGTERM). To be called in the main thread.

    All streams are closed as soon as it is told to, each watcher with the advice when to come back; what is being
    answered has five seconds.

    Args:
        store: A target's URL, or a store; by default what ``HEADWAY_URL`` names, or the file in the state folder.
        host: The address. Without a key only one of this machine.
        port: The port, 0 for any that is free.
        key: As for ``create_app``.
        settings: Who may come, and the server's bounds.
        ready: Called with the server's URL when it takes requests.

    Raises:
        InvalidTarget: ``store`` names none.
        InvalidInput: The host needs a key, the port is not to be had, or the settings name no estimator.
        StoreError: The store cannot be opened.
    """
    app = create_app(store, key=key, settings=settings)
    _check_host(host, key)
    _allow_many_connections()
    with _listening(host, port) as listener, _switching():
        HeadwayServer(app, listener, ready).run([listener])


def _check_host(host: str, key: str | None) -> None:
    if key is None and not is_loopback(host):
        raise InvalidInput(
            f"{host!r} can be reached by others, who could read and change everything: without a key the server "
            f"serves its own machine only ({HOST}, localhost)"
        )


def _allow_many_connections() -> None:
    """As many open files as this process may have: the 1,024 it begins with are for programs that use ``select``."""
    with suppress(ImportError, ValueError, OSError):  # another system, or one that lets nobody
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _find_the_gone(listener)
        try:
            listener.bind((host.strip("[]"), port))
        except OSError as error:
            raise InvalidInput(f"{host}:{port} is not to be had ({error.strerror}): choose another port") from error
        yield listener


def _find_the_gone(listener: socket.socket) -> None:
    """Have the system find out which peers are gone, of all that are accepted: they inherit it."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    interval_s = max(1, SILENT_PEER_S // (2 * PROBES))
    for name, value in (
        ("TCP_USER_TIMEOUT", SILENT_PEER_S * 1000),
        # Those that nothing is sent to, between two requests, are asked.
        ("TCP_KEEPIDLE", max(1, SILENT_PEER_S - PROBES * interval_s)),
        ("TCP_KEEPINTVL", interval_s),
        ("TCP_KEEPCNT", PROBES),
    ):
        if hasattr(socket, name):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


@contextmanager
def _switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class HeadwayServer(uvicorn.Server):
    """uvicorn, with the fast path for watchers, and an end that does not wait for them.

    Args:
        app: The application.
        listener: What it listens on.
        ready: Called with its URL when it does.
    """

    def __init__(self, app: Application, listener: socket.socket, ready: Callable[[str], object]) -> None:
        self._backend: Backend = app.backend
        self._url = _url(listener)
        self._ready = ready
        self._trimming = Trimming(lambda: len(self.server_state.connections))
        paths = Paths(app.backend, app.guard, WATCH, WSProtocol)
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop" if sys.platform != "win32" else "asyncio",
                http=Bounds(app.backend.settings).protocol,  # type: ignore[arg-type]  # it is only called
                ws=paths.upgrade,  # type: ignore[arg-type]  # it is only called
                lifespan="off",  # begun and ended below, where errors are raised as they are
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=ANSWERING_S,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """End; a second Ctrl-C waits for nobody. Unlike uvicorn's, it is a good end: the signal is not raised again."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the store first. Raises StoreError."""
        await self._backend.restart()
        await super().startup(sockets)
        self._trimming.start()
        self._ready(self._url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nobody new, close what would go on for ever, and then let uvicorn wait for the rest."""
        self._trimming.stop()
        for server in self.servers:
            server.close()
        closing = asyncio.create_task(self._backend.close())  # beside uvicorn's five seconds, not before them
        await super().shutdown(sockets)
        if self.force_exit:
            closing.cancel()
        await asyncio.wait([closing])
        if not closing.cancelled():
            closing.result()  # raises what went wrong there


def _url(listener: socket.socket) -> str:
    name, port = listener.getsockname()[:2]
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
