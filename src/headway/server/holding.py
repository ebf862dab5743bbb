"""Requests that are held on purpose: until something has happened, or nobody waits for the answer any more.

With many of them each event would be answered, and asked for anew, by everybody at once. So the more are held, the
longer an answer waits for what comes right behind: not noticeably for a few, a tenth of a second for hundreds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")

LINGER_EACH_S = 0.000_3
"""About what it takes to answer one, and to take its next question."""

LINGER_S = 0.1
"""An answer waits for what comes right behind at most; people do not notice it."""


class Holding:
    """The requests that one server holds. For its event loop.

    Attributes:
        count: How many there are.
    """

    def __init__(self) -> None:
        self.count = 0

    async def held(self, request: Request, waiting: Coroutine[Any, Any, T]) -> T:
        """What the waiting gives; it is cancelled if the client goes away meanwhile.

        Raises:
            ClientDisconnect: It did.
        """
        self.count += 1
        answer = asyncio.ensure_future(waiting)
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ClientDisconnect
            return answer.result()
        finally:
            self.count -= 1
            answer.cancel()
            gone.cancel()

    async def linger(self) -> None:
        """Wait for what comes right behind."""
        await asyncio.sleep(min(LINGER_S, self.count * LINGER_EACH_S))


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
