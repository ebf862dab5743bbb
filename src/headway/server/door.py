"""Who may come in: the names that a request may call the server by, and the pages that it may come from.

A browser sends its user's requests to any address that a page names. So a server without a key, which takes anybody on
its machine for its user, answers only to names of this machine (a stranger's name that was made to point here is
refused), and changes nothing for a page of another origin.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headway.errors import NotAllowed
from headway.server.answers import nothing, refusal

_PORT = re.compile(r":[0-9]{1,5}\Z")
READING = ("GET", "HEAD", "OPTIONS")
ALLOWED_HEADERS = "Authorization, Content-Type, Content-Digest, If-None-Match, Last-Event-ID, Range"
EXPOSED_HEADERS = "Content-Range, ETag, Location, Retry-After"


class Guard:
    """Knows who may come in.

    Args:
        hosts: Names that requests may call the server by, beside those of this machine.
        origins: Origins of pages (``https://example.com``) that may use it from a browser.
    """

    def __init__(self, hosts: Collection[str], origins: Collection[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.lower() for origin in origins)

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin may use the server."""
        return origin.lower() in self._origins

    def check(self, host: str, origin: str, *, reads: bool) -> None:
        """Look at a request's ``Host`` and ``Origin``, empty if it has none.

        Args:
            host: How the client calls the server.
            origin: The page that the request is from.
            reads: It is a request that changes nothing, whose answer a browser keeps from pages of other origins.

        Raises:
            NotAllowed: It may not come in.
        """
        host, origin = host.lower(), origin.lower()
        if not self._is_known(host):
            raise NotAllowed(
                f"this server is not called {host[:100]!r}: it answers to names of its own machine, "
                "and to those that it was given as hosts"
            )
        if not reads and origin and origin not in self._origins and origin.partition("://")[2] != host:
            raise NotAllowed(f"pages from {origin[:100]!r} may not do this: give the server that origin if they may")

    def _is_known(self, host: str) -> bool:
        name = _PORT.sub("", host)
        return name in self._hosts or is_loopback(name)


class Door:
    """An ASGI application before another one.

    Args:
        app: The application inside.
        guard: Who may come in.
        before: Called before each request that is let in.
    """

    def __init__(self, app: ASGIApp, guard: Guard, before: Callable[[], Awaitable[None]]) -> None:
        self._app = app
        self._guard = guard
        self._before = before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        method = scope["method"] if scope["type"] == "http" else None
        origin = headers.get("origin", "")
        if method is not None and self._guard.allows(origin):
            send = _with_cors(send, origin)
            if method == "OPTIONS" and "access-control-request-method" in headers:
                await _preflight()(scope, receive, send)
                return
        try:
            self._guard.check(headers.get("host", ""), origin, reads=method in READING)
            await self._before()
        except Exception as error:
            await _refuse(error, scope, receive, send)
        else:
            await self._app(scope, receive, send)


def is_loopback(name: str) -> bool:
    """Whether a host's name, or address, can only mean the machine itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


async def _refuse(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "not allowed"})
        return
    await refusal(error, Request(scope))(scope, receive, send)


def _with_cors(send: Send, origin: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
            headers.add_vary_header("Origin")
        await send(message)

    return sending


def _preflight() -> ASGIApp:
    headers = {
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE",
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": "600",
    }
    return nothing(headers=headers)
