"""A server as an asynchronous Python program sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import httpx

from headway.client.api import Api
from headway.client.ladder import TRANSPORTS, TransportName
from headway.client.session import Wish
from headway.client.watching import Watching
from headway.errors import InvalidTarget
from headway.protocol.frames import Mode, Rate

API = "api/v1/"

LAST_PORT = 65_535


class Client(Api):
    """A server, for asynchronous programs. Close it with ``aclose``, or use ``async with``.

    Args:
        url: Where the server is, with the path under which it is mounted, if any.
        token: What it asks for, if anything.
        transports: Those that may be used for watching, the best first.

    Raises:
        InvalidTarget: The URL is not one of a server.
    """

    def __init__(self, url: str, *, token: str | None = None, transports: Sequence[TransportName] = TRANSPORTS) -> None:
        self.url = _checked_url(url)
        self._transports = tuple(transports)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(base_url=self.url + API, headers=headers, follow_redirects=False)
        super().__init__(self._client)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    def watch(
        self,
        run_id: str,
        *,
        after: str | None = None,
        mode: Mode = "paced",
        rate: Rate = 5,
        types: Sequence[str] | None = None,
    ) -> Watching:
        """The frames of a run, as ``Wish`` says, through lost connections and restarts of the server.

        Raises (while iterating):
            Unauthorized, NotAllowed: The server refuses the token.
        """
        wish = Wish(run_id=run_id, after=after, mode=mode, rate=rate, types=None if types is None else tuple(types))
        return Watching(self._client, wish, self._transports)


def _checked_url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidTarget(f"{url!r} is not the URL of a server: {error}") from error
    if parsed.port is not None and parsed.port > LAST_PORT:
        raise InvalidTarget(f"{url!r} is not the URL of a server: ports end at {LAST_PORT}")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidTarget(f"{url!r} is not the URL of a server: use http://host:port or https://host")
    return url.rstrip("/") + "/"
