"""Frames as Server-Sent Events."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx

from headway.client.api import refusal
from headway.client.ladder import ConnectionLost
from headway.client.session import Session
from headway.errors import Overloaded
from headway.protocol.frames import AnyFrame, decode_frame
from headway.protocol.sse import SseParser

SILENCE_S = 60.0
"""Two heartbeats: a stream that is silent for so long is dead, or held back by a proxy."""


async def frames(http: httpx.AsyncClient, session: Session) -> AsyncGenerator[AnyFrame, None]:
    """Frames of a run, until the stream ends.

    Raises:
        ConnectionLost: The stream ended, or never came about.
        HeadwayError: The server refuses it.
    """
    wish = session.wish
    query: dict[str, str] = {"mode": wish.mode, "rate": str(wish.rate)}
    if session.cursor is not None:
        query["after"] = session.cursor
    if wish.types is not None:
        query["types"] = ",".join(wish.types)
    try:
        async with http.stream(
            "GET",
            f"runs/{wish.run_id}/stream",
            params=query,
            headers={"Accept": "text/event-stream", "Cache-Control": "no-store"},
            timeout=httpx.Timeout(10.0, read=SILENCE_S),
        ) as answer:
            await _check(answer)
            parser = SseParser()
            async for chunk in answer.aiter_raw():
                for event in parser.feed(chunk):
                    frame = decode_frame(event.data)
                    if frame is not None:
                        yield frame
    except httpx.ConnectError as error:
        raise ConnectionLost(f"the server is out of reach: {error}", answered=False) from error
    except httpx.HTTPError as error:
        raise ConnectionLost(f"the stream ended: {error or type(error).__name__}", answered=True) from error
    raise ConnectionLost("the server ended the stream", answered=True)


async def _check(answer: httpx.Response) -> None:
    if answer.status_code == httpx.codes.OK:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return
        raise ConnectionLost("what answers is no stream of events", answered=True)
    await answer.aread()
    error = refusal(answer)
    if error.retryable:
        wait = error.retry_after_s if isinstance(error, Overloaded) else None
        raise ConnectionLost(str(error), answered=True, retry_after_s=wait)
    raise error
