"""Errors go over HTTP and come back as they were."""

from __future__ import annotations

import msgspec
import pytest

from headway import errors
from headway.errors import Gap, HeadwayError, NotFound, PictureRefused, ReporterGap
from headway.protocol.problems import BY_CODE, error_of, is_confidential, problem_of, status_of
from tests.meta.documents import names, rows, section, text


def example(kind: type[HeadwayError]) -> HeadwayError:
    """One error of a kind."""
    if kind is ReporterGap:
        return ReporterGap("send 3", expected=3)
    if kind is Gap:
        return Gap("it was cut", reason="expired", oldest="e.1.a")
    return PictureRefused("no", reason="size") if kind is PictureRefused else kind("what happened")


@pytest.mark.parametrize("code", BY_CODE)
def test_an_error_comes_back_as_it_was(code: str) -> None:
    error = example(BY_CODE[code])
    problem = msgspec.json.decode(msgspec.json.encode(problem_of(error)))
    assert problem["code"] == code
    back = error_of(problem["status"], problem)
    assert (type(back), str(back), back.retryable) == (type(error), str(error), error.retryable)
    for name in ("expected", "reason", "oldest"):
        assert getattr(back, name, None) == getattr(error, name, None)


def test_the_statuses_are_those_of_the_protocol() -> None:
    listed = {names(row[0])[0]: int(row[2]) for row in rows(section(text("PROTOCOL.md"), "Errors"), "| code | retry |")}
    assert {code: status_of(kind) for code, kind in BY_CODE.items()} == listed


@pytest.mark.parametrize(
    ("status", "problem", "kind"),
    [
        (502, None, errors.StoreUnavailable),
        (404, {"error": "page not found"}, errors.StoreUnavailable),
        (200, b"<html>", errors.StoreUnavailable),
        (413, None, errors.BodyTooLarge),
        (503, {"code": "newer", "detail": "x"}, errors.StoreUnavailable),
        (400, {"code": "newer", "retryable": True}, errors.StoreUnavailable),
        (409, {"code": "newer"}, errors.LogRefused),
        (404, {"code": "newer"}, NotFound),
        (400, {"code": "newer"}, errors.InvalidInput),
        (409, {"code": "reporter-gap"}, errors.RemoteProtocolError),
        (409, {"code": "reporter-gap", "expected": "x"}, errors.RemoteProtocolError),
    ],
)
def test_what_is_not_of_this_version_is_taken_for_what_it_looks_like(
    status: int, problem: object, kind: type[HeadwayError]
) -> None:
    assert type(error_of(status, problem)) is kind


def test_what_is_the_operators_alone() -> None:
    hidden = {code for code, kind in BY_CODE.items() if is_confidential(example(kind))}
    assert hidden == {"error", "missing-extra", "store", *(code for code in BY_CODE if code.startswith("store-"))}
    assert is_confidential(ZeroDivisionError())
