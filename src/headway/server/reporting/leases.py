"""Signs of life: leases are renewed and given back, and who is there can be asked."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headway.ports import EventStore, Lease
from headway.protocol.events import ReporterInfo
from headway.protocol.ready import ready
from headway.server.answers import answer
from headway.server.backend import Backend
from headway.server.bodies import read_json
from headway.server.reading.runs import run_id
from headway.server.reporting.creating import LEASE_S, lease_s, reporter_info


class LeaseBody(msgspec.Struct, frozen=True, kw_only=True):
    """What ``POST /runs/{id}/lease`` takes."""

    reporter: str | ReporterInfo
    owner: bool = False
    ttl: float = LEASE_S
    attempt: int | None = None
    release: bool = False


async def change_lease(backend: Backend, request: Request) -> Response:
    """``POST /runs/{id}/lease``."""
    named = run_id(request)
    body = await read_json(request, LeaseBody, backend.settings.body_bytes)
    reporter, ttl = reporter_info(body.reporter), lease_s(body.ttl)
    lease = Lease(run_id=named, reporter=reporter, ttl_s=ttl, owner=body.owner, attempt=body.attempt, remote=True)
    requested = await backend.ask(lambda store: _release(store, lease) if body.release else store.renew(lease))
    return answer({"cancel_requested": requested})


def _release(store: EventStore, lease: Lease) -> bool:
    store.release(lease.run_id, lease.reporter.id, attempt=lease.attempt)
    return store.header(lease.run_id).cancel_requested


async def list_helpers(backend: Backend, request: Request) -> Response:
    """``GET /runs/{id}/helpers``."""
    named = run_id(request)
    return answer({"helpers": await backend.ask(lambda store: store.helpers(named))})


ready(LeaseBody)
