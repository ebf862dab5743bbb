"""Watchers over real sockets, made of clients that others wrote: `websockets` and `httpx-sse`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
from httpx_sse import ServerSentEvent, connect_sse
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from headway.protocol.sse import SseParser
from tests.integration.serving import API, client

PATIENCE_S = 20.0

Frame = dict[str, Any]


class Watcher:
    """A WebSocket to a server.

    Attributes:
        socket: The connection.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def say(self, type_: str, **members: Any) -> None:
        self.socket.send(json.dumps({"type": type_, **members}))

    def hear(self, *types: str) -> Frame:
        """The next frame of these types; others are passed over."""
        while True:
            frame: Frame = json.loads(self.socket.recv(PATIENCE_S))
            if not types or frame["type"] in types:
                return frame

    def until(self, condition: Callable[[Frame], bool]) -> list[Frame]:
        """All frames up to one that fits."""
        frames = [self.hear()]
        while not condition(frames[-1]):
            frames.append(self.hear())
        return frames

    def rest(self) -> list[Frame]:
        """All frames until the server closes the connection."""
        frames: list[Frame] = []
        try:
            while True:
                frames.append(self.hear())
        except ConnectionClosed:
            return frames

    @property
    def closed_with(self) -> int | None:
        """The code of the server's Close."""
        return self.socket.close_code


@contextmanager
def watcher(url: str, **options: Any) -> Iterator[Watcher]:
    """A watcher that was made welcome."""
    place = url.replace("http", "ws", 1) + API + "/watch"
    with connect(place, open_timeout=PATIENCE_S, close_timeout=5, proxy=None, **options) as socket:
        made = Watcher(socket)
        assert made.hear()["type"] == "welcome"
        yield made


@contextmanager
def stream(url: str, path: str, headers: dict[str, str] | None = None) -> Iterator[Iterator[ServerSentEvent]]:
    """The Server-Sent Events of a path."""
    with (
        httpx.Client(base_url=url + API, timeout=PATIENCE_S, trust_env=False) as client,
        connect_sse(client, "GET", path, headers=headers or {}) as source,
    ):
        yield source.iter_sse()


def frames_of(events: Iterator[ServerSentEvent]) -> Iterator[tuple[str, Frame]]:
    """The id and the frame of each event."""
    for event in events:
        if event.retry is not None:
            continue
        frame: Frame = json.loads(event.data)
        assert frame["type"] == event.event
        yield event.id, frame


class Read(NamedTuple):
    """What was read of a stream, and what a browser would say when it comes back."""

    frames: list[Frame]
    last_id: str

    def seqs(self, run: str) -> list[int]:
        """The numbers of a run's events."""
        return seqs([frame for frame in self.frames if frame.get("run_id") == run])


def read(url: str, path: str, last_id: str = "", count: int | None = None) -> Read:
    """So many frames of a stream, or all until its end, as a browser reads them: an id stays until another comes."""
    frames: list[Frame] = []
    parser = SseParser(last_id=last_id)
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with (
        httpx.Client(base_url=url + API, timeout=PATIENCE_S, trust_env=False) as http,
        http.stream("GET", path, headers=headers) as answer,
    ):
        for chunk in answer.iter_bytes():
            for event in parser.feed(chunk):
                frames.append(json.loads(event.data))
                if len(frames) == count:
                    return Read(frames, event.id)
    return Read(frames, parser.last_id)


def seqs(frames: list[Frame]) -> list[int]:
    """The numbers of all events in some frames."""
    return [event["seq"] for frame in frames if frame["type"] == "events" for event in frame["events"]]


def by_websocket(url: str, run: str, cursor: str, found: list[int], count: int) -> str | None:
    """Watch on from a cursor for so many frames, over WebSocket; the next cursor, None at the end."""
    with watcher(url) as ws:
        ws.say("watch", run_id=run, after=cursor, mode="all")
        for _ in range(count):
            frame = ws.hear("events", "end")
            if frame["type"] == "end":
                return None
            found += seqs([frame])
            cursor = frame["cursor"]
    return cursor


def by_stream(url: str, run: str, cursor: str, found: list[int], count: int) -> str | None:
    """The same over Server-Sent Events."""
    with stream(url, f"/runs/{run}/stream?mode=all", {"Last-Event-ID": cursor}) as events:
        for id_, frame in frames_of(events):
            if frame["type"] == "end":
                assert id_ == frame["cursor"] + ".end"
                return None
            if frame["type"] == "events":
                assert id_ == frame["cursor"]
                found += seqs([frame])
                cursor = frame["cursor"]
                count -= 1
            if not count:
                break
    return cursor


def by_polls(url: str, run: str, cursor: str, found: list[int], count: int) -> str | None:
    """The same by asking again and again."""
    with client(url) as http:
        for _ in range(count):
            page = http.get(f"/runs/{run}/events", params={"after": cursor, "wait": 10, "limit": 7}).json()
            found += [event["seq"] for event in page["events"]]
            cursor = page["cursor"]
            if page["ended"]:
                return None
    return cursor
