"""Server-Sent Events: one run, or several, to whoever reads a response that does not end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headway.errors import InvalidCursor, InvalidInput
from headway.hub.framing import SSE, SSE_JOINED, Framing
from headway.protocol import times
from headway.protocol.frames import CloseCode, Watch, message_of
from headway.protocol.sse import END_SUFFIX, retry_text
from headway.server import parameters
from headway.server.answers import SAFE, nothing
from headway.server.backend import Backend
from headway.server.reading.runs import run_id
from headway.server.streams.outlet import Outlet
from headway.server.streams.session import peer, welcome
from headway.server.streams.straight import StraightHttp, StraightStream, protocol_of

STREAM = {**SAFE, "X-Accel-Buffering": "no", "Content-Type": "text/event-stream"}
"""No proxy may keep what it is sent, or compress it."""


async def stream_run(backend: Backend, request: Request) -> Response:
    """``GET /runs/{id}/stream?mode=&after=&rate=&types=``."""
    return _stream(backend, request, [run_id(request)], SSE)


async def stream_runs(backend: Backend, request: Request) -> Response:
    """``GET /stream?runs=a,b``."""
    named = parameters.names(request, "runs")
    if named is None:
        raise InvalidInput("'runs' is missing: name the runs to watch, with commas between them")
    return _stream(backend, request, list(dict.fromkeys(named)), SSE_JOINED)


def _stream(backend: Backend, request: Request, runs: Sequence[str], framing: Framing) -> Response:
    places = _places(request, len(runs))
    if all(place is not None and place.endswith(END_SUFFIX) for place in places):
        return nothing()  # a browser that is told so does not come again
    message = _watch(request, runs, places)
    backend.settings.hub.check_runs(len(runs), joined=framing is SSE_JOINED)
    if request.method == "HEAD":
        return nothing(200, STREAM)
    return EventStream(backend, request, message, framing)


def _places(request: Request, count: int) -> list[str | None]:
    """Where to go on with each run. Raises InvalidCursor."""
    given = request.headers.get("last-event-id") or parameters.text(request, "after")
    if given is None:
        return [None] * count
    parts = [part.strip() or None for part in given.split(",")]
    if len(parts) != count:
        raise InvalidCursor(f"{given[:100]!r} has {len(parts)} cursors for {count} runs: give one for each, or none")
    return parts


def _watch(request: Request, runs: Sequence[str], places: Sequence[str | None]) -> Watch:
    """The same message as on a WebSocket, checked in the same way. Raises InvalidInput."""
    said: dict[str, Any] = {"type": "watch", "mode": parameters.text(request, "mode") or "paced"}
    said["rate"] = parameters.whole(request, "rate", 5)
    types = parameters.names(request, "types")
    if types is not None:
        said["types"] = types
    said["runs"] = [{"run_id": run, "after": place} for run, place in zip(runs, places, strict=True)]
    message = message_of({**said, "close_on_end": True})
    assert isinstance(message, Watch)
    return message


class EventStream(Response):
    """The response: it goes on until all its runs have ended, the reader leaves, or the server ends."""

    def __init__(self, backend: Backend, request: Request, message: Watch, framing: Framing) -> None:
        super().__init__(headers=STREAM)
        del self.headers["content-length"]
        self._backend = backend
        self._hub = backend.hub
        self._message = message
        self._framing = framing
        self._peer = peer((request.scope.get("client") or ("",))[0], request.headers.get("user-agent", ""))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one reader."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        protocol = protocol_of(scope)
        if protocol is None:
            await self._serve(receive, send)
        else:
            await self._serve_straight(protocol, receive, send)

    async def _serve(self, receive: Receive, send: Send) -> None:
        """Over any ASGI server."""

        async def send_all(texts: list[bytes]) -> None:
            await send({"type": "http.response.body", "body": b"".join(texts), "more_body": True})

        async def end(_code: CloseCode, _reason: str) -> None:
            await _finish(send)

        outlet = Outlet(lambda: times.to_text(time.time()), self._backend.settings.pong_s)
        outlet.write(retry_text())
        async with self._watching(outlet, receive) as leaving:
            await outlet.speak(send_all, end, leaving)

    async def _serve_straight(self, protocol: StraightHttp, receive: Receive, send: Send) -> None:
        """Straight on the socket; the first bytes make uvicorn send the response's head."""
        await send({"type": "http.response.body", "body": retry_text(), "more_body": True})
        stream = protocol.stream = StraightStream(protocol)
        try:
            async with self._watching(stream, receive) as leaving:
                await asyncio.wait((stream.closed, leaving), return_when=asyncio.FIRST_COMPLETED)
                if stream.closed.done():
                    await _finish(send)
        finally:
            protocol.stream = None

    @asynccontextmanager
    async def _watching(self, sink: Outlet | StraightStream, receive: Receive) -> AsyncIterator[asyncio.Future[None]]:
        """A connection that watches what was asked for; yields what is done when the reader leaves."""
        leaving = asyncio.ensure_future(_left(receive))
        sink.connection = connection = self._hub.connect(sink, self._framing, self._peer)
        try:
            connection.expect(self._message.watched)
            connection.send(welcome(self._backend))
            if sink.is_full:
                connection.pause()
            connection.watch(self._message)
            yield leaving
        finally:
            connection.close()
            leaving.cancel()


async def _finish(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
