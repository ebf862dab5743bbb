"""Runs are created, taken over and removed."""

from __future__ import annotations

import os
import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headway.errors import InvalidInput
from headway.ports import NewRun
from headway.protocol import names, times
from headway.protocol.events import JsonObject, PlannedStage, ReporterInfo, Size
from headway.protocol.ready import ready
from headway.server.answers import answer, encoded, nothing
from headway.server.backend import Backend
from headway.server.bodies import read_json
from headway.server.reading.runs import run_id

LEASE_S = 30.0
"""Of an owner or helper that does not say how long its silence may last."""

LEASE_BOUNDS_S = (1.0, 86_400.0)
"""Below a second every hiccup of a network would lose runs; beyond a day nobody waits."""


class NewRunBody(msgspec.Struct, frozen=True, kw_only=True):
    """What ``POST /runs`` takes."""

    kind: str
    run_id: str | None = None
    variant: str | None = None
    title: str | None = None
    plan: tuple[PlannedStage, ...] = ()
    size: Size | None = None
    meta: JsonObject | None = None
    retry_of: str | None = None
    parent: str | None = None
    at: str | None = None


class AttemptBody(msgspec.Struct, frozen=True, kw_only=True):
    """What ``POST /runs/{id}/attempts`` takes; the reporter by its id, or with its host and process."""

    reporter: str | ReporterInfo
    ttl: float = LEASE_S
    at: str | None = None


async def create_run(backend: Backend, request: Request) -> Response:
    """``POST /runs``."""
    body = await read_json(request, NewRunBody, backend.settings.batch_bytes)
    run = _new_run(body)
    created = await backend.ask(lambda store: store.create(run))
    now = await backend.hub.run(run.run_id)
    said = b'%b,"epoch":"%b"}' % (now.body[:-1], created.epoch.encode())
    return encoded(said, 200 if created.existed else 201, {"Location": f"{request.url.path}/{run.run_id}"})


def _new_run(body: NewRunBody) -> NewRun:
    for named in (body.parent, body.retry_of):
        if named is not None:
            names.run_id(named)
    return NewRun(
        run_id=names.run_id(body.run_id) if body.run_id is not None else names.uuid7(time.time(), os.urandom(10)),
        kind=body.kind,
        at=said_at(body.at),
        variant=body.variant,
        title=body.title,
        plan=body.plan,
        size=body.size,
        meta=body.meta,
        parent=body.parent,
        retry_of=body.retry_of,
        remote=True,
    )


def said_at(at: str | None) -> str:
    """The time that a reporter gave, or now. Raises InvalidInput."""
    if at is None:
        return times.to_text(time.time())
    try:
        times.to_unix(at)
    except ValueError as error:
        raise InvalidInput(f"'at' is {at[:40]!r}: give a time such as 2026-11-20T19:41:03.120Z") from error
    return at


def reporter_info(reporter: str | ReporterInfo) -> ReporterInfo:
    """Who reports."""
    return ReporterInfo(id=reporter) if isinstance(reporter, str) else reporter


def lease_s(ttl: float) -> float:
    """How long a lease holds. Raises InvalidInput."""
    least, most = LEASE_BOUNDS_S
    if not least <= ttl <= most:
        raise InvalidInput(f"'ttl' is {ttl:g}: give seconds, from {least:g} to {most:g}")
    return ttl


async def take_over(backend: Backend, request: Request) -> Response:
    """``POST /runs/{id}/attempts``."""
    named = run_id(request)
    body = await read_json(request, AttemptBody, backend.settings.body_bytes)
    reporter, at, ttl = reporter_info(body.reporter), said_at(body.at), lease_s(body.ttl)
    taken = await backend.ask(lambda store: store.take_over(named, reporter, at, ttl, remote=True))
    return answer({"attempt": taken.attempt, "epoch": taken.epoch, "cursor": str(taken.cursor)}, 201)


async def delete_run(backend: Backend, request: Request) -> Response:
    """``DELETE /runs/{id}``."""
    named = run_id(request)
    await backend.ask_much(lambda store: store.delete(named))
    return nothing()


ready(NewRunBody, AttemptBody)
