"""Events are appended, in batches that may come twice.

What a store writes itself, when it creates a run, changes its owner or finds one silent, is refused here: whoever could
say that a run was lost, or that reports are missing, could rewrite what others did.
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headway.errors import BatchTooLarge, BodyTooLarge, InvalidEvent, InvalidInput, InvalidJson, TooDeep
from headway.ports import Appended, Batch, Digest, EventStore
from headway.protocol import incoming, limits, times
from headway.protocol.events import Draft, JsonObject, Priority, priority_of
from headway.server.answers import answer
from headway.server.backend import Backend
from headway.server.bodies import JSON, check_type, read_body
from headway.server.digests import show_soon
from headway.server.reading.runs import run_id

RESERVED = frozenset({"run.created", "run.started", "run.lost", "run.recovered", "log.gap"})
"""Events that only a store writes."""


class EventBody(msgspec.Struct, frozen=True):
    """One event of a batch."""

    at: str
    type: str
    priority: Priority | None = None
    stage: str | None = None
    data: JsonObject = {}


class BatchBody(msgspec.Struct, frozen=True, kw_only=True):
    """What ``POST /runs/{id}/events`` takes."""

    reporter: str
    first: int
    events: list[EventBody] = []
    attempt: int | None = None
    epoch: str | None = None
    lost: tuple[int, int] | None = None
    digest: Digest | None = None


_decode = msgspec.json.Decoder(BatchBody).decode


async def append_events(backend: Backend, request: Request) -> Response:
    """``POST /runs/{id}/events``."""
    named = run_id(request)
    check_type(request, JSON)
    try:
        body = await read_body(request, backend.settings.batch_bytes)
    except BodyTooLarge as error:
        raise BatchTooLarge(str(error)) from error
    appended, is_shown = await backend.ask(lambda store: _append(store, named, body))
    if appended.accepted and not is_shown:
        backend.spawn(show_soon(backend, named))
    return answer(
        {
            "cursor": str(appended.cursor),
            "epoch": appended.cursor.epoch,
            "accepted": appended.accepted,
            "next": appended.next,
            "first_seq": appended.first_seq,
            "cancel_requested": appended.cancel_requested,
        }
    )


def _append(store: EventStore, named: str, body: bytes) -> tuple[Appended, bool]:
    """The answer, and whether the reporter said how lists should show the run."""
    batch = _batch(named, _decoded(body))
    try:
        return store.append(batch), batch.digest is not None
    except InvalidInput:
        # The store says what is wrong, but not with which event.
        incoming.parse_drafts(msgspec.json.decode(body).get("events", []))
        raise


def _decoded(body: bytes) -> BatchBody:
    try:
        return _decode(body)
    except RecursionError as error:
        raise TooDeep(f"JSON is nested deeper than {limits.JSON_DEPTH} levels") from error
    except msgspec.ValidationError as error:
        kind = InvalidEvent if "$.events" in str(error) else InvalidInput
        raise kind(f"not a batch: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidJson(f"the body is not JSON: {error}") from error


def _batch(named: str, body: BatchBody) -> Batch:
    return Batch(
        run_id=named,
        reporter=body.reporter,
        first=body.first,
        events=tuple([_draft(event, place) for place, event in enumerate(body.events, 1)]),
        attempt=body.attempt,
        epoch=body.epoch,
        lost=body.lost,
        digest=body.digest,
    )


def _draft(event: EventBody, place: int) -> Draft:
    """The event as the store takes it, which checks the rest."""
    if event.type in RESERVED:
        raise InvalidEvent(f"event {place} of the batch: {event.type!r} is written by the server alone")
    try:
        times.to_unix(event.at)
    except ValueError as error:
        raise InvalidEvent(f"event {place} of the batch: 'at': {error}") from error
    priority = priority_of(event.type, event.data, event.priority)
    return Draft(at=event.at, type=event.type, priority=priority, stage=event.stage, data=event.data)
