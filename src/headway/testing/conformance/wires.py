"""A WebSocket and a stream of events as they are, without the client that would mend what a server does."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import NamedTuple

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from headway.protocol.events import Json, JsonObject
from headway.protocol.sse import SseParser
from headway.testing.conformance.requests import Broken
from headway.testing.conformance.streams import Server, soon, wanted


class Socket:
    """A WebSocket to a server.

    Attributes:
        connection: What it is made of.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, type_: str, **members: Json) -> None:
        """Send a message."""
        await self.connection.send(msgspec.json.encode({"type": type_, **members}).decode())

    async def hear(self, *types: str) -> JsonObject:
        """The next frame of these types, if it comes in time; others are passed over. Raises Broken."""
        what = " or ".join(types) or "a frame"
        frames = await self.until(lambda frame: not types or frame["type"] in types, what)
        return frames[-1]

    async def until(self, condition: Callable[[JsonObject], bool], what: str) -> list[JsonObject]:
        """All frames up to one that fits. Raises Broken."""
        return await soon(self._until(condition), what)

    async def next(self) -> JsonObject:
        """The next frame, however long it takes. Raises Broken."""
        try:
            frame: JsonObject = msgspec.json.decode(await self.connection.recv())
        except ConnectionClosed as closed:
            raise Broken(f"the connection was closed: {closed}") from None
        return frame

    async def _until(self, condition: Callable[[JsonObject], bool]) -> list[JsonObject]:
        frames = [await self.next()]
        while not condition(frames[-1]):
            frames.append(await self.next())
        return frames

    async def answered(self) -> list[JsonObject]:
        """All frames that come before a ``pong``, to be sure that the server has heard what was said."""
        await self.say("ping", echo="are you there")
        *before, pong = await self.until(lambda frame: frame["type"] == "pong", "a pong")
        wanted(pong.get("echo") == "are you there", f"the echo is {pong.get('echo')!r}")
        return before

    async def rest(self) -> list[JsonObject]:
        """All frames until the server closes the connection. Raises Broken."""
        return await soon(self._rest(), "the server's Close")

    async def _rest(self) -> list[JsonObject]:
        frames: list[JsonObject] = []
        try:
            while True:
                frames.append(msgspec.json.decode(await self.connection.recv()))
        except ConnectionClosed:
            return frames

    def closed_with(self, code: int) -> None:
        """The server must have closed it with this code. Raises Broken."""
        wanted(self.connection.close_code == code, f"it is closed with {self.connection.close_code}, not {code}")


@asynccontextmanager
async def opened(server: Server) -> AsyncIterator[Socket]:
    """A WebSocket; its first frame is still to come."""
    headers = server.http.headers
    async with connect(
        re.sub(r"\Ahttp", "ws", str(server.http.base_url.join("watch"))),
        subprotocols=[Subprotocol("other"), Subprotocol("headway.v1")],
        additional_headers={"Authorization": headers["Authorization"]} if "Authorization" in headers else {},
        compression=None,
        max_size=None,
    ) as connection:
        yield Socket(connection)


@asynccontextmanager
async def welcomed(server: Server) -> AsyncIterator[Socket]:
    """A WebSocket that was made welcome."""
    async with opened(server) as socket:
        await socket.hear("welcome")
        yield socket


class Heard(NamedTuple):
    """A frame of a stream of events; ``last_id`` is what a browser has then, which stays until another id comes."""

    frame: JsonObject
    id: str
    retry_ms: int | None


async def heard(
    server: Server, path: str, last_id: str = "", query: dict[str, str] | None = None
) -> AsyncGenerator[Heard, None]:
    """A stream's frames, until it ends; none if there is nothing more (204). Raises Broken."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with server.http.stream("GET", path, params=query, headers=headers) as answer:
        wanted(answer.status_code in (httpx.codes.OK, httpx.codes.NO_CONTENT), f"the status is {answer.status_code}")
        parser = SseParser(last_id=last_id)
        async for chunk in answer.aiter_raw():
            for event in parser.feed(chunk):
                frame = msgspec.json.decode(event.data)
                wanted(frame["type"] == event.event, f"the event {event.event!r} has a frame {frame['type']!r}")
                yield Heard(frame, event.id, parser.retry_ms)


async def read(
    server: Server, path: str, last_id: str = "", *, query: dict[str, str] | None = None, count: int | None = None
) -> list[Heard]:
    """So many frames of a stream, or all until its end, if they come in time. Raises Broken."""
    return await soon(_read(server, path, last_id, query, count), f"the frames of {path}")


async def _read(
    server: Server, path: str, last_id: str, query: dict[str, str] | None, count: int | None
) -> list[Heard]:
    found: list[Heard] = []
    async with aclosing(heard(server, path, last_id, query)) as frames:
        async for each in frames:
            found.append(each)
            if len(found) == count:
                break
    return found


def numbers(frames: list[JsonObject], run_id: str) -> list[int]:
    """The numbers of a run's events in some frames."""
    of_run = [frame for frame in frames if frame["type"] == "events" and frame["run_id"] == run_id]
    return [event["seq"] for frame in of_run for event in frame["events"]]
