"""Server-Sent Events straight on their socket, where uvicorn is ours.

The response begins and ends as any other; in between what the hub writes goes into the transport as chunks of it, past
the ASGI server, which takes nothing away from it and would add a round of the loop to each frame.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from headway.hub.connection import Connection
from headway.protocol import times
from headway.protocol.frames import CloseCode, HeartbeatFrame

EXTENSION = "headway.transport"


class StraightHttp(HttpToolsProtocol):
    """uvicorn's protocol, which tells a request's scope of itself, and a stream when its transport is full.

    Attributes:
        stream: What is sent at the moment, past uvicorn.
    """

    stream: StraightStream | None = None

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        cast(dict[str, Any], self.scope)["extensions"] = {EXTENSION: self}

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone, and takes nothing any more: the hub must know at once."""
        if self.stream is not None and self.stream.connection is not None:
            self.stream.connection.close()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The transport is full."""
        super().pause_writing()
        if self.stream is not None and self.stream.connection is not None:
            self.stream.connection.pause()

    def resume_writing(self) -> None:
        """It has room again."""
        super().resume_writing()
        if self.stream is not None and self.stream.connection is not None:
            self.stream.connection.resume()


class StraightStream:
    """See ``Sink``: the transport below a response that has begun, and is sent in chunks.

    Attributes:
        connection: The hub's side; set once it is there.
        closed: Done when the hub has closed the connection.
    """

    def __init__(self, protocol: StraightHttp) -> None:
        self._transport = protocol.transport
        self.connection: Connection | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def write(self, data: bytes) -> None:
        """See ``Sink.write``."""
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def beat(self) -> None:
        """See ``Sink.beat``; who confirms nothing of it is found out by the system."""
        if self.connection is not None:
            self.connection.send(HeartbeatFrame(at=times.to_text(time.time())))

    def close(self, code: CloseCode, reason: str) -> None:  # noqa: ARG002
        """See ``Sink.close``."""
        if not self.closed.done():
            self.closed.set_result(None)


def protocol_of(scope: Scope) -> StraightHttp | None:
    """The protocol that a response can be sent past uvicorn on; None where there is none."""
    protocol = scope.get("extensions", {}).get(EXTENSION)
    return protocol if isinstance(protocol, StraightHttp) and scope["http_version"] == "1.1" else None
