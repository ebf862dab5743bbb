"""What watchers are told of an exception: its type, and an id under which the operator finds the rest."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress

from headway.errors import Cancelled
from headway.protocol.events import ErrorInfo

logger = logging.getLogger("headway")


def explain(error: BaseException | str, *, where: str, code: str | None = None, recoverable: bool = False) -> ErrorInfo:
    """The error as it may be shown to anybody.

    A text is the author's own choice and is shown as it is. Of an exception only the type is: its message may hold
    paths, addresses or keys. The whole of it goes to the log ``headway`` under the id that watchers see.
    """
    if not isinstance(error, BaseException):
        return ErrorInfo(code="failed" if code is None else code, message=error, recoverable=recoverable)
    message = told(error, f"{where} failed")
    return ErrorInfo(code="exception" if code is None else code, message=message, recoverable=recoverable)


def told(error: BaseException, event: str) -> str:
    """The exception in words that may be shown to anybody; the operator's log has the rest, and what the event was."""
    return f"{type(error).__name__} (the operator's log has it as {_logged(error, event)})"


def _logged(error: BaseException, event: str) -> str:
    """The id of the exception in the log; one that passes through several stages is logged once."""
    known = None
    with suppress(Exception):  # an exception may have attributes of its own making
        known = getattr(error, "headway_reference", None)
    if isinstance(known, str):
        return known
    reference = os.urandom(4).hex()
    logger.error("%s (error %s)", event, reference, exc_info=error)
    with suppress(Exception):  # some exceptions take no attributes
        error.headway_reference = reference  # type: ignore[attr-defined]
    return reference


def is_cancel(error: BaseException) -> bool:
    """Whether the exception means that somebody wanted the job to stop; a group, if all that are in it do."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_cancel(each) for each in error.exceptions)
    asyncio = sys.modules.get("asyncio")  # importing it takes longer than all of Headway; who raises its error has it
    return isinstance(error, Cancelled | KeyboardInterrupt) or (
        asyncio is not None and isinstance(error, asyncio.CancelledError)
    )


def is_success(error: BaseException) -> bool:
    """Whether what leaves a block is an exit that says that all is well."""
    return isinstance(error, SystemExit) and not error.code
