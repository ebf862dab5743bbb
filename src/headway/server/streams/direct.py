"""The fast path: a watcher's WebSocket straight on its socket, with no ASGI task.

uvicorn makes an ``Upgrade`` for each request that asks for a WebSocket. It looks where the request goes: to the hub,
which a ``DirectWatch`` serves, or to the application, which uvicorn's own implementation does. What the hub writes are
whole WebSocket frames, shared by everybody who gets the same, and go into the transport as they are; what the client
sends, which is little, is taken apart by wsproto.

A connection is *open* until one side has said Close; then it is *closing*, and whatever is still said is passed over.
Who said too much is not even listened to any more. A peer that answers neither a Ping nor a Close in time is cut off,
and so is one that does not take what waits for it when it is left.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from wsproto import events
from wsproto.connection import Connection as Wire
from wsproto.connection import ConnectionType
from wsproto.utilities import LocalProtocolError

from headway.errors import HeadwayError
from headway.hub.connection import Connection
from headway.hub.framing import WEBSOCKET
from headway.hub.sink import HIGH_WATER_BYTES
from headway.protocol import times
from headway.protocol.frames import CloseCode, HeartbeatFrame
from headway.server.backend import Backend
from headway.server.door import Guard
from headway.server.streams.conversation import Conversation
from headway.server.streams.deadlines import Deadlines
from headway.server.streams.handshake import Head, accepted, client_of, parse_head, refused
from headway.server.streams.session import peer, welcome

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

REASON_BYTES = 120
"""Of a Close: what a control frame has room for."""

_PING = b"\x89\x00"
_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", None)
"""What the kernel would take from us beyond this only keeps a slow watcher from being known as one."""


class Paths:
    """What all upgrades of one server share.

    Args:
        backend: What stands behind it.
        guard: Who may come in.
        path: Where watchers go to.
        others: Makes what serves WebSockets at other paths, as uvicorn's ``Config.ws``.
    """

    def __init__(self, backend: Backend, guard: Guard, path: str, others: Callable[..., asyncio.Protocol]) -> None:
        self.backend = backend
        self.guard = guard
        self.path = path
        self.others = others
        self.deadlines = Deadlines(backend.settings.pong_s)

    def upgrade(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> Upgrade:
        """What uvicorn asks for when a request wants a WebSocket."""
        return Upgrade(
            self, lambda: self.others(config=config, server_state=server_state, app_state=app_state), server_state
        )


class Upgrade(asyncio.Protocol):
    """Stands in for the protocol that will serve the WebSocket, until it is known which that is."""

    def __init__(self, paths: Paths, others: Callable[[], asyncio.Protocol], server_state: ServerState) -> None:
        self._paths = paths
        self._others = others
        self._connections = server_state.connections
        self._transport: asyncio.Transport | None = None
        self._inner: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        self._transport = cast(asyncio.Transport, transport)  # as uvloop's are, though they do not say so

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``; the first is the request's head."""
        if self._inner is not None:
            self._inner.data_received(data)
            return
        transport = self._transport
        assert transport is not None
        head = parse_head(data)
        if head.path == self._paths.path:
            watch = DirectWatch(self._paths, self._connections)
            self._hand_over(watch, transport)
            watch.open(head)
        else:
            other = self._others()
            self._hand_over(other, transport)
            other.data_received(data)

    def _hand_over(self, inner: asyncio.Protocol, transport: asyncio.Transport) -> None:
        self._inner = inner
        inner.connection_made(transport)
        # uvicorn makes this one the transport's protocol as soon as it returns; from then on it is not needed.
        asyncio.get_running_loop().call_soon(transport.set_protocol, inner)

    def eof_received(self) -> bool | None:
        """See ``asyncio.Protocol``."""
        return None if self._inner is None else self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """See ``asyncio.Protocol``."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """See ``asyncio.Protocol``."""
        if self._inner is not None:
            self._inner.resume_writing()


class DirectWatch(asyncio.Protocol):
    """One watcher. See ``Sink`` for what the hub calls, and ``asyncio.Protocol`` for what the transport does."""

    __slots__ = (
        "_closing",
        "_connection",
        "_connections",
        "_conversation",
        "_deaf",
        "_message",
        "_paths",
        "_pinged",
        "_pong",
        "_transport",
        "_wire",
    )

    def __init__(self, paths: Paths, connections: set[Any]) -> None:
        self._paths = paths
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._connection: Connection | None = None
        self._conversation: Conversation | None = None
        self._wire = Wire(ConnectionType.SERVER)
        self._message: bytearray | None = None
        self._pong: bytes | None = None
        self._pinged = self._closing = self._deaf = False

    # How it begins and ends

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self._transport = cast(asyncio.Transport, transport)  # as uvloop's are, though they do not say so
        self._connections.add(self)
        self._transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        if _NOTSENT_LOWAT is not None:
            with suppress(OSError, AttributeError):
                peer_socket = transport.get_extra_info("socket")
                peer_socket.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, HIGH_WATER_BYTES)

    def open(self, head: Head) -> None:
        """Answer the request; then the watcher is welcome."""
        transport, backend = self._transport, self._paths.backend
        assert transport is not None
        try:
            self._paths.guard.check(head.header("host"), head.header("origin"), reads=False)
            answer = accepted(head)
            hub = backend.hub
        except HeadwayError as error:
            transport.write(refused(error))
            self._closing = self._deaf = True
            self._leave()
            return
        transport.write(answer)
        address = (transport.get_extra_info("peername") or ("",))[0]
        who = peer(client_of(head, address), head.header("user-agent"))
        self._connection = hub.connect(self, WEBSOCKET, who)
        self._connection.send(welcome(backend))

    def eof_received(self) -> None:
        """The client says no more, and takes nothing: the transport closes itself."""
        self._be_left()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The socket is gone."""
        self._closing = True
        self._connections.discard(self)
        self._paths.deadlines.drop(self)
        if self._connection is not None:
            self._connection.close()

    def shutdown(self) -> None:
        """uvicorn ends."""
        if self._deaf:
            self._abort()
        elif self._connection is not None:
            self._connection.end(CloseCode.GOING_AWAY, "the server is ending")

    def overdue(self) -> None:
        """A Ping, or a Close, was not answered in time, or the end of the connection did not come."""
        connection = self._connection
        if self._closing or connection is None:
            self._abort()
        elif self._pinged and not connection.paused:  # else the hub knows for how long the Ping may have to wait
            connection.end(CloseCode.NO_SIGN_OF_LIFE, "a Ping was not answered")

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # What the hub calls

    def write(self, data: bytes) -> None:
        """See ``Sink.write``."""
        self._transport.write(data)  # type: ignore[union-attr]  # it is there before the hub knows of this one

    def beat(self) -> None:
        """See ``Sink.beat``: a Ping for the client's machine, and a frame for those who cannot see it."""
        connection = self._connection
        if connection is None or connection.paused:
            return  # the hub knows how long it has been full
        self._pinged = True
        self.write(_PING)
        self._paths.deadlines.add(self)
        connection.send(HeartbeatFrame(at=times.to_text(time.time())))

    def close(self, code: CloseCode, reason: str) -> None:
        """See ``Sink.close``."""
        transport = self._transport
        if transport is None or self._closing:
            return
        self._say_close(int(code), reason)
        self._paths.deadlines.add(self)
        if code in (CloseCode.NO_SIGN_OF_LIFE, CloseCode.OVERLOAD) and transport.get_write_buffer_size():
            self._abort()
        elif code is CloseCode.GOING_AWAY:
            transport.close()
        elif code in (CloseCode.TOO_BIG, CloseCode.TOO_MANY_MESSAGES):
            # To close with something unread would be a reset, which can overtake the Close.
            self._deaf = True
            transport.pause_reading()
            transport.write_eof()

    def _say_close(self, code: int, reason: str) -> None:
        self._closing = True
        short = reason.encode()[:REASON_BYTES].decode(errors="ignore")
        with suppress(LocalProtocolError):  # it is being closed already
            self.write(self._wire.send(events.CloseConnection(code=code, reason=short)))

    # What the transport calls

    def pause_writing(self) -> None:
        """The transport is full."""
        if self._connection is not None:
            self._connection.pause()

    def resume_writing(self) -> None:
        """It has room again, since the client has taken something."""
        self._pinged = False
        if self._connection is not None:
            if self._pong is not None and not self._closing:
                self.write(self._pong)
            self._pong = None
            self._connection.resume()

    def data_received(self, data: bytes) -> None:
        """The client says something."""
        if not self._hears():
            return
        try:
            self._wire.receive_data(data)
            for event in self._wire.events():
                self._take(event)
                if not self._hears():
                    return
        except LocalProtocolError:
            self._abort()  # it goes on after its Close

    def _hears(self) -> bool:
        return not self._deaf

    def _take(self, event: events.Event) -> None:
        match event:
            case events.CloseConnection():
                self._answer_close(event)
            case _ if self._closing:
                pass
            case events.Pong() if self._pinged:
                self._pinged = False
            case events.Pong():
                self._may_speak()
            case events.Ping():
                if self._may_speak():
                    self._answer_ping(event)
            case events.TextMessage():
                self._gather(event.data.encode(), event)
            case events.BytesMessage():
                self._gather(event.data, event)

    def _answer_ping(self, event: events.Ping) -> None:
        """At once, or when there is room, and then only the newest one (RFC 6455, section 5.5.3)."""
        pong = self._wire.send(event.response())
        if self._connection is not None and self._connection.paused:
            self._pong = pong
        else:
            self.write(pong)

    def _answer_close(self, event: events.CloseConnection) -> None:
        """The client has said Close, or has answered ours, or what it says is no WebSocket's."""
        if not self._closing:
            with suppress(LocalProtocolError):
                self.write(self._wire.send(event.response()))
        self._be_left()

    def _be_left(self) -> None:
        self._closing = True
        if self._connection is not None:
            self._connection.close()
        self._leave()

    def _leave(self) -> None:
        """Close the transport, which lets what waits in it be taken first, but not for ever."""
        if self._transport is not None:
            self._paths.deadlines.add(self)
            self._transport.close()

    def _gather(self, part: bytes | bytearray, event: events.Message[Any]) -> None:
        """A message, or a part of one: a fragment, or what has come of it so far.

        The rest of one that is too large is not waited for.
        """
        if self._message is None:
            self._message = bytearray()
        self._message += part
        if event.message_finished or len(self._message) > self._paths.backend.settings.message_bytes:
            message, self._message = bytes(self._message), None
            self._talk().take(message)
        elif event.frame_finished:
            self._may_speak()

    def _may_speak(self) -> bool:
        return self._talk().counts()

    def _talk(self) -> Conversation:
        if self._conversation is None:
            assert self._connection is not None  # or else it would be deaf
            self._conversation = Conversation(self._paths.backend, self._connection)
        return self._conversation
