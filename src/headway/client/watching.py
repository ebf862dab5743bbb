"""Watching one run for as long as it takes, over whatever transport passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Literal, Self

import httpx

from headway.client.api import Api
from headway.client.ladder import TRANSPORTS, ConnectionLost, Ladder, TransportName
from headway.client.session import Session, Wish
from headway.client.transports import polling, sse
from headway.errors import RemoteProtocolError
from headway.protocol.frames import AnyFrame

Connection = Literal["connecting", "live", "reconnecting", "polling", "closed"]


class Watching:
    """The frames of one run, each once and in order, through all that happens to connections.

    Iterate over it with ``async for``; it ends when the run has ended and everything was delivered. Leaving the loop
    early is followed by ``await aclose()``, or use ``async with``.

    Args:
        http: With the server's ``/api/v1/`` as its base.
        wish: What to watch.
        transports: Those that may be used, the best first.

    Attributes:
        connection: How it is connected now.
        transport: By which transport.
        retry_in_s: While it is ``reconnecting``: seconds until the next attempt.
        trouble: What ended the last connection, in words.
    """

    def __init__(self, http: httpx.AsyncClient, wish: Wish, transports: Sequence[TransportName] = TRANSPORTS) -> None:
        self._http = http
        self._session = Session(wish)
        self._ladder = Ladder(transports)
        self.connection: Connection = "connecting"
        self.transport: TransportName = transports[0]
        self.retry_in_s = 0.0
        self.trouble: str | None = None
        self._frames = self._watch()

    @property
    def cursor(self) -> str | None:
        """Where another one could go on from."""
        return self._session.cursor

    def __aiter__(self) -> AsyncIterator[AnyFrame]:
        return self._frames

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the connection."""
        await self._frames.aclose()
        self.connection = "closed"

    async def _watch(self) -> AsyncGenerator[AnyFrame, None]:
        loop = asyncio.get_running_loop()
        try:
            while not self._session.done:
                self.transport = self._ladder.next(loop.time())
                try:
                    async with aclosing(self._connected()) as frames:
                        async for frame in frames:
                            yield frame
                except ConnectionLost as lost:
                    await self._recover(lost)
                except RemoteProtocolError as error:
                    # What was got so far is right; the rest is asked for again.
                    await self._recover(ConnectionLost(str(error), answered=True))
        finally:
            self.connection = "closed"

    async def _connected(self) -> AsyncGenerator[AnyFrame, None]:
        async with aclosing(self._transport()) as frames:
            async for frame in frames:
                self._ladder.worked()
                self.connection = "polling" if self.transport == "polling" else "live"
                if self._session.accept(frame):
                    yield frame
                if self._session.done:
                    return

    def _transport(self) -> AsyncGenerator[AnyFrame, None]:
        if self.transport == "polling":
            return polling.frames(Api(self._http), self._session)
        if self.transport == "sse":
            return sse.frames(self._http, self._session)
        from headway.client.transports import websocket

        url = str(self._http.base_url.join("watch"))
        return websocket.frames(url, self._http.headers, self._session.message())

    async def _recover(self, lost: ConnectionLost) -> None:
        self.trouble = str(lost)
        self.connection = "reconnecting"
        self.retry_in_s = self._ladder.failed(lost, asyncio.get_running_loop().time())
        await asyncio.sleep(self.retry_in_s)
