"""What an operator asks and says: who watches what, and a word to everybody."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headway.protocol import limits
from headway.protocol.frames import Level
from headway.protocol.ready import ready
from headway.server.answers import answer
from headway.server.backend import Backend
from headway.server.bodies import read_json


class NoticeBody(msgspec.Struct, frozen=True, kw_only=True):
    """What ``POST /notices`` takes."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=limits.TITLE_CHARS)]
    level: Level = "info"


async def list_watchers(backend: Backend, _request: Request) -> Response:
    """``GET /watchers``."""
    watchers = list(backend.hub.watching())
    runs = Counter(watching.run_id for watching in watchers)
    return answer({"watchers": watchers, "runs": runs})


async def post_notice(backend: Backend, request: Request) -> Response:
    """``POST /notices``."""
    body = await read_json(request, NoticeBody, backend.settings.body_bytes)
    return answer({"connections": await backend.hub.notice(body.text, body.level)}, 202)


ready(NoticeBody)
