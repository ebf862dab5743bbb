"""Frames over a WebSocket."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from headway.client.ladder import ConnectionLost
from headway.errors import NotAllowed, Unauthorized
from headway.protocol.farewell import wait_of
from headway.protocol.frames import AnyFrame, CloseCode, Message, decode_frame, encode_message
from headway.protocol.problems import MEDIA_TYPE
from headway.protocol.sse import EVENT_BYTES

SUBPROTOCOL = Subprotocol("headway.v1")
OPEN_TIMEOUT_S = 10.0
PING_S = 25.0
PONG_S = 10.0

_REFUSALS = {401: Unauthorized, 403: NotAllowed}


async def frames(url: str, headers: Mapping[str, str], message: Message) -> AsyncGenerator[AnyFrame, None]:
    """Frames of what ``message`` asks for, until the connection ends.

    Args:
        url: The server's ``/watch``, as ``http(s)://``.
        headers: Those of other requests. Only what says who asks is sent: the others are about HTTP.
        message: What to watch.

    Raises:
        ConnectionLost: The connection ended, or never came about.
        Unauthorized, NotAllowed: The server refuses the token.
        RemoteProtocolError: The server does not speak the protocol.
    """
    try:
        async with connect(
            re.sub(r"\Ahttp", "ws", url),
            subprotocols=[SUBPROTOCOL],
            additional_headers={name: value for name, value in headers.items() if name.lower() == "authorization"},
            compression=None,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=PING_S,
            ping_timeout=PONG_S,
            max_size=EVENT_BYTES,
        ) as connection:
            await connection.send(encode_message(message).decode())
            async for frame in _received(connection):
                yield frame
    except InvalidStatus as error:
        status = error.response.status_code
        # A proxy that lets no WebSocket pass may say 403, too: only a problem is the server's own word.
        if status in _REFUSALS and error.response.headers.get("Content-Type", "").startswith(MEDIA_TYPE):
            raise _REFUSALS[status](f"the server refuses this token ({status})") from error
        raise ConnectionLost(f"no WebSocket: the answer was {status}", answered=True) from error
    except InvalidHandshake as error:
        raise ConnectionLost(f"no WebSocket: {error}", answered=True) from error
    except TimeoutError as error:
        raise ConnectionLost("no WebSocket in time", answered=True) from error
    except OSError as error:
        raise ConnectionLost(f"the server is out of reach: {error}", answered=False) from error


async def _received(connection: ClientConnection) -> AsyncGenerator[AnyFrame, None]:
    try:
        async for body in connection:
            frame = decode_frame(body)
            if frame is not None:
                yield frame
        raise ConnectionLost("the server closed the connection", answered=True)
    except ConnectionClosed as error:
        raise _lost(error) from error


def _lost(closed: ConnectionClosed) -> ConnectionLost | NotAllowed | Unauthorized:
    code = None if closed.rcvd is None else closed.rcvd.code
    reason = "" if closed.rcvd is None else closed.rcvd.reason
    if code == CloseCode.NOT_ALLOWED:
        return NotAllowed(f"the server does not allow it: {reason}")
    if code == CloseCode.TOKEN_EXPIRED:
        return Unauthorized("the token has expired: connect with a new one")
    return ConnectionLost(
        f"the connection was closed ({code or 'without a word'}{': ' if reason else ''}{reason})",
        answered=True,
        retry_after_s=wait_of(reason) if code in (CloseCode.GOING_AWAY, CloseCode.OVERLOAD) else None,
    )
