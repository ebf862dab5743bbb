"""What requests are answered with: JSON, and problems that say what went wrong and nothing of what is behind."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headway.errors import (
    HeadwayError,
    MethodNotAllowed,
    Overloaded,
    RangeNotSatisfiable,
    StoreUnavailable,
    Unauthorized,
    UpgradeRequired,
)
from headway.protocol import problems

logger = logging.getLogger("headway")

SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
"""On every answer: a browser must not guess what it is, nor keep what may change, or who may see it."""


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as JSON."""
    return encoded(msgspec.json.encode(value), status, headers)


def encoded(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON that is there already."""
    return Response(body, status, {**SAFE, **(headers or {})}, "application/json")


def nothing(status: int = 204, headers: Mapping[str, str] | None = None) -> Response:
    """No body."""
    return Response(status_code=status, headers={**SAFE, **(headers or {})})


def refusal(error: Exception, request: Request) -> Response:
    """The problem that tells of an error.

    What is not the caller's doing goes to the operator's log under an id, and only that id to the caller.
    """
    shown = error if isinstance(error, HeadwayError) else HeadwayError()
    where = f"{request.method} {request.url.path}"
    detail = incident(error, where) if problems.is_confidential(error) else None
    problem = problems.problem_of(shown, detail=detail)
    headers = {**SAFE, **_headers(shown)}
    return Response(msgspec.json.encode(problem), problem["status"], headers, problems.MEDIA_TYPE)


def refusal_bytes(error: HeadwayError, headers: bytes = b"") -> bytes:
    """The problem that tells of an error which is the caller's doing, where there is no ASGI: the last on its
    connection."""
    problem = problems.problem_of(error)
    body = msgspec.json.encode(problem)
    status = HTTPStatus(problem["status"])
    safe = b"".join(b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in SAFE.items())
    return b"HTTP/1.1 %d %b\r\n%b%bContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
        status,
        status.phrase.encode(),
        safe,
        headers,
        problems.MEDIA_TYPE.encode(),
        len(body),
        body,
    )


def incident(error: Exception, where: str) -> str:
    """Tell the operator of an error that is not the caller's doing; what to tell the caller."""
    id_ = os.urandom(4).hex()
    if isinstance(error, HeadwayError):
        logger.warning("%s failed (%s): %s", where, id_, error)
    else:
        logger.error("%s failed by a defect (%s)", where, id_, exc_info=error)
    what = "the store cannot do this now" if isinstance(error, StoreUnavailable) else "this did not work"
    return f"{what}; the server's log has the reason under {id_}"


def _headers(error: HeadwayError) -> dict[str, str]:
    """The headers that belong to an error."""
    headers: dict[str, str] = {}
    match error:
        case Overloaded(retry_after_s=seconds):
            headers["Retry-After"] = str(math.ceil(seconds))
        case MethodNotAllowed(allowed=allowed):
            headers["Allow"] = ", ".join(allowed)
        case UpgradeRequired():
            headers |= {"Upgrade": "websocket", "Connection": "Upgrade"}
        case RangeNotSatisfiable(size=size):
            headers["Content-Range"] = f"bytes */{size}"
        case Unauthorized():
            headers["WWW-Authenticate"] = 'Bearer realm="headway"'
    return headers
