"""A body fetched over HTTP from somebody who may not wish us well."""

import http.client
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit

from workloads.video.problem import InputProblem

# How long one wait may last (to connect, or for the next bytes), and all of the body.
WAIT_S = 10.0
BODY_S = 60.0
MAX_REDIRECTS = 5


class _Response(Protocol):
    headers: http.client.HTTPMessage

    def read1(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer whose body is still to come: its size, if the server told, and the blocks."""

    size: int | None
    blocks: Iterator[bytes]


def fetch(address: str, max_bytes: int, block_bytes: int) -> Reply:
    """Ask for an address and follow its redirects, to other http and https addresses only.

    Raises:
        InputProblem: No such body is to be had, or (while blocks are taken) it stops, takes longer
            than :data:`BODY_S`, or is longer than ``max_bytes``.
    """
    response = _follow(address)
    told = response.headers.get("Content-Length", "")
    size = int(told) if told.isascii() and told.isdigit() else None
    if size is not None and size > max_bytes:
        response.close()
        raise InputProblem(too_big(max_bytes))
    return Reply(size=size, blocks=_whole(_blocks(response, max_bytes, block_bytes), size))


def too_big(max_bytes: int) -> str:
    """What to say of a transcript over the limit."""
    return f"The transcript is larger than {max_bytes // 2**20} MiB. Cut it into parts and give one of them."


def _opener() -> urllib.request.OpenerDirector:
    """Only what speaks HTTP: no handler that would open a file or FTP, none that follows by itself."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _follow(address: str) -> _Response:
    opener = _opener()
    for _ in range(MAX_REDIRECTS + 1):
        answer = _ask(opener, address)
        if not isinstance(answer, str):
            return answer
        address = urljoin(address, answer)
        if urlsplit(address).scheme not in {"http", "https"}:
            raise InputProblem(
                f"The server sends us on to an address that begins with {urlsplit(address).scheme}:,"
                " which is not followed. Give the address of the transcript itself."
            )
    raise InputProblem("The server keeps redirecting. Give the address of the transcript itself.")


def _ask(opener: urllib.request.OpenerDirector, address: str) -> "_Response | str":
    """One request: the answer, or the address that we are sent on to."""
    try:
        # the scheme is http or https: the caller saw to it, and the opener knows no other
        request = urllib.request.Request(address, headers={"Accept-Encoding": "identity"})  # noqa: S310
        response: _Response = opener.open(request, timeout=WAIT_S)
    except HTTPError as error:
        with error:
            target = error.headers.get("Location")
            if error.code in {301, 302, 303, 307, 308} and target:
                return target
            raise InputProblem(
                f"The server answered {error.code} ({_phrase(error.code)}). Check the address in a browser."
            ) from error
    except TimeoutError as error:
        raise InputProblem(_silent()) from error
    except (URLError, OSError, http.client.HTTPException, ValueError) as error:
        raise InputProblem(_unreachable(error)) from error
    return response


def _phrase(code: int) -> str:
    # not the server's own words, which go to a terminal and may be anything
    return http.client.responses.get(code, "an error")


def _silent() -> str:
    return f"The server said nothing for {WAIT_S:.0f} seconds. Try again later, or download the file."


def _unreachable(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return _silent()
    if isinstance(reason, http.client.InvalidURL):
        reason = "it is not a valid one"  # the exception would repeat a password
    elif isinstance(reason, http.client.HTTPException):
        reason = "the server does not speak HTTP"
    return f"The address cannot be reached ({reason}). Check the address and the connection."


def _blocks(response: _Response, max_bytes: int, block_bytes: int) -> Iterator[bytes]:
    deadline, got = time.monotonic() + BODY_S, 0
    try:
        # read1 gives what has come: a server that drips cannot hold us past the deadline
        while block := response.read1(block_bytes):
            got += len(block)
            if got > max_bytes:
                raise InputProblem(too_big(max_bytes))
            if time.monotonic() > deadline:
                raise InputProblem(
                    f"The transcript did not arrive within {BODY_S:.0f} seconds. Download it and give the file."
                )
            yield block
    except TimeoutError as error:
        raise InputProblem(_silent()) from error
    except (OSError, http.client.HTTPException) as error:
        raise InputProblem(_BROKEN) from error
    finally:
        response.close()


_BROKEN = "The connection broke off before the end. Try again, or download the file."


def _whole(blocks: Iterator[bytes], size: int | None) -> Iterator[bytes]:
    """The same blocks; a body that ends before its length is not taken for a whole one."""
    got = 0
    for block in blocks:
        got += len(block)
        yield block
    if size is not None and got < size:
        raise InputProblem(_BROKEN)
