"""A transport of the hub over an ASGI server, which takes what is written one await at a time.

What the hub writes is kept until the server has taken it; with more than 64 KiB the hub is told to wait. So this is no
queue that grows: who reads slowly is served from the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from headway.hub.connection import Connection
from headway.hub.sink import HIGH_WATER_BYTES
from headway.protocol.frames import CloseCode, HeartbeatFrame


class Outlet:
    """See ``Sink``. To be made in the event loop in which it is used.

    Args:
        now: The time as text, for heartbeats.
        patience_s: How long a client may take to take the rest when the hub has closed the connection.

    Attributes:
        connection: The hub's side; set once it is there.
    """

    def __init__(self, now: Callable[[], str], patience_s: float) -> None:
        self._now = now
        self._patience_s = patience_s
        self._waiting: list[bytes] = []
        self._size = 0
        self._news = asyncio.Event()
        self._farewell: asyncio.Future[tuple[CloseCode, str]] = asyncio.get_running_loop().create_future()
        self.connection: Connection | None = None

    @property
    def is_full(self) -> bool:
        """So much waits that nothing more should be written."""
        return self._size > HIGH_WATER_BYTES

    def write(self, data: bytes) -> None:
        """See ``Sink.write``."""
        self._waiting.append(data)
        self._size += len(data)
        self._news.set()
        if self.is_full and self.connection is not None:
            self.connection.pause()

    def beat(self) -> None:
        """See ``Sink.beat``: the server below looks for signs of life in its own way, as far as it does."""
        if self.connection is not None:
            self.connection.send(HeartbeatFrame(at=self._now()))

    def close(self, code: CloseCode, reason: str) -> None:
        """See ``Sink.close``."""
        self._farewell.set_result((code, reason))
        self._news.set()

    async def speak(
        self,
        send: Callable[[list[bytes]], Awaitable[None]],
        end: Callable[[CloseCode, str], Awaitable[None]],
        leaving: asyncio.Future[None],
    ) -> None:
        """Hand over what is written, as it comes, until the client leaves, or the hub has closed the connection.

        A client that then does not take the rest in time is left without a farewell: the server below is told by the
        end of this call.

        Args:
            send: Takes some pieces, and returns when there is room for more.
            end: Says why the connection was closed, behind everything that was written before.
            leaving: Done when the client has left.
        """
        speaking = asyncio.ensure_future(self._drain(send, end))
        try:
            await asyncio.wait((speaking, leaving, self._farewell), return_when=asyncio.FIRST_COMPLETED)
            if self._farewell.done():
                ending = (speaking, leaving)
                await asyncio.wait(ending, timeout=self._patience_s, return_when=asyncio.FIRST_COMPLETED)
            if speaking.done():
                with suppress(OSError):  # the client is gone
                    speaking.result()
        finally:
            speaking.cancel()

    async def _drain(
        self,
        send: Callable[[list[bytes]], Awaitable[None]],
        end: Callable[[CloseCode, str], Awaitable[None]],
    ) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                taken, self._waiting = self._waiting, []
                await send(taken)
                self._size -= sum(map(len, taken))
            if self._farewell.done():
                await end(*self._farewell.result())
                return
            if self.connection is not None:
                self.connection.resume()
