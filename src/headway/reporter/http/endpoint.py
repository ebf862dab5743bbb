"""A server that takes reports: where it is, how to speak to it, and whether it has asked to be left alone."""

from __future__ import annotations

import logging
import os
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from headway.errors import InvalidTarget
from headway.protocol.url import shown_url
from headway.reporter.loading import loading

if TYPE_CHECKING:
    import ssl

API = "/api/v1"

LONGEST_REST_S = 60.0
"""A server that asks to be left alone for longer is asked again all the same."""

_TOKEN = re.compile(r"^[\x21-\x7e]+\Z")

logger = logging.getLogger("headway")


class Endpoint:
    """One server, shared by all connections of this process to it. Safe in any thread.

    Args:
        url: Its base URL: ``http://host:port`` or ``https://host``, with a path if it is mounted somewhere.
        token: What ``Authorization`` carries; None for nothing.

    Attributes:
        url: The URL without what makes no difference.
        host, port: Where it listens.
        prefix: What stands before every path of the API.
        context: How TLS is spoken; None for not at all.

    Raises:
        InvalidTarget: The URL is not such a one, or the token cannot be sent.
    """

    def __init__(self, url: str, token: str | None) -> None:
        parts = _parsed(url)
        self._secure = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if self._secure else 80)
        path = parts.path.rstrip("/")
        self.prefix = path + API
        self.url = f"{parts.scheme}://{parts.netloc.lower()}{path}"
        self.headers = {"User-Agent": "headway-reporter", "Accept": "application/json"}
        self._context: ssl.SSLContext | None = None
        self._rests_until = float("-inf")
        if token is not None:
            self._authorize(token)

    def _authorize(self, token: str) -> None:
        if not _TOKEN.match(token):
            raise InvalidTarget("HEADWAY_TOKEN is not a token: it has characters that no token has")
        self.headers["Authorization"] = f"Bearer {token}"
        if not self._secure and not self.host.startswith(("127.", "localhost", "::1")):
            logger.warning("the token goes to %s in the clear: use https", self.host)

    @property
    def context(self) -> ssl.SSLContext | None:
        """How TLS is spoken, certificates checked; None for not at all."""
        if not self._secure:
            return None
        if self._context is None:  # two threads may make one each: that is no harm, as a lock would be in a fork
            with loading():
                import ssl

                self._context = ssl.create_default_context()
        return self._context

    def rest(self, seconds: float) -> None:
        """It asked to be left alone for a while. Not all who wait come back at the same moment."""
        jitter = 1 + int.from_bytes(os.urandom(2), "big") / 2**17
        self._rests_until = time.monotonic() + min(LONGEST_REST_S, max(0.0, seconds)) * jitter

    @property
    def rests_for_s(self) -> float:
        """How long it still wants to be left alone; 0 if it does not."""
        return max(0.0, self._rests_until - time.monotonic())


def _parsed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InvalidTarget(f"{shown_url(url)!r} is not a server's URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidTarget(f"{shown_url(url)!r} is not a server's URL: use http://host:port or https://host")
    if parts.username is not None or parts.password is not None:
        raise InvalidTarget("a server's URL has no user or password: give a token in HEADWAY_TOKEN")
    if parts.query or parts.fragment:
        raise InvalidTarget(f"{shown_url(url)!r} is not a server's URL: it ends with a path, with no '?' and no '#'")
    return parts
