"""Requests that are held on purpose: until something has happened, or nobody waits for the answer any more."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")


async def held(request: Request, waiting: Coroutine[Any, Any, T]) -> T:
    """What the waiting gives; it is cancelled if the client goes away meanwhile.

    Raises:
        ClientDisconnect: It did.
    """
    answer = asyncio.ensure_future(waiting)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientDisconnect
        return answer.result()
    finally:
        answer.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
