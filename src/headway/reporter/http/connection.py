"""One connection to a server, kept open from request to request, and made anew when it breaks.

Everything that is asked here may be asked twice: events are numbered, creations and claims are the same the second
time. So a request whose answer never came is simply sent again, by whoever needs it.

How long an answer is waited for grows while there is none, and stays as long as the answers need it: a peer that is
gone is found out quickly, one that is only slow is not asked for ever in vain.
"""

from __future__ import annotations

import http.client
import io
import selectors
import socket
import time
from collections.abc import Mapping
from threading import Event
from typing import NamedTuple

import msgspec

from headway.errors import HeadwayError, StoreUnavailable
from headway.protocol.problems import error_of
from headway.reporter.http.endpoint import Endpoint

CONNECT_S = 5.0
"""For a connection to be made: within the time that a run's end waits, with some left for another attempt."""

ANSWER_S = 5.0
"""For an answer, at first; twice as long after each that did not come."""

ROOM = 4.0
"""So many times as long as the last answer took is waited for the next one."""

LONGEST_ANSWER_S = 40.0
"""More than a server waits for its store's lock."""

GLANCE_S = 0.2
"""Between two looks whether a request that is held is still wanted."""

BLOCK_BYTES = 256 * 1024
"""Of a file that is sent, read at once."""

ANSWER_BYTES = 256 * 1024 * 1024
"""An answer that is larger is none of ours: the largest state, or a page of the largest events, is smaller."""


class Asked(NamedTuple):
    """One request.

    Attributes:
        method: Its method.
        path: Behind the API's prefix, quoted.
        body: Its body; a file is sent from where it stands.
        headers: Beside those of all requests.
        held_s: How long the server may hold it on purpose.
        stop: Ends the waiting when it is set.
    """

    method: str
    path: str
    body: bytes | io.RawIOBase | None = None
    headers: Mapping[str, str] = {}
    held_s: float = 0.0
    stop: Event | None = None


class Answer(NamedTuple):
    """What came back: its status and its body."""

    status: int
    body: bytes


class Stopped(Exception):
    """Nobody waits for the answer any more."""


class Connection:
    """Asks a server. For one thread at a time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._http: http.client.HTTPConnection | None = None
        self._patience_s = ANSWER_S

    def ask(self, asked: Asked) -> Answer:
        """Send a request, and wait for its answer.

        Raises:
            StoreUnavailable: There was none, or the server is not to be asked now.
            HeadwayError: What a problem in the answer tells of.
            Stopped: ``stop`` was set.
        """
        rest_s = self._endpoint.rests_for_s
        if rest_s:
            raise StoreUnavailable(f"{self._endpoint.url} asked to be left alone, for {rest_s:.1f} s still")
        try:
            response, body = self._exchange_again(asked)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if isinstance(error, TimeoutError):
                self._patience_s = min(LONGEST_ANSWER_S, self._patience_s * 2)
            raise StoreUnavailable(f"{self._endpoint.url} is out of reach: {_said(error)}") from error
        except BaseException:
            self.close()
            raise
        if not 200 <= response.status < 300:
            raise self._refused(response, body)
        return Answer(response.status, body)

    def _exchange_again(self, asked: Asked) -> tuple[http.client.HTTPResponse, bytes]:
        """Once, or twice if the server closed a connection that it had kept open in the very moment it was used."""
        was_open = self._http is not None
        try:
            return self._exchange(asked)
        except (ConnectionError, http.client.RemoteDisconnected):
            if not was_open or self._http is None or isinstance(asked.body, io.IOBase):
                raise
            self.close()
            return self._exchange(asked)

    def _exchange(self, asked: Asked) -> tuple[http.client.HTTPResponse, bytes]:
        connection = self._opened()
        connection.request(
            asked.method, self._endpoint.prefix + asked.path, asked.body, {**self._endpoint.headers, **asked.headers}
        )
        sent_at = time.monotonic()
        self._await(connection, asked)
        took_s = time.monotonic() - sent_at
        response = connection.getresponse()
        if response.length is None and not response.chunked:
            # An answer that breaks off inside its head looks like this: there is no telling whether it is whole.
            raise http.client.HTTPException("its answer does not say how long it is")
        body = response.read(ANSWER_BYTES)
        if response.length or not response.isclosed():
            raise http.client.HTTPException("its answer was cut short, or is too large")
        if response.will_close:
            self.close()
        if not asked.held_s:
            self._patience_s = max(ANSWER_S, min(self._patience_s, took_s * ROOM))
        return response, body

    def _opened(self) -> http.client.HTTPConnection:
        # What the server closed while nothing was asked is found out before something is.
        if self._http is not None and (self._http.sock is None or _readable(self._http.sock, 0.0)):
            self.close()
        if self._http is None:
            self._http = self._made()
            self._http.connect()
        sock = self._http.sock
        sock.settimeout(self._patience_s)
        return self._http

    def _made(self) -> http.client.HTTPConnection:
        endpoint = self._endpoint
        context = endpoint.context
        if context is None:
            return http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=CONNECT_S, blocksize=BLOCK_BYTES)
        return http.client.HTTPSConnection(
            endpoint.host, endpoint.port, timeout=CONNECT_S, blocksize=BLOCK_BYTES, context=context
        )

    def _await(self, connection: http.client.HTTPConnection, asked: Asked) -> None:
        """Wait for the first byte of the answer."""
        patience_s = self._patience_s + asked.held_s
        connection.sock.settimeout(patience_s)
        until = time.monotonic() + patience_s
        while not _readable(connection.sock, _slice(asked, until - time.monotonic())):
            if asked.stop is not None and asked.stop.is_set():
                raise Stopped
            if time.monotonic() >= until:
                raise TimeoutError(f"no answer within {patience_s:.0f} s")

    def _refused(self, response: http.client.HTTPResponse, body: bytes) -> HeadwayError:
        try:
            problem = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            problem = None
        if response.status in (429, 503):
            self._rest(response.headers.get("Retry-After"))
        return error_of(response.status, problem)

    def _rest(self, header: str | None) -> None:
        if header is not None and header.strip().isdigit():
            self._endpoint.rest(float(header))

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        connection, self._http = self._http, None
        if connection is not None:
            connection.close()


def _slice(asked: Asked, left_s: float) -> float:
    return max(0.0, left_s if asked.stop is None else min(left_s, GLANCE_S))


def _readable(sock: socket.socket, timeout_s: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(timeout_s))


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
