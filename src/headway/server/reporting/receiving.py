"""What comes as files: artifacts, and whole logs. Gathered on disk first, so that who sends slowly keeps no thread."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import BinaryIO, cast

from starlette.requests import Request
from starlette.responses import Response

from headway.errors import DigestMismatch, InvalidInput, NotFound, RunEnded
from headway.hub.importing import import_run
from headway.ports import Batch, EventStore, StoredBlob
from headway.protocol import events, names
from headway.server import parameters
from headway.server.answers import answer
from headway.server.backend import Backend
from headway.server.bodies import check_type, chunks
from headway.server.reading.artifacts import artifacts_of, media_type
from headway.server.reading.log import NDJSON
from headway.server.reading.runs import run_id
from headway.server.reporting.creating import said_at

MEMORY_BYTES = 1024 * 1024
"""What is smaller than this never touches the disk before its place."""

WRITTEN_BYTES = 256 * 1024
"""Gathered for one write."""

_SHA256 = re.compile(r"sha-256=:([A-Za-z0-9+/=]{44}):")


@asynccontextmanager
async def received(backend: Backend, request: Request, limit_bytes: int) -> AsyncIterator[BinaryIO]:
    """The body as a file, gone when the block ends.

    Raises:
        BodyTooLarge
        DigestMismatch: It is not what ``Content-Digest`` says.
    """
    expected = _expected_digest(request)
    digest = hashlib.sha256()
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES, prefix="headway-") as file:

        def keep(part: bytearray) -> None:
            digest.update(part)
            file.write(part)

        waiting = bytearray()
        async for chunk in chunks(request, limit_bytes):
            waiting += chunk
            if len(waiting) >= WRITTEN_BYTES:
                await backend.work(partial(keep, waiting))
                waiting = bytearray()
        await backend.work(partial(keep, waiting))
        await backend.work(partial(file.seek, 0))
        if expected is not None and expected != digest.digest():
            raise DigestMismatch("the content that arrived is not what its Content-Digest says: send it again")
        yield cast(BinaryIO, file)


def _expected_digest(request: Request) -> bytes | None:
    given = request.headers.get("content-digest")
    match = None if given is None else _SHA256.search(given)
    if match is None:
        return None
    try:
        return base64.b64decode(match[1], validate=True)
    except binascii.Error as error:
        raise InvalidInput(f"the Content-Digest is {given!r}: it is not base64") from error


async def put_artifact(backend: Backend, request: Request) -> Response:
    """``PUT /runs/{id}/artifacts/{name}?event=``: the content, and the event that makes it an artifact of the run.

    With ``event=false`` the reporter says the event itself, in its own order, and the run may still be on its way here.
    """
    named, name = run_id(request), names.artifact_name(request.path_params["name"])
    is_ours = parameters.yes(request, "event", default=True)
    await backend.ask(lambda store: _check_open(store, named, may_be_missing=not is_ours))
    async with received(backend, request, backend.settings.artifact_bytes) as file:
        blob = await backend.work(lambda: backend.artifacts.put(file))
    if is_ours:
        said = _artifact(name, request, blob)
        await backend.ask_much(lambda store: _say(store, named, said))
    return answer({"sha256": blob.sha256, "size": blob.size}, 201)


def _artifact(name: str, request: Request, blob: StoredBlob) -> events.Artifact:
    kind = media_type(request.headers.get("content-type"))
    return events.Artifact(name=name, media_type=kind, size=blob.size, sha256=blob.sha256)


def _check_open(store: EventStore, named: str, *, may_be_missing: bool) -> None:
    """Raise NotFound or RunEnded if nothing can name the content (any more)."""
    try:
        header = store.header(named)
    except NotFound:
        if may_be_missing:
            return
        raise
    if header.ended:
        raise RunEnded(f"run {named!r} has ended ({header.status}): it takes no artifacts any more")


def _say(store: EventStore, named: str, artifact: events.Artifact) -> None:
    """Append the event, unless the run has this content under this name already. Raises NotFound and RunEnded."""
    before = artifacts_of(store, named).get(artifact.name)
    if before is not None and before.artifact.sha256 == artifact.sha256:
        return
    # A reporter for this content in this place: of several who put it at once, the store takes the first.
    place = f"{0 if before is None else before.seq} {artifact.sha256} {artifact.name}"
    reporter = f"artifact-{hashlib.sha256(place.encode()).hexdigest()}"
    said = events.draft(artifact, at=said_at(None))
    store.append(Batch(run_id=named, reporter=reporter, first=1, events=(said,)))


async def import_log(backend: Backend, request: Request) -> Response:
    """``POST /runs/import?run_id=``."""
    check_type(request, NDJSON)
    wanted = parameters.text(request, "run_id")
    async with received(backend, request, backend.settings.import_bytes) as file:
        imported = await backend.ask_much(lambda store: import_run(store, file, run_id=wanted))
    return answer(imported, 201)
