"""The opening of a WebSocket (RFC 6455, section 4), from the bytes of a request that an HTTP parser has let through."""

from __future__ import annotations

import base64
import binascii
import hashlib
from urllib.parse import unquote

import msgspec

from headway.errors import HeadwayError, InvalidInput
from headway.server.answers import refusal_bytes
from headway.server.door import is_loopback
from headway.server.streams.websocket import SUBPROTOCOL

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_VERSION = "13"
_KEY_BYTES = 16


class Head(msgspec.Struct, frozen=True):
    """A request's head: its method, its path without what is behind ``?``, and its headers by their names."""

    method: str
    path: str
    headers: dict[str, str]

    def header(self, name: str) -> str:
        """A header's value; empty if there is none."""
        return self.headers.get(name, "")


def parse_head(data: bytes) -> Head:
    """The head of a request. Of headers that come several times all values are kept, with commas between them."""
    first, *lines = data.decode("latin-1").split("\r\n")
    method, target, _ = (first + "  ").split(" ", 2)
    headers: dict[str, str] = {}
    for line in lines:
        name, separator, value = line.partition(":")
        if separator:
            key = name.strip().lower()
            headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return Head(method, unquote(target.partition("?")[0]), headers)


def client_of(head: Head, address: str) -> str:
    """Who asks: behind a proxy on this machine whoever it says, as uvicorn takes it for other requests."""
    forwarded = head.header("x-forwarded-for")
    return forwarded.rpartition(",")[2].strip() if forwarded and is_loopback(address) else address


def accepted(head: Head) -> bytes:
    """The answer that opens the WebSocket.

    Raises:
        InvalidInput: The request does not ask for one as it has to.
    """
    if head.method != "GET" or head.header("sec-websocket-version") != _VERSION:
        raise InvalidInput(f"a WebSocket is opened by GET, with Sec-WebSocket-Version: {_VERSION}")
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + _accept(head.header("sec-websocket-key")),
    ]
    if SUBPROTOCOL in [offered.strip() for offered in head.header("sec-websocket-protocol").split(",")]:
        lines.append(b"Sec-WebSocket-Protocol: " + SUBPROTOCOL.encode())
    return b"\r\n".join([*lines, b"", b""])


def _accept(key: str) -> bytes:
    try:
        known = len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        known = False
    if not known:
        raise InvalidInput("the request has no Sec-WebSocket-Key of 16 bytes in base64")
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())


def refused(error: HeadwayError) -> bytes:
    """The answer that refuses it."""
    return refusal_bytes(error, b"Sec-WebSocket-Version: %b\r\n" % _VERSION.encode())
