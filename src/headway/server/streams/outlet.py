"""A transport of the hub over an ASGI server, which takes what is written one await at a time.

What the hub writes is kept until the server has taken it; with more than 64 KiB the hub is told to wait. So this is no
queue that grows: who reads slowly is served from the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from headway.hub.connection import Connection
from headway.hub.sink import HIGH_WATER_BYTES
from headway.protocol.frames import CloseCode, HeartbeatFrame

Farewell = tuple[CloseCode, str]


class Outlet:
    """See ``Sink``.

    Args:
        now: The time as text, for heartbeats.

    Attributes:
        connection: The hub's side; set once it is there.
        farewell: Why the hub has closed the connection, once it has.
    """

    def __init__(self, now: Callable[[], str]) -> None:
        self._now = now
        self._waiting: list[bytes] = []
        self._size = 0
        self._news = asyncio.Event()
        self.connection: Connection | None = None
        self.farewell: Farewell | None = None

    def write(self, data: bytes) -> None:
        """See ``Sink.write``."""
        self._waiting.append(data)
        self._size += len(data)
        self._news.set()
        if self._size > HIGH_WATER_BYTES and self.connection is not None:
            self.connection.pause()

    def beat(self) -> None:
        """See ``Sink.beat``: the server below looks for signs of life in its own way, as far as it does."""
        if self.connection is not None:
            self.connection.send(HeartbeatFrame(at=self._now()))

    def close(self, code: CloseCode, reason: str) -> None:
        """See ``Sink.close``."""
        self.farewell = (code, reason)
        self._news.set()

    async def drain(self, send: Callable[[list[bytes]], Awaitable[None]]) -> Farewell:
        """Hand over what is written, as it comes, until the hub has closed the connection.

        Args:
            send: Takes some pieces, and returns when there is room for more.

        Returns:
            Why it was closed; everything that was written before was handed over.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                taken, self._waiting = self._waiting, []
                await send(taken)
                self._size -= sum(map(len, taken))
            if self.farewell is not None:
                return self.farewell
            if self.connection is not None:
                self.connection.resume()
