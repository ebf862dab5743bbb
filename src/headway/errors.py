"""Every error that Headway raises, each with a stable code, whether trying again can help, and what to do.

The codes are part of the wire protocol (PROTOCOL.md lists them); messages may change, codes may not.
"""

from __future__ import annotations

from typing import ClassVar


class HeadwayError(Exception):
    """The root: everything that Headway raises on purpose is one of these.

    Attributes:
        code: A stable, machine-readable name of the error.
        retryable: Whether the same call may succeed later without any change by the caller.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False


class Cancelled(HeadwayError):
    """Raised in a job at a safe point after somebody asked for its cancellation."""

    code = "cancelled"


# What the caller gave us


class InvalidInput(HeadwayError):
    """A value from outside is not what the protocol says; nothing was changed by it."""

    code = "invalid"


class InvalidJson(InvalidInput):
    """The bytes are not JSON, or not in UTF-8."""

    code = "invalid-json"


class InvalidEvent(InvalidInput):
    """The JSON is well formed, but an event's member is missing, of the wrong type, or not what it may be."""

    code = "invalid-event"


class UnknownEventType(InvalidInput):
    """The event's type is neither one of the protocol's nor a custom one (``x.<name>``)."""

    code = "unknown-type"


class InvalidName(InvalidInput):
    """A run's id, a stage's path, a kind or an artifact's name breaks the rules for names."""

    code = "invalid-name"


class InvalidCursor(InvalidInput):
    """The text is not a cursor (``epoch.seq.nonce``, or ``0`` for the beginning)."""

    code = "invalid-cursor"


class InvalidTarget(InvalidInput):
    """The target's URL names no store or server that Headway knows."""

    code = "invalid-target"


class MissingExtra(HeadwayError):
    """A feature needs packages that are not installed; the message names the extra to install.

    Args:
        message: What is missing, and for what.
        extra: The extra that brings it, if one does; the message then ends with how to install it.
    """

    code = "missing-extra"

    def __init__(self, message: str, *, extra: str | None = None) -> None:
        super().__init__(message if extra is None else f"{message}: {self.command(extra)}")

    @staticmethod
    def command(extra: str) -> str:
        """What installs an extra."""
        return f"pip install 'headway[{extra}]'"


class LimitExceeded(InvalidInput):
    """Something is larger than a limit; the message says which limit and how to stay below it."""

    code = "limit"


class EventTooLarge(LimitExceeded):
    """One event that does not end its run is larger than 64 KiB when encoded."""

    code = "event-too-large"


class BatchTooLarge(LimitExceeded):
    """One batch has more than 1,000 events or 4 MiB."""

    code = "batch-too-large"


class TooDeep(LimitExceeded):
    """JSON nested deeper than 32 levels."""

    code = "too-deep"


class TooManyStages(LimitExceeded):
    """A run would get more than 1,000 stages."""

    code = "too-many-stages"


class BodyTooLarge(LimitExceeded):
    """A request's body is larger than its path takes."""

    code = "body-too-large"


class MessageTooLarge(LimitExceeded):
    """A watcher's message is larger than the server takes, 64 KiB by default."""

    code = "message-too-large"


class TooManyRuns(LimitExceeded):
    """More runs on one connection than the server allows: 1,000 by default, or 100 in one stream of several."""

    code = "too-many-runs"


class TooManyWays(LimitExceeded):
    """A run is watched in as many ways (modes, rates and filters) as the server allows, 32 by default."""

    code = "too-many-ways"


class HeadTooLarge(LimitExceeded):
    """A request's line and headers are more than the server takes."""

    code = "head-too-large"


class PictureRefused(InvalidInput):
    """A picture is not taken, and nothing was decoded of it that could do harm.

    Attributes:
        reason: One word to count by; the message has the rest.
    """

    code = "picture-refused"

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class DigestMismatch(InvalidInput):
    """Content that arrived is not what its digest says; nothing of it was kept."""

    code = "digest-mismatch"


class NoSuchPath(InvalidInput):
    """The server has no such path."""

    code = "no-such-path"


