"""The events of a run, as they stand in its log."""

from __future__ import annotations

from collections.abc import Collection, Coroutine
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headway.hub.polls import EventsNow
from headway.ports import EventStore, Page
from headway.ports.store import READ_LIMIT
from headway.protocol.cursor import Cursor
from headway.protocol.events import Priority
from headway.server import parameters
from headway.server.answers import encoded
from headway.server.backend import Backend
from headway.server.reading.runs import run_id

HEARD = ("run.cancel_requested", "input.given")
"""What a job acts on."""

HEARD_PRIORITIES: tuple[Priority, ...] = ("critical",)
"""Theirs, by which a store finds them without reading the rest."""

PAGE_EVENTS = 1_000
"""Events in one answer at most."""

AT_ONCE_S = 0.001
"""For what is there already: of who waits at all, the hub answers from memory."""

PAGE_BYTES = 4 * 1024 * 1024
"""An answer is cut behind the event that passes this: what a reader has to hold at once."""


class EventQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which events somebody asks for."""

    run_id: str
    after: Cursor | None
    limit: int
    types: Collection[str] | None
    priorities: Collection[Priority] | None = None


async def read_events(backend: Backend, request: Request) -> Response:
    """``GET /runs/{id}/events``."""
    query, wait_s = event_query(request), parameters.seconds(request, "wait", most=backend.settings.wait_s)
    if wait_s:
        return await _waited(backend, request, query, wait_s)
    return events_answer(await backend.ask(lambda store: read_page(store, query)))


async def read_inbox(backend: Backend, request: Request) -> Response:
    """``GET /runs/{id}/inbox``: the events that a job must hear."""
    query = EventQuery(
        run_id=run_id(request),
        after=parameters.after(request),
        limit=READ_LIMIT,
        types=HEARD,
        priorities=HEARD_PRIORITIES,
    )
    page = await backend.ask(lambda store: read_page(store, query))
    wait_s = parameters.seconds(request, "wait", most=backend.settings.wait_s)
    if page.records or page.ended or not wait_s:
        return events_answer(page)
    return await _waited(backend, request, msgspec.structs.replace(query, after=page.cursor), wait_s)


async def _waited(backend: Backend, request: Request, query: EventQuery, wait_s: float) -> Response:
    """The page as soon as there is something in it or never will be, and at the latest when the time is over."""
    return encoded(await backend.holding.held(request, _waiting(backend, query, wait_s)))


async def _waiting(backend: Backend, query: EventQuery, wait_s: float) -> bytes:
    def ask(wait_s: float) -> Coroutine[Any, Any, EventsNow]:
        return backend.hub.events(query.run_id, query.after, limit=query.limit, types=query.types, wait_s=wait_s)

    now = await ask(wait_s)
    if not now.found or now.ended or now.found >= query.limit:
        return now.body
    await backend.holding.linger()
    return (await ask(AT_ONCE_S)).body


def event_query(request: Request) -> EventQuery:
    """What the request asks for. Raises InvalidInput."""
    return EventQuery(
        run_id=run_id(request),
        after=parameters.after(request),
        limit=parameters.whole(request, "limit", READ_LIMIT, least=1, most=PAGE_EVENTS),
        types=parameters.names(request, "types"),
    )


def read_page(store: EventStore, query: EventQuery) -> Page:
    """A page of the log, not too large to be sent. Raises NotFound and Gap."""
    page = store.read(query.run_id, query.after, limit=query.limit, types=query.types, priorities=query.priorities)
    size = 0
    for place, record in enumerate(page.records, 1):
        size += len(record.body)
        if size >= PAGE_BYTES and place < len(page.records):
            cursor = Cursor(page.cursor.epoch, record.seq, record.nonce)
            return Page(records=page.records[:place], cursor=cursor, complete=False, ended=False)
    return page


def events_answer(page: Page) -> Response:
    """A page as it is sent: the events are the bytes of the log."""
    about = {"cursor": str(page.cursor), "ended": page.ended, "complete": page.complete}
    bodies = b",".join([record.body for record in page.records])
    return encoded(b'{"events":[%b],%b' % (bodies, msgspec.json.encode(about)[1:]))
