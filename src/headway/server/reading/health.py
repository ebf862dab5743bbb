"""Whether the server lives, and whether its store does."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from headway.ports import EventStore
from headway.server.answers import answer
from headway.server.backend import Backend
from headway.stores.memory import MemoryEventStore


async def alive(_backend: Backend, _request: Request) -> Response:
    """``GET /healthz``: it answers."""
    return answer({"status": "alive"})


async def ready(backend: Backend, _request: Request) -> Response:
    """``GET /readyz``: it reaches its store and follows it, and says how durable that is. A problem (503) if not."""
    durability = await backend.ask(_durability)
    backend.hub.check()
    return answer({"status": "ready", "durability": durability})


def _durability(store: EventStore) -> str:
    store.list_runs(limit=1)
    return "none" if isinstance(store, MemoryEventStore) else "full"
