"""Watching a server from Python: frames over a WebSocket, Server-Sent Events or polling, whichever passes.

>>> async def follow(run_id: str) -> None:
...     async with Client("http://127.0.0.1:8642") as client, client.watch(run_id) as watching:
...         async for frame in watching:
...             print(frame)
"""

try:
    import httpx as _httpx  # noqa: F401
    import websockets as _websockets  # noqa: F401
except ImportError as _error:
    from headway.errors import MissingExtra

    raise MissingExtra(f"{_error.name} is missing", extra="client") from _error

from headway.client.api import Artifact, EventsPage, Imported, LogPage, LogPiece, RunsPage, Shown
from headway.client.blocking import BlockingClient, BlockingWatching
from headway.client.client import Client
from headway.client.ladder import TransportName
from headway.client.session import Session, Wish
from headway.client.watching import Connection, Watching

__all__ = [
    "Artifact",
    "BlockingClient",
    "BlockingWatching",
    "Client",
    "Connection",
    "EventsPage",
    "Imported",
    "LogPage",
    "LogPiece",
    "RunsPage",
    "Session",
    "Shown",
    "TransportName",
    "Watching",
    "Wish",
]
