"""What people say to a job: that it should stop, and the answers to its questions."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headway.protocol import limits
from headway.protocol.events import Json
from headway.protocol.ready import ready
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
    became = await backend.hub.cancel(named, reason=body.reason)
    return answer({"cancel_requested": True, "ended": became.ended}, 202)


async def give_input(backend: Backend, request: Request) -> Response:
    """``POST /runs/{id}/inputs/{input}``."""
    named, input_id = run_id(request), str(request.path_params["input_id"])
    body = await read_json(request, AnswerBody, backend.settings.body_bytes)
    await backend.hub.answer(named, input_id, body.value)
    return answer({"id": input_id}, 202)


ready(CancelBody, AnswerBody)
