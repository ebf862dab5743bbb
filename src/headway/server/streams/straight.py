"""HTTP on its socket, where uvicorn is ours: bounds on what a request may be, and Server-Sent Events past uvicorn.

uvicorn takes requests apart and runs the application; here is what it leaves open. A connection is always in one
*phase* of what its client says:

- *idle*: the last request came whole, and nothing more has come;
- *head*: a request's line and headers come. They must be complete in time, and may only be so large;
- *body*: something of it must come in time, if there is room for it, however large it is;
- *parting*: nothing is listened to any more, and what is still to be sent must be taken in time.

A stream's response begins and ends as any other; in between what the hub writes goes into the transport as chunks of
it, past the ASGI server, which takes nothing away from it and would add a round of the loop to each frame.
"""

from __future__ import annotations

import asyncio
import time
from enum import Enum, auto
from typing import Any, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from headway.errors import HeadTooLarge, HeadwayError, InvalidInput, RequestTimeout
from headway.hub.connection import Connection
from headway.protocol import times
from headway.protocol.frames import CloseCode, HeartbeatFrame
from headway.server.answers import refusal_bytes
from headway.server.settings import Settings
from headway.server.streams.deadlines import Deadlines

EXTENSION = "headway.transport"


class Phase(Enum):
    """What a client says at the moment; see above."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    PARTING = auto()


class Bounds:
    """What all connections of one server share.

    Args:
        settings: The server's.
    """

    def __init__(self, settings: Settings) -> None:
        self.head_bytes = settings.head_bytes
        self.deadlines = Deadlines(settings.request_s)

    def protocol(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> StraightHttp:
        """What uvicorn asks for when a connection was made."""
        return StraightHttp(self, config, server_state, app_state, _loop)


class StraightHttp(HttpToolsProtocol):
    """uvicorn's protocol, which tells a request's scope of itself, and a stream when its transport is full.

    Attributes:
        stream: What is sent at the moment, past uvicorn.
    """

    def __init__(
        self,
        bounds: Bounds,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self._bounds = bounds
        self._phase = Phase.IDLE
        self._head_bytes = 0
        self._unparsed = 0
        self._answering: RequestResponseCycle | None = None
        self.stream: StraightStream | None = None

    # What the transport calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client is there, and is expected to ask for something."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Something of a request has come."""
        self._unset_keepalive_if_required()
        while data and self._phase is not Phase.PARTING:
            data = self._parse(data)

    def _parse(self, data: bytes) -> bytes:
        """Take something of a request apart; what is to be taken apart next, where it asks for another protocol."""
        if self._phase is Phase.IDLE:
            self._expect_head()
        self._unparsed += len(data)
        try:
            self.parser.feed_data(data)
            self._check_size()
        except HttpParserUpgrade as upgrade:
            return self._upgrade(data[upgrade.args[0] :])
        except HttpParserError as error:
            ours = error.__context__
            self._refuse(ours if isinstance(ours, HeadwayError) else InvalidInput(f"this is no HTTP request: {error}"))
        except HeadTooLarge as error:
            self._refuse(error)
        else:
            if self._phase is Phase.BODY:
                self._bounds.deadlines.add(self)
        return b""

    def eof_received(self) -> None:
        """The client says no more, and takes nothing: the transport closes itself."""
        self._part()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone, and takes nothing any more: the hub must know at once."""
        self._bounds.deadlines.drop(self)
        self._end_answer()
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

    # What the parser calls

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if self._phase is not Phase.HEAD:  # it came right behind the one before it
            self._expect_head()
        cast(dict[str, Any], self.scope)["extensions"] = {EXTENSION: self}

    def on_url(self, url: bytes) -> None:
        """A part of the URL."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._unparsed = 0
        if self._asks_for_another():
            return  # it comes again, without that
        super().on_headers_complete()
        self._phase = Phase.BODY
        if not self.pipeline:  # else the one before it is still being answered
            self._answering = self.cycle

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has come whole."""
        if self._asks_for_another():
            return
        self._unparsed = self._head_bytes = 0
        self._phase = Phase.IDLE
        self._bounds.deadlines.drop(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is complete; the next request in the pipeline is answered now."""
        if self.pipeline:
            self._answering = self.pipeline[-1][0]
        super().on_response_complete()

    def _expect_head(self) -> None:
        self._phase = Phase.HEAD
        self._bounds.deadlines.add(self)

    def _count(self, size: int) -> None:
        self._unparsed = 0
        self._head_bytes += size
        self._check_size()

    def _check_size(self) -> None:
        """What the parser holds back, since a line has no end, counts too, as far as it came by itself."""
        if self._head_bytes + self._unparsed > self._bounds.head_bytes:
            raise HeadTooLarge(f"a request's line and headers have {self._bounds.head_bytes:,} bytes at most")

    # What is not a request, or not in time

    def overdue(self) -> None:
        """See ``Overdue``."""
        if self._phase is Phase.PARTING:
            self.transport.abort()
        elif self._waits_for_us():
            self._bounds.deadlines.add(self)
        elif self._phase is Phase.HEAD and not self._head_bytes + self._unparsed:
            self.transport.close()  # browsers open connections that they may need, and expect no answer on them
        else:
            self._refuse(RequestTimeout("the request did not come in time: send it in one go"))

    def _waits_for_us(self) -> bool:
        """Its last answer is still being sent, or its body has no room, or was not asked for yet."""
        if self._phase is Phase.HEAD:
            return self._is_answering()
        return self.flow.read_paused or self.cycle.waiting_for_100_continue

    def _is_answering(self) -> bool:
        return self._answering is not None and not self._answering.response_complete

    def _refuse(self, error: HeadwayError) -> None:
        """Say what is wrong, unless it would be taken for something else."""
        if self._may_answer():
            self.transport.write(refusal_bytes(error))
            self._part()
            # To close with something unread would be a reset, which can overtake the answer.
            self.transport.write_eof()
        else:
            self.transport.abort()

    def _may_answer(self) -> bool:
        if self.transport.is_closing():
            return False
        if self._phase is Phase.BODY:
            return self.cycle is self._answering and not self.cycle.response_started
        return not self._is_answering()

    def _part(self) -> None:
        self._phase = Phase.PARTING
        self._bounds.deadlines.add(self)
        self._end_answer()

    def part_after_answer(self) -> None:
        """Let the client take the rest of the answer, if it does so in time."""
        if self._answering is not None:
            self._answering.keep_alive = False
        self._phase = Phase.PARTING
        self._bounds.deadlines.add(self)

    def _end_answer(self) -> None:
        """Tell the application, and the hub, that nobody is there any more."""
        if self.stream is not None:
            self.stream.end()
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.waiting_for_100_continue = False  # nothing may be written behind a refusal
            self._answering.message_event.set()

    def _upgrade(self, rest: bytes) -> bytes:
        """Go on in another protocol, if it is WebSocket, or without it; what is to be parsed next.

        A client must not send anything behind the request before it is answered; one that does is taken as if it had
        come a moment later.
        """
        if self._asks_for_another():
            return self._without_upgrade() + rest
        if not self._should_upgrade():
            return rest  # of CONNECT, which is refused, and has no body
        if self._is_answering():
            self._refuse(InvalidInput("the request before this one is still being answered"))
        else:
            self.handle_websocket_upgrade()
            inner = cast(asyncio.Protocol, self.transport.get_protocol())
            if self.flow.write_paused:  # the transport says that once, and said it to this one
                inner.pause_writing()
            if rest:
                inner.data_received(rest)
        return b""

    def _asks_for_another(self) -> bool:
        """Whether the request asks for a protocol that is not ours, which is passed over (RFC 9110, section 7.8)."""
        asks = self.parser.should_upgrade() and any(name == b"upgrade" for name, _ in self.headers)
        return asks and not self._should_upgrade()

    def _without_upgrade(self) -> bytes:
        """The head anew, for a parser that does not take what is behind it for that other protocol.

        Java's clients ask for HTTP/2 in this way, and ``curl --http2``, also with requests that have a body.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        fields = b"".join(b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade")
        self._head_bytes = 0
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, fields)


class StraightStream:
    """See ``Sink``: the transport below a response that has begun, and is sent in chunks.

    Attributes:
        connection: The hub's side; set once it is there.
        closed: Done when the hub has closed the connection, or the transport is gone.
    """

    def __init__(self, protocol: StraightHttp) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self.connection: Connection | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_full(self) -> bool:
        """The transport is full, perhaps since before there was this stream."""
        return self._protocol.flow.write_paused

    def write(self, data: bytes) -> None:
        """See ``Sink.write``."""
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def beat(self) -> None:
        """See ``Sink.beat``; who confirms nothing of it is found out by the system."""
        if self.connection is not None:
            self.connection.send(HeartbeatFrame(at=times.to_text(time.time())))

    def close(self, code: CloseCode, reason: str) -> None:  # noqa: ARG002
        """See ``Sink.close``."""
        if self.is_full:
            if code in (CloseCode.OVERLOAD, CloseCode.GOING_AWAY):
                # The end of the server would wait for it; and it comes back by itself, where it was cut off.
                self._transport.abort()
            else:
                self._protocol.part_after_answer()
        self.end()

    def end(self) -> None:
        """Nothing more will be written."""
        if self.connection is not None:
            self.connection.close()
        if not self.closed.done():
            self.closed.set_result(None)


def protocol_of(scope: Scope) -> StraightHttp | None:
    """The protocol that a response can be sent past uvicorn on; None where there is none."""
    protocol = scope.get("extensions", {}).get(EXTENSION)
    return protocol if isinstance(protocol, StraightHttp) and scope["http_version"] == "1.1" else None
