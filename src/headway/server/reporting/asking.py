"""What people say to a job: that it should stop, and the answers to its questions."""

from __future__ import annotations

import secrets
import time
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headway.errors import Answered, NotFound, RunEnded
from headway.hub.cancelling import Cancelling, request_cancel
from headway.hub.opening import open_run
from headway.ports import Batch, EventStore
from headway.protocol import events, limits, times
from headway.protocol.events import Json
from headway.server.answers import answer
from headway.server.backend import Backend
from headway.server.bodies import read_json
from headway.server.reading.runs import run_id


class CancelBody(msgspec.Struct, frozen=True, kw_only=True):
    """What ``POST /runs/{id}/cancel`` takes."""

    reason: Annotated[str, msgspec.Meta(max_length=limits.TITLE_CHARS)] | None = None


class AnswerBody(msgspec.Struct, frozen=True, kw_only=True):
    """What ``POST /runs/{id}/inputs/{input}`` takes."""

    value: Json


async def cancel_run(backend: Backend, request: Request) -> Response:
    """``POST /runs/{id}/cancel``."""
    named = run_id(request)
    body = await read_json(request, CancelBody, backend.settings.body_bytes)

    def cancel(store: EventStore) -> Cancelling:
        return request_cancel(store, named, reason=body.reason, by=None, now=time.time)

    became = await backend.ask(cancel)
    return answer({"cancel_requested": True, "ended": became.ended}, 202)


async def give_input(backend: Backend, request: Request) -> Response:
    """``POST /runs/{id}/inputs/{input}``."""
    named, input_id = run_id(request), str(request.path_params["input_id"])
    body = await read_json(request, AnswerBody, backend.settings.body_bytes)
    await backend.ask(lambda store: _give(store, named, events.InputGiven(id=input_id, value=body.value)))
    return answer({"id": input_id}, 202)


def _give(store: EventStore, named: str, given: events.InputGiven) -> None:
    opened = open_run(store, named)
    if opened.state.ended_at is not None:
        raise RunEnded(f"run {named!r} has ended ({opened.state.status}): nobody waits for the answer")
    asked = next((entry for entry in opened.state.inputs if entry.id == given.id), None)
    if asked is None:
        raise NotFound(f"run {named!r} has not asked {given.id[:140]!r}")
    if asked.given_at is not None:
        raise Answered(f"{given.id!r} was answered at {asked.given_at}: the first answer counts")
    draft = events.draft(given, at=times.to_text(time.time()), stage=asked.stage)
    reporter = f"watcher-{secrets.token_hex(8)}"
    store.append(Batch(run_id=named, reporter=reporter, first=1, events=(draft,), epoch=opened.cursor.epoch))
