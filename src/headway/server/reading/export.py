"""A whole log as JSON Lines: a header, then its events, one a line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import islice

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from headway.hub.exporting import export_lines
from headway.server.answers import SAFE
from headway.server.backend import Backend
from headway.server.reading.artifacts import disposition
from headway.server.reading.log import NDJSON
from headway.server.reading.runs import run_id

LINES = 500
"""Read at once: one page of the log."""


async def export_run(backend: Backend, request: Request) -> Response:
    """``GET /runs/{id}/export``."""
    named = run_id(request)
    lines = await backend.ask_much(lambda store: export_lines(store, named))
    first = await _next(backend, lines)  # before the answer begins, which cannot say any more that there is no such run
    headers = {**SAFE, "Content-Disposition": disposition(f"{named.replace(':', '-')}.jsonl")}
    return StreamingResponse(_chunks(backend, first, lines), 200, headers, NDJSON)


async def _chunks(backend: Backend, first: bytes, lines: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The log as it is when it is read; cut off if the run is removed meanwhile."""
    chunk = first
    while chunk:
        yield chunk
        chunk = await _next(backend, lines)


async def _next(backend: Backend, lines: Iterator[bytes]) -> bytes:
    return await backend.work(lambda: b"".join(islice(lines, LINES)))
