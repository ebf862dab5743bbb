"""Artifacts: which a run has, and their content.

What a job has made is shown to whoever may watch it, and may be anything. So a browser is told to save it, not to open
it, to believe its type, and should it be opened all the same, to run nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from headway.errors import NotFound
from headway.ports import EventStore
from headway.protocol import codec, events, names
from headway.protocol.events import Priority
from headway.server.answers import SAFE, answer, nothing
from headway.server.backend import Backend
from headway.server.ranges import Stretch, stretch
from headway.server.reading.runs import matches, run_id

CHUNK_BYTES = 256 * 1024
"""Read from the disk at once."""

_MEDIA_TYPE = re.compile(r"^[A-Za-z0-9!#$&^_.+-]{1,80}/[A-Za-z0-9!#$&^_.+-]{1,80}(; ?charset=[A-Za-z0-9_-]{1,40})?\Z")
UNKNOWN_TYPE = "application/octet-stream"

PRIORITIES: tuple[Priority, ...] = ("high",)
"""The events' priority, by which a store finds them without reading the rest."""

SAFE_CONTENT = {**SAFE, "Content-Security-Policy": "default-src 'none'; sandbox", "Accept-Ranges": "bytes"}


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """One artifact, as its newest event names it."""

    name: str
    media_type: str | None
    size: int | None
    sha256: str | None
    at: str


class Said(NamedTuple):
    """What a run's log says of an artifact, and with which event."""

    seq: int
    artifact: Artifact


async def list_artifacts(backend: Backend, request: Request) -> Response:
    """``GET /runs/{id}/artifacts``."""
    named = run_id(request)
    found = await backend.ask(lambda store: artifacts_of(store, named))
    return answer({"artifacts": [said.artifact for said in found.values()]})


def artifacts_of(store: EventStore, named: str) -> dict[str, Said]:
    """All artifacts of a run by name, the newest last. Raises NotFound."""
    found: dict[str, Said] = {}
    cursor, complete = None, False
    while not complete:
        page = store.read(named, cursor, types=("artifact",), priorities=PRIORITIES)
        for record in page.records:
            event = codec.decode_event(record.body)
            data = codec.data_of(event)
            assert isinstance(data, events.Artifact)
            found.pop(data.name, None)
            artifact = Artifact(
                name=data.name, media_type=data.media_type, size=data.size, sha256=data.sha256, at=event.at
            )
            found[data.name] = Said(event.seq, artifact)
        cursor, complete = page.cursor, page.complete
    return found


async def read_artifact(backend: Backend, request: Request) -> Response:
    """``GET /runs/{id}/artifacts/{name}``."""
    named, name = run_id(request), names.artifact_name(request.path_params["name"])
    said = (await backend.ask(lambda store: artifacts_of(store, named))).get(name)
    artifact = None if said is None else said.artifact
    if artifact is None or artifact.sha256 is None:
        raise NotFound(f"run {named!r} has no artifact {name!r}")
    tag = f'"{artifact.sha256}"'
    headers = {**SAFE_CONTENT, "ETag": tag, "Cache-Control": "no-cache"}
    if matches(request.headers.get("if-none-match", ""), tag):
        return nothing(304, headers)
    content, size = await backend.work(_opening(backend, artifact.sha256, name))
    if_range = request.headers.get("if-range", tag)
    try:
        part = stretch(request.headers.get("range"), size) if if_range == tag else None
    except Exception:
        content.close()
        raise
    return _content_answer(backend, content, artifact, part, size, headers)


def _opening(backend: Backend, sha256: str, name: str) -> Callable[[], tuple[BinaryIO, int]]:
    def opened() -> tuple[BinaryIO, int]:
        try:
            content = backend.artifacts.open(sha256)
        except NotFound as error:  # whose message names a folder
            raise NotFound(f"the content of {name!r} is not kept any more") from error
        size = content.seek(0, 2)
        return content, size

    return opened


def _content_answer(
    backend: Backend, content: BinaryIO, artifact: Artifact, part: Stretch | None, size: int, headers: dict[str, str]
) -> Response:
    sent = part or Stretch(0, size)
    headers |= {"Content-Length": str(sent.end - sent.begin), "Content-Disposition": disposition(artifact.name)}
    if part is not None:
        headers["Content-Range"] = part.of(size)
    headers["Content-Type"] = media_type(artifact.media_type) or UNKNOWN_TYPE
    return StreamingResponse(_chunks(backend, content, sent), 200 if part is None else 206, headers)


def media_type(given: str | None) -> str | None:
    """What somebody said that content is, if it is a media type that may be passed on."""
    return given if given is not None and _MEDIA_TYPE.match(given) else None


async def _chunks(backend: Backend, content: BinaryIO, sent: Stretch) -> AsyncIterator[bytes]:
    """The content bit by bit: a slow reader keeps no thread."""
    left = sent.end - sent.begin
    try:
        await backend.work(lambda: content.seek(sent.begin))
        while left > 0 and (chunk := await backend.work(partial(content.read, min(CHUNK_BYTES, left)))):
            left -= len(chunk)
            yield chunk
    finally:
        content.close()


def disposition(name: str) -> str:
    """``Content-Disposition`` for a name: its last part, in ASCII and as it is."""
    last = PurePosixPath(name).name
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", last)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(last, safe='')}"
