"""What takes a stream to find out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import msgspec

Work = Awaitable[None]


class Server(msgspec.Struct, frozen=True):
    """The server that is looked at."""

    http: httpx.AsyncClient
    url: str
    token: str | None


CHECKS: list[tuple[str, str, Callable[[Server], Work]]] = []
