"""Exit codes are a contract."""

from __future__ import annotations

import pytest

from headway import errors
from headway.cli import exits


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Cancelled("x"), 130),
        (errors.NotFound("x"), 3),
        (errors.Gap("x", reason="deleted"), 3),
        (errors.InvalidTarget("x"), 2),
        (errors.InvalidName("x"), 2),
        (errors.MissingExtra("x"), 2),
        (errors.StoreReadOnly("x"), 4),
        (errors.NotAllowed("x"), 4),
        (errors.Unauthorized("x"), 4),
        (errors.StoreUnavailable("x"), 5),
        (errors.StoreCorrupt("x"), 5),
        (errors.StoreForeign("x"), 5),
        (errors.RunEnded("x"), 1),
        (errors.HeadwayError("x"), 1),
    ],
)
def test_of_errors(error: errors.HeadwayError, code: int) -> None:
    assert exits.of_error(error) == code


def test_of_runs() -> None:
    assert [exits.of_status(status) for status in ("completed", "failed", "lost", "cancelled")] == [0, 1, 1, 130]
