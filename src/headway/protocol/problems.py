"""Errors as they go over HTTP (``application/problem+json``, RFC 9457) and come back: one table for both ways."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from headway import errors
from headway.errors import (
    BodyTooLarge,
    Gap,
    HeadwayError,
    InvalidInput,
    LogRefused,
    NotFound,
    PictureRefused,
    RemoteProtocolError,
    ReporterGap,
    StoreError,
    StoreUnavailable,
)
from headway.protocol.events import JsonObject

MEDIA_TYPE = "application/problem+json"

_STATUSES: dict[type[HeadwayError], int] = {
    errors.HeadwayError: 500,
    errors.Cancelled: 409,
    errors.InvalidInput: 400,
    errors.MissingExtra: 501,
    errors.LimitExceeded: 413,
    errors.TooDeep: 400,
    errors.HeadTooLarge: 431,
    errors.PictureRefused: 422,
    errors.LogRefused: 409,
    errors.NotFound: 404,
    errors.Gap: 410,
    errors.StoreUnavailable: 503,
    errors.StoreFull: 507,
    errors.RemoteProtocolError: 502,
    errors.NoSuchPath: 404,
    errors.MethodNotAllowed: 405,
    errors.UpgradeRequired: 426,
    errors.UnsupportedMediaType: 415,
    errors.RangeNotSatisfiable: 416,
    errors.NotSupported: 501,
    errors.Unauthorized: 401,
    errors.NotAllowed: 403,
    errors.RequestTimeout: 408,
    errors.Overloaded: 503,
}
"""The HTTP status of each error; of one that is not named, that of the one it is a kind of."""


def _kinds(error: type[HeadwayError]) -> Iterator[type[HeadwayError]]:
    yield error
    for kind in error.__subclasses__():
        yield from _kinds(kind)


BY_CODE: dict[str, type[HeadwayError]] = {
    kind.code: kind for kind in _kinds(HeadwayError) if kind.__module__ == errors.__name__
}
"""Every code of the protocol, and its error."""

_CONFIDENTIAL = (StoreError, errors.MissingExtra)
"""Errors whose messages name files, for operators."""


def status_of(error: type[HeadwayError]) -> int:
    """The HTTP status of an error."""
    return next(_STATUSES[kind] for kind in error.__mro__ if kind in _STATUSES)


def is_confidential(error: BaseException) -> bool:
    """Whether the error's message is for the operator's log alone: it may name paths, or was never meant for anybody.

    True of all errors that are not the caller's doing.
    """
    return type(error) is HeadwayError or not isinstance(error, HeadwayError) or isinstance(error, _CONFIDENTIAL)


def problem_of(error: HeadwayError, *, detail: str | None = None) -> JsonObject:
    """The body that tells a client of an error.

    Args:
        error: What happened.
        detail: What to say of it instead of the error's own message.
    """
    status = status_of(type(error))
    problem: JsonObject = {
        "title": _title(status),
        "status": status,
        "code": error.code,
        "detail": str(error) if detail is None else detail,
        "retryable": error.retryable,
    }
    if isinstance(error, ReporterGap):
        problem["expected"] = error.expected
    if isinstance(error, Gap):
        problem |= {"reason": error.reason, "oldest": error.oldest}
    if isinstance(error, PictureRefused):
        problem["reason"] = error.reason
    return problem


def _title(status: int) -> str:
    return HTTPStatus(status).phrase


def error_of(status: int, problem: object) -> HeadwayError:
    """The error that a problem tells of, as the server raised it.

    A code of a later protocol gives the error that its status and ``retryable`` suggest. What is no problem at all
    came from something between here and the server, and may be gone soon.

    Args:
        status: The answer's HTTP status.
        problem: Its decoded body; anything but an object with a ``code`` is none.
    """
    if not isinstance(problem, dict) or not isinstance(problem.get("code"), str):
        return _not_ours(status)
    detail = str(problem.get("detail") or problem["code"])
    kind = BY_CODE.get(problem["code"])
    if kind is ReporterGap:
        return _reporter_gap(detail, problem.get("expected"))
    if kind is Gap:
        oldest = problem.get("oldest")
        return Gap(detail, reason=str(problem.get("reason")), oldest=None if oldest is None else str(oldest))
    if kind is PictureRefused:
        return PictureRefused(detail, reason=str(problem.get("reason")))
    return _unknown(status, problem, detail) if kind is None else kind(detail)


def _reporter_gap(detail: str, expected: object) -> HeadwayError:
    if not isinstance(expected, int) or expected < 1:
        return RemoteProtocolError("the server says that reports are missing, but not which it expects")
    return ReporterGap(detail, expected=expected)


def _unknown(status: int, problem: JsonObject, detail: str) -> HeadwayError:
    if problem.get("retryable") is True or status >= 500:
        return StoreUnavailable(detail)
    if status == HTTPStatus.CONFLICT:
        return LogRefused(detail)
    return NotFound(detail) if status == HTTPStatus.NOT_FOUND else InvalidInput(detail)


def _not_ours(status: int) -> HeadwayError:
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        # A proxy's limit is below ours: smaller pieces may pass it.
        return BodyTooLarge("something before the server takes no body of this size (413)")
    return StoreUnavailable(f"the answer ({status}) is not from a Headway server: check the URL, and what is before it")
