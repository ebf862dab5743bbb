"""What the exit codes mean; they are part of the contract with scripts."""

from __future__ import annotations

from headway.errors import (
    Cancelled,
    Gap,
    HeadwayError,
    InvalidInput,
    MissingExtra,
    NotAllowed,
    NotFound,
    StoreError,
    StoreReadOnly,
    Unauthorized,
)

OK = 0
RUN_FAILED = 1
USAGE = 2
NOT_FOUND = 3
NOT_ALLOWED = 4
OUT_OF_REACH = 5
TIMED_OUT = 124
NO_RUNNER = 125
CANCELLED = 130

_MEANINGS: tuple[tuple[type[HeadwayError], int], ...] = (
    (Cancelled, CANCELLED),
    (NotFound, NOT_FOUND),
    (Gap, NOT_FOUND),
    (InvalidInput, USAGE),
    (MissingExtra, USAGE),
    (StoreReadOnly, NOT_ALLOWED),
    (NotAllowed, NOT_ALLOWED),
    (Unauthorized, NOT_ALLOWED),
    (StoreError, OUT_OF_REACH),
)


def of_error(error: HeadwayError) -> int:
    """The exit code of an error."""
    return next((code for kind, code in _MEANINGS if isinstance(error, kind)), RUN_FAILED)


def of_status(status: str) -> int:
    """The exit code that tells how a run ended."""
    return {"completed": OK, "cancelled": CANCELLED}.get(status, RUN_FAILED)
