"""Frames that come though nothing happens in the run: ticks, heartbeats, and what the operator says."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import Literal

from headway.protocol.events import JsonObject
from headway.testing.conformance.case import fault
from headway.testing.conformance.requests import Broken
from headway.testing.conformance.streams import Checks, Server, Work, soon, wanted
from headway.testing.conformance.wires import heard, opened

Wire = Literal["websocket", "sse"]
WIRES: tuple[Wire, ...] = ("websocket", "sse")


async def _frames(wire: Wire, server: Server, run_id: str) -> AsyncGenerator[JsonObject, None]:
    """All frames to somebody who watches a run, as they come."""
    if wire == "sse":
        async with aclosing(heard(server, f"runs/{run_id}/stream")) as told:
            async for each in told:
                yield each.frame
        return
    async with opened(server) as socket:
        await socket.say("watch", run_id=run_id)
        while True:
            yield await socket.next()


async def _first(frames: AsyncGenerator[JsonObject, None], type_: str) -> JsonObject:
    async for frame in frames:
        if frame["type"] == type_:
            return frame
    raise Broken(f"the stream ended before a {type_} came")


async def tick(wire: Wire, server: Server) -> None:
    """Of a run that is silent the view is told again and again, and when its last event was."""
    run = await server.reporter().begin()
    async with aclosing(_frames(wire, server, run.run_id)) as frames:
        frame = await soon(_first(frames, "tick"), "a tick")
    wrong = fault({"run_id": run.run_id, "view": {"now": "<time>"}, "last_event_at": "<time>"}, frame, "the tick")
    wanted(wrong is None, wrong or "")


async def heartbeat(wire: Wire, server: Server) -> None:
    """Within the time that ``welcome`` tells there is a sign of life."""
    run = server.reporter()
    async with aclosing(_frames(wire, server, run.run_id)) as frames:
        welcome = await soon(_first(frames, "welcome"), "a welcome")
        frame = await soon(_first(frames, "heartbeat"), "a heartbeat", later_s=float(welcome["heartbeat"]))
    wrong = fault({"at": "<time>"}, frame, "the heartbeat")
    wanted(wrong is None, wrong or "")


async def notice(wire: Wire, server: Server) -> None:
    """What the operator says is told to every watcher."""
    run = await server.reporter().begin()
    text = f"conformance {secrets.token_hex(4)}"
    async with aclosing(_frames(wire, server, run.run_id)) as frames:
        await soon(_first(frames, "snapshot"), "a snapshot")
        answer = await server.http.post("notices", json={"text": text, "level": "warning"})
        wanted(answer.status_code == 202, f"the answer is {answer.status_code}")
        frame = await soon(_first(frames, "notice"), "a notice")
    wanted((frame["text"], frame["level"]) == (text, "warning"), f"the notice is {frame}")


ON_EACH: tuple[tuple[str, Callable[[Wire, Server], Work]], ...] = (
    ("tick", tick),
    ("heartbeat", heartbeat),
    ("notice", notice),
)

CHECKS: Checks = tuple(("signs", f"{name}-{wire}", partial(check, wire)) for name, check in ON_EACH for wire in WIRES)
