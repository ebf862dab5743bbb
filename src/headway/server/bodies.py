"""Bodies of requests: of the right type, not too large (found out while they come), and JSON where JSON is due."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

import msgspec
from starlette.requests import Request

from headway.errors import BodyTooLarge, InvalidInput, InvalidJson, TooDeep, UnsupportedMediaType
from headway.protocol import limits
from headway.protocol.incoming import check_depth

T = TypeVar("T")

JSON = "application/json"


def check_type(request: Request, *wanted: str) -> None:
    """Raise UnsupportedMediaType unless the body is of a wanted type, and not compressed."""
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() not in wanted:
        raise UnsupportedMediaType(f"the body's Content-Type is {given[:80]!r}: send {' or '.join(wanted)}")
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise UnsupportedMediaType(f"the body's Content-Encoding is {encoding[:40]!r}: send it as it is")


async def chunks(request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body as it comes.

    Raises:
        BodyTooLarge: It is larger than that; said at once if its length was announced. The rest of it is not kept.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit_bytes:
        raise _too_large(limit_bytes)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit_bytes:
            raise _too_large(limit_bytes)
        if chunk:
            yield chunk


def _too_large(limit_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body has more than {limit_bytes:,} bytes: send less at once")


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body. Raises BodyTooLarge."""
    return b"".join([chunk async for chunk in chunks(request, limit_bytes)])


async def read_json(request: Request, type_: type[T], limit_bytes: int) -> T:
    """The body as a value of a type; without a body, and without a type, as if it were ``{}``.

    Raises:
        UnsupportedMediaType, BodyTooLarge, InvalidJson, TooDeep
        InvalidInput: The JSON is not of that type; members that it does not have are ignored.
    """
    if "content-type" not in request.headers and request.headers.get("content-length", "0") == "0":
        return parse(b"{}", type_)
    check_type(request, JSON)
    return parse(await read_body(request, limit_bytes), type_)


def parse(body: bytes, type_: type[T]) -> T:
    """JSON as a value of a type. Raises InvalidJson, TooDeep and InvalidInput."""
    try:
        value = msgspec.json.decode(body, type=type_)
    except RecursionError as error:
        raise TooDeep(f"JSON is nested deeper than {limits.JSON_DEPTH} levels") from error
    except msgspec.ValidationError as error:
        raise InvalidInput(f"the body is not what this path takes: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidJson(f"the body is not JSON: {error}") from error
    # Only a body with enough brackets can be too deep; almost none has.
    if body.count(b"{") + body.count(b"[") > limits.JSON_DEPTH:
        check_depth(msgspec.json.decode(body))
    return value