class MethodNotAllowed(InvalidInput):
    """The path is there, and does not take this method.

    Attributes:
        allowed: The methods that it takes.
    """

    code = "method-not-allowed"

    def __init__(self, message: str, *, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


class UpgradeRequired(InvalidInput):
    """The path is a WebSocket, and the request does not ask for one."""

    code = "upgrade-required"


class UnsupportedMediaType(InvalidInput):
    """A body's ``Content-Type`` is not what its path takes."""

    code = "unsupported-media-type"


class RangeNotSatisfiable(InvalidInput):
    """Nothing of the content lies in the range that was asked for.

    Attributes:
        size: How many bytes there are.
    """

    code = "range-not-satisfiable"

    def __init__(self, message: str, *, size: int = 0) -> None:
        super().__init__(message)
        self.size = size


class NotSupported(InvalidInput):
    """What was asked for is in the protocol, but this server does not do it."""

    code = "not-supported"


# What a server's door refuses


class Unauthorized(HeadwayError):
    """The request needs a token, or its token is not valid."""

    code = "unauthorized"


class NotAllowed(HeadwayError):
    """The request may not come from where it does, or its token does not allow it."""

    code = "not-allowed"


class RequestTimeout(HeadwayError):
    """A request did not come in time: its head was not complete, or nothing more came of its body."""

    code = "request-timeout"
    retryable = True


class Overloaded(HeadwayError):
    """The server has too much to do at the moment.

    Attributes:
        retry_after_s: When to come back, in seconds.
    """

    code = "overloaded"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


# What the log refuses


class LogRefused(HeadwayError):
    """The log did not take an append; nothing of the batch was stored."""

    code = "refused"


class RunEnded(LogRefused):
    """The run has ended, and the terminal event is the last one of its log."""

    code = "ended"


class RunActive(LogRefused):
    """The run has not ended, which is needed for what was asked (deleting it)."""

    code = "active"


class RunTaken(LogRefused):
    """Another run already has this id."""

    code = "taken"


class Fenced(LogRefused):
    """The appender's attempt or epoch is no longer the run's: another owner took the run over."""

    code = "fenced"


class Answered(LogRefused):
    """Somebody has answered the question already; the first answer counts."""

    code = "answered"


class ReporterGap(LogRefused):
    """The batch begins past the next number that the log expects from this reporter.

    Attributes:
        expected: The number that the log expects next, counted from 1.
    """

    code = "reporter-gap"

    def __init__(self, message: str, *, expected: int) -> None:
        super().__init__(message)
        self.expected = expected


# What is not there (any more)


class NotFound(HeadwayError):
    """There is no such run, artifact or input."""

    code = "not-found"


class Gap(HeadwayError):
    """What follows a cursor cannot be delivered whole: read a snapshot and go on from its cursor.

    Attributes:
        reason: ``expired`` (trimmed away), ``diverged`` (another log, or one that was cut and grew
            again) or ``deleted``.
        oldest: The oldest cursor that can be read from, or None.
    """

    code = "gap"

    def __init__(self, message: str, *, reason: str, oldest: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.oldest = oldest


# What the store cannot do now


class StoreError(HeadwayError):
    """A store could not do its work."""

    code = "store"


class StoreUnavailable(StoreError):
    """The store is out of reach or busy; what was not acknowledged was not stored."""

    code = "store-unavailable"
    retryable = True


class StoreFull(StoreUnavailable):
    """The disk is full; nothing is corrupt, and it goes on when there is space again."""

    code = "store-full"


class StoreReadOnly(StoreUnavailable):
    """The store's file or folder cannot be written."""

    code = "store-read-only"


class StoreCorrupt(StoreError):
    """The store's file is damaged; it was left as it is."""

    code = "store-corrupt"


class StoreForeign(StoreError):
    """The file belongs to another application; it was left as it is."""

    code = "store-foreign"


class StoreTooNew(StoreError):
    """The file was written by a newer Headway; it was left as it is."""

    code = "store-too-new"


class StoreUnsafe(StoreError):
    """The SQLite in use has a known defect that loses committed data."""

    code = "store-unsafe"


class RemoteProtocolError(HeadwayError):
    """The other side of a connection said something that the protocol does not allow."""

    code = "remote-protocol"
