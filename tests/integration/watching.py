"""Watchers over real sockets, made of clients that others wrote: `websockets` and `httpx-sse`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from typing import Any, NamedTuple

import httpx
from httpx_sse import ServerSentEvent, connect_sse
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from headway.protocol.sse import SseEvent, SseParser
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


def read_on(url: str, path: str, ids: list[str], trails: list[Trail]) -> None:
    """Read a stream until its end, as a browser does that keeps the newest id at the end of ``ids``."""
    for event in _read(url, path, ids[-1]):
        ids.append(event.id)
        for trail in trails:
            trail.follow(iter([json.loads(event.data)]))


def read(url: str, path: str, last_id: str = "", count: int | None = None) -> Read:
    """So many frames of a stream, or all until its end, as a browser reads them: an id stays until another comes."""
    frames: list[Frame] = []
    for event in _read(url, path, last_id):
        frames.append(json.loads(event.data))
        last_id = event.id
        if len(frames) == count:
            break
    return Read(frames, last_id)


def _read(url: str, path: str, last_id: str) -> Iterator[SseEvent]:
    parser = SseParser(last_id=last_id)
    with (
        httpx.Client(base_url=url + API, timeout=PATIENCE_S, trust_env=False) as http,
        http.stream("GET", path, headers={"Last-Event-ID": last_id} if last_id else {}) as answer,
    ):
        for chunk in answer.iter_bytes():
            yield from parser.feed(chunk)


def seqs(frames: list[Frame]) -> list[int]:
    """The numbers of all events in some frames."""
    return [event["seq"] for frame in frames if frame["type"] == "events" for event in frame["events"]]


class Trail:
    """What a watcher has got of a run, and where it goes on, whichever transports it takes.

    Attributes:
        run: The run.
        mode: How it watches.
        cursor: Behind what it has got.
        found: The numbers of the events, as they came.
        ended: Whether it has got the end.
        live: Whether it has got anything over the connection that it has.
    """

    def __init__(self, run: str, mode: str = "all") -> None:
        self.run = run
        self.mode = mode
        self.cursor = "0"
        self.found: list[int] = []
        self.ended = self.live = False

    def follow(self, frames: Iterator[Frame], count: int | None = None) -> None:
        """Take so many frames, or all until the end."""
        for number, frame in enumerate(frames, 1):
            self.live = True
            if frame.get("run_id") == self.run and "cursor" in frame:
                self.found += seqs([frame])
                self.cursor = frame["cursor"]
                self.ended = frame["type"] == "end"
            if self.ended or number == count:
                return


def by_websocket(url: str, trail: Trail, count: int | None = None) -> None:
    """Follow a trail for so many frames over WebSocket."""
    with watcher(url) as ws:
        ws.say("watch", run_id=trail.run, after=trail.cursor, mode=trail.mode)
        trail.follow(iter(ws.hear, None), count)


def by_stream(url: str, trail: Trail, count: int | None = None) -> None:
    """The same over Server-Sent Events."""

    def checked(events: Iterator[ServerSentEvent]) -> Iterator[Frame]:
        for id_, frame in frames_of(events):
            cursor = frame.get("cursor", id_)
            assert id_ == (cursor + ".end" if frame["type"] == "end" else cursor)
            yield frame

    with stream(url, f"/runs/{trail.run}/stream?mode={trail.mode}", {"Last-Event-ID": trail.cursor}) as events:
        trail.follow(checked(events), count)


def by_polls(url: str, trail: Trail, count: int | None = None) -> None:
    """The same by asking again and again, in mode ``all``."""

    def asked() -> Iterator[Frame]:
        for wait_s in chain([0], repeat(10)):
            asking: dict[str, str | int] = {"after": trail.cursor, "wait": wait_s, "limit": 7}
            page = http.get(f"/runs/{trail.run}/events", params=asking).json()
            yield {"type": "events", "run_id": trail.run, "events": page["events"], "cursor": page["cursor"]}
            if page["ended"]:
                yield {"type": "end", "run_id": trail.run, "cursor": page["cursor"]}

    with client(url) as http:
        trail.follow(asked(), count)
