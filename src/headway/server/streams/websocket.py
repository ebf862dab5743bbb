"""A watcher's WebSocket over any ASGI server: for an application that is mounted in somebody else's."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headway.errors import HeadwayError, UpgradeRequired
from headway.hub.framing import JSON
from headway.protocol import times
from headway.protocol.frames import CloseCode
from headway.server.backend import Backend
from headway.server.streams.conversation import Conversation
from headway.server.streams.outlet import Outlet
from headway.server.streams.session import peer, welcome

SUBPROTOCOL = "headway.v1"


class WebSocketWatch:
    """``GET /watch`` as an ASGI application."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one watcher until it leaves, or the hub closes its connection."""
        if (await receive())["type"] != "websocket.connect":
            return
        try:
            hub = self._backend.hub
        except HeadwayError:
            await send({"type": "websocket.close", "code": CloseCode.GOING_AWAY, "reason": "the server is ending"})
            return
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in scope.get("subprotocols", ()) else None
        await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})
        outlet = Outlet(lambda: times.to_text(time.time()), self._backend.settings.pong_s)
        who = peer((scope.get("client") or ("",))[0], Headers(scope=scope).get("user-agent", ""))
        outlet.connection = connection = hub.connect(outlet, JSON, who)
        connection.send(welcome(self._backend))
        listening = asyncio.ensure_future(_listen(Conversation(self._backend, connection), receive))

        async def send_all(frames: list[bytes]) -> None:
            for frame in frames:
                await send({"type": "websocket.send", "text": frame.decode()})

        async def end(code: CloseCode, reason: str) -> None:
            await send({"type": "websocket.close", "code": int(code), "reason": reason})

        try:
            await outlet.speak(send_all, end, listening)
        finally:
            listening.cancel()
            connection.close()


async def without_upgrade(_backend: Backend, request: Request) -> Response:
    """``GET /watch`` of who does not ask for a WebSocket, or whose proxy keeps that from the server."""
    raise UpgradeRequired(
        f"{request.url.path} is a WebSocket, and the request that came is none: "
        "connect to it as to one, or read 'stream' or 'events', for which no upgrade is needed"
    )


async def _listen(conversation: Conversation, receive: Receive) -> None:
    """Take what the watcher says until it leaves."""
    while (message := await receive())["type"] == "websocket.receive":
        conversation.take(message.get("text") or message.get("bytes") or b"")
