"""Servers that break a rule of the protocol: our own, and somebody between it and its clients."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from headway.protocol.frames import CloseCode
from tests.integration.watching import Frame

Asgi = Callable[[Any, Any, Any], Any]


def _same(value: Any) -> Any:
    return value


class Fault(NamedTuple):
    """What becomes of what goes to and fro.

    Attributes:
        told: A frame on a WebSocket, or some text of a stream.
        said: A message of a client; None if it is lost.
        closed: The code of a Close.
        asked: The headers of a request.
    """

    told: Callable[[str], str] = _same
    said: Callable[[Frame], Frame | None] = _same
    closed: Callable[[int], int] = _same
    asked: Callable[[list[tuple[bytes, bytes]]], list[tuple[bytes, bytes]]] = _same


def breaking(app: Asgi, fault: Fault) -> Asgi:
    """The application with a fault."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": fault.asked(list(scope["headers"]))}
        between = _Between(fault, receive, send)
        await app(scope, between.receive, between.send)

    return broken


class _Between:
    """What stands between the application and one client."""

    def __init__(self, fault: Fault, receive: Any, send: Any) -> None:
        self._fault = fault
        self._receive = receive
        self._send = send
        self._is_stream = False

    async def receive(self) -> Any:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive" or not (message.get("text") or "").startswith("{"):
                return message
            said = self._fault.said(json.loads(message["text"]))
            if said is not None:
                return {**message, "text": json.dumps(said, ensure_ascii=False)}

    async def send(self, message: Any) -> None:
        match message["type"]:
            case "http.response.start":
                self._is_stream = dict(message["headers"]).get(b"content-type") == b"text/event-stream"
            case "http.response.body" if self._is_stream:
                message = {**message, "body": self._fault.told(message.get("body", b"").decode()).encode()}
            case "websocket.send":
                message = {**message, "text": self._fault.told(message["text"])}
            case "websocket.close":
                message = {**message, "code": self._fault.closed(message["code"])}
        await self._send(message)


def of_frames(type_: str, **changes: Any) -> Fault:
    """Frames of a type say something else."""

    def change(text: str) -> str:
        frame = json.loads(text)
        return json.dumps({**frame, **changes}) if frame["type"] == type_ else text

    def told(text: str) -> str:
        if text.startswith("{"):
            return change(text)
        return re.sub(r"(?m)^data: (.*)$", lambda found: "data: " + change(found[1]), text)

    return Fault(told=told)


def _without(name: str) -> Callable[[Frame], Frame]:
    return lambda message: {key: value for key, value in message.items() if key != name}


def _loses(type_: str) -> Fault:
    return Fault(said=lambda message: None if message["type"] == type_ else message)


def _from_the_beginning(message: Frame) -> Frame:
    runs = [{**run, "after": run["after"].removesuffix(".end")} for run in message.get("runs", ())]
    return {**message, "runs": runs} if runs else message


EMPTY_ID = Fault(told=lambda text: re.sub(r"(id: .*\n)?event: welcome", "id: \nevent: welcome", text))
"""By the standard a browser forgets where it was."""

NO_LEVEL = of_frames("notice", level="info")
NO_TIME = of_frames("tick", last_event_at=None)
NO_AT = of_frames("heartbeat", at=None)
ONE_CODE = of_frames("problem", code="limit")

FAULTS = [
    ("welcome", of_frames("welcome", protocol=2)),
    ("bad-messages", ONE_CODE),
    ("cancel-and-answer", Fault(said=_without("reason"))),
    ("snapshot", of_frames("snapshot", state={"seq": 1})),
    ("unwatch", _loses("unwatch")),
    ("list-of-runs", of_frames("runs", reset=False)),
    ("list-of-runs", _loses("unwatch_runs")),
    ("had-to-its-end", Fault(said=_from_the_beginning)),
    ("all-ended", Fault(closed=lambda code: CloseCode.GOING_AWAY if code == CloseCode.ALL_ENDED else code)),
    ("too-many-messages", Fault(closed=lambda _: CloseCode.NOT_ALLOWED)),
    ("a-message-is-too-large", Fault(closed=lambda _: CloseCode.NOT_ALLOWED)),
    ("too-many-runs", ONE_CODE),
    ("too-many-ways", ONE_CODE),
    ("last-event-id-wins", Fault(asked=lambda headers: [each for each in headers if each[0] != b"last-event-id"])),
    ("retry", Fault(told=lambda text: text.replace("retry: 1000", "retry: 5000"))),
    ("ids", Fault(told=lambda text: text.replace(".end\nevent: end", "\nevent: end"))),
    ("joined-ids", EMPTY_ID),
    ("cut-anywhere", EMPTY_ID),
    ("cut-anywhere-joined", EMPTY_ID),
    ("cut-while-it-goes-on", EMPTY_ID),
    ("cut-while-it-goes-on-joined", EMPTY_ID),
    ("tick-websocket", NO_TIME),
    ("tick-sse", NO_TIME),
    ("heartbeat-websocket", NO_AT),
    ("heartbeat-sse", NO_AT),
    ("notice-websocket", NO_LEVEL),
    ("notice-sse", NO_LEVEL),
]
"""For each case that takes a connection of its own, the faults that it must find."""
