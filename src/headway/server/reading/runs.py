"""Lists of runs, and one run as it is or as it was."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headway.errors import InvalidInput
from headway.hub.listing import short_state
from headway.hub.opening import open_run
from headway.hub.polls import RunNow
from headway.ports import RunFilter
from headway.progress.state import ShortState, State, View
from headway.progress.view import view, view_then
from headway.protocol import names, times
from headway.protocol.events import RunStatus
from headway.server import parameters
from headway.server.answers import SAFE, answer, encoded, nothing
from headway.server.backend import Backend

LISTED = 50
"""Runs on a page, unless told otherwise."""

LISTED_MOST = 500
"""Runs on a page at most."""

NOW = -1
"""Behind the newest event, as no number is."""

STATUSES = get_args(RunStatus)

REVALIDATED = {**SAFE, "Cache-Control": "no-cache"}
"""May be kept, if it is asked each time whether it still holds."""


class RunList(msgspec.Struct, frozen=True):
    """A page of runs, newest first."""

    runs: Sequence[ShortState]
    next: str | None


def run_id(request: Request) -> str:
    """The run that the path names. Raises InvalidName."""
    return names.run_id(request.path_params.get("run_id", "import"))  # the one id whose path is another thing's, too


async def list_runs(backend: Backend, request: Request) -> Response:
    """``GET /runs``."""
    filter_ = run_filter(request)
    limit = parameters.whole(request, "limit", LISTED, least=1, most=LISTED_MOST)
    page = parameters.text(request, "page")
    found = await backend.ask(lambda store: store.list_runs(filter_, limit=limit, page=page))
    now = time.time()
    return answer(RunList([short_state(header, now) for header in found.headers], found.next))


def run_filter(request: Request) -> RunFilter:
    """Which runs are meant. Raises InvalidInput."""
    status, since = parameters.text(request, "status"), parameters.text(request, "since")
    if status is not None and status not in STATUSES:
        raise InvalidInput(f"'status' is {status[:40]!r}: give one of {', '.join(STATUSES)}")
    if since is not None:
        _check_time(since)
    kind, text = parameters.text(request, "kind"), parameters.text(request, "text")
    return RunFilter(kind=kind, status=status, text=text, since=since)


def _check_time(since: str) -> None:
    try:
        times.to_unix(since)
    except ValueError as error:
        raise InvalidInput(f"'since' is {since[:40]!r}: give a time such as 2026-11-20T19:41:03.120Z") from error


async def read_run(backend: Backend, request: Request) -> Response:
    """``GET /runs/{id}``."""
    named, known = run_id(request), _known(request)
    wait_s = parameters.seconds(request, "wait", most=backend.settings.wait_s) if known else 0.0
    if wait_s:
        now = await backend.holding.held(request, _changed(backend, named, known, wait_s))
    else:
        now = await backend.hub.run(named)
    headers = {**REVALIDATED, "ETag": f"W/{now.etag}"}  # weak, since the view beside the state is of the moment
    if matches(request.headers.get("if-none-match", ""), now.etag):
        return nothing(304, headers)
    return encoded(now.body, headers=headers)


async def _changed(backend: Backend, named: str, known: str | None, wait_s: float) -> RunNow:
    now = await backend.hub.run(named, known=known, wait_s=wait_s)
    if now.etag == known:
        return now
    await backend.holding.linger()
    return await backend.hub.run(named, known=known, wait_s=wait_s)


def _known(request: Request) -> str | None:
    """The tag of the state that the client has."""
    given = request.headers.get("if-none-match")
    return None if given is None else given.strip().removeprefix("W/")


def matches(header: str, tag: str) -> bool:
    """Whether an ``If-None-Match`` names the tag, weak or strong."""
    named = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in named or tag.removeprefix("W/") in named


class PastRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it was; the view is of then, without an estimate."""

    state: State
    view: View
    cursor: str


async def read_state(backend: Backend, request: Request) -> Response:
    """``GET /runs/{id}/state?at=SEQ``."""
    named = run_id(request)
    given = parameters.whole(request, "at", NOW)
    at = None if given == NOW else given
    opened = await backend.ask(lambda store: open_run(store, named, at=at))
    now = time.time()
    shown = view(opened.state, now, None) if at is None else view_then(opened.state, now)
    return answer(PastRun(state=opened.state, view=shown, cursor=str(opened.cursor)))
