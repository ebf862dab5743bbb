"""A server as an asynchronous Python program sees it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Self

import httpx

from headway.client.api import Api
from headway.client.ladder import TRANSPORTS, TransportName
from headway.client.session import Wish
from headway.client.watching import Watching
from headway.errors import InvalidTarget
from headway.protocol.frames import Mode, Rate
from headway.protocol.url import shown_url

API = "api/v1/"

LAST_PORT = 65_535


class Client(Api):
    """A server, for asynchronous programs. Close it with ``aclose``, or use ``async with``.

    Args:
        url: Where the server is, with the path under which it is mounted, if any. A user and a password in it are for a
            proxy before it that asks for them.
        token: What it asks for, if anything; then it is sent instead of these.
        transports: Those that may be used for watching, the best first.

    Raises:
        InvalidTarget: The URL is not one of a server.
    """

    def __init__(self, url: str, *, token: str | None = None, transports: Sequence[TransportName] = TRANSPORTS) -> None:
        parsed = _parsed(url)
        self.url = shown_url(url).rstrip("/") + "/"  # it comes into errors, and into httpx's own log
        self._transports = tuple(transports)
        headers = _authorization(parsed, token)
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


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidTarget(f"{shown_url(url)!r} is not the URL of a server: {error}") from error
    if parsed.port is not None and parsed.port > LAST_PORT:
        raise InvalidTarget(f"{shown_url(url)!r} is not the URL of a server: ports end at {LAST_PORT}")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidTarget(f"{shown_url(url)!r} is not the URL of a server: use http://host:port or https://host")
    return parsed


def _authorization(url: httpx.URL, token: str | None) -> dict[str, str]:
    if token is not None:
        return {"Authorization": f"Bearer {token}"}
    if not url.userinfo:
        return {}
    return {"Authorization": "Basic " + b64encode(f"{url.username}:{url.password}".encode()).decode()}
