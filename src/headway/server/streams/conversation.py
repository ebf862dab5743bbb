"""What a client says on a WebSocket, and what becomes of it: the same on either path."""

from __future__ import annotations

import time

from headway.errors import HeadwayError, MessageTooLarge, NotSupported
from headway.hub.connection import Connection
from headway.hub.sink import RunScope
from headway.protocol import problems
from headway.protocol.frames import (
    Answer,
    AnyMessage,
    Cancel,
    CloseCode,
    Ping,
    SnapshotRequest,
    Token,
    Unwatch,
    UnwatchRuns,
    Watch,
    WatchRuns,
    decode_message,
)
from headway.server.answers import incident
from headway.server.backend import Backend

WINDOW_S = 10.0
"""In which ``Settings.messages`` are allowed."""

FULL_WATCHES = 4
"""So often within the window a client may watch as many runs as it may have: each makes the server ask its store."""


class Conversation:
    """One client's side of a connection; made with its first message, since most say one and no more.

    Args:
        backend: What stands behind the server.
        connection: The hub's side.
    """

    __slots__ = ("_backend", "_connection", "_said", "_since")

    def __init__(self, backend: Backend, connection: Connection) -> None:
        self._backend = backend
        self._connection = connection
        self._said = 0
        self._since = time.monotonic()

    def take(self, message: str | bytes) -> None:
        """A message has come. What cannot be understood, or done, is told; the connection stays open."""
        if not self.counts():
            return
        try:
            self._do(decode_message(message, most_bytes=self._backend.settings.message_bytes))
        except MessageTooLarge as error:
            self._refuse(error)
            self._connection.end(CloseCode.TOO_BIG, str(error))
        except HeadwayError as error:
            self._refuse(error)

    def counts(self, things: int = 1) -> bool:
        """Something was said: a message, or a part of one, a Ping or a Pong; or a message that counts as more.

        Returns:
            Whether it may be answered. If not, the connection is closed, or will be: it was too much.
        """
        if self._connection.closed:
            return False
        now = time.monotonic()
        if now - self._since > WINDOW_S:
            self._since, self._said = now, 0
        self._said += things
        if self._said > self._backend.settings.messages:
            self._connection.end(CloseCode.TOO_MANY_MESSAGES, "too many messages: wait, and say less")
        return not self._connection.closed

    def _weight(self, runs: int) -> int:
        """So many more messages to watch so many runs counts as."""
        settings = self._backend.settings
        return max(0, runs * settings.messages // (FULL_WATCHES * settings.hub.runs_per_connection) - 1)

    def _do(self, message: AnyMessage) -> None:
        connection = self._connection
        match message:
            case Watch():
                if self.counts(self._weight(len(message.watched))):
                    connection.watch(message)
            case Unwatch():
                connection.unwatch(message.unwatched)
            case SnapshotRequest(run_id=run_id):
                connection.snapshot(run_id)
            case WatchRuns(kind=kind, status=status, after=after):
                connection.watch_runs(RunScope(kind=kind, status=status), after)
            case UnwatchRuns():
                connection.unwatch_runs()
            case Ping(echo=echo):
                connection.pong(echo)
            case Cancel() | Answer():
                self._backend.spawn(self._pass_on(message))
            case Token():
                self._refuse(NotSupported("this server asks for no tokens, and takes none"))

    async def _pass_on(self, message: Cancel | Answer) -> None:
        hub = self._backend.hub
        try:
            if isinstance(message, Cancel):
                await hub.cancel(message.run_id, reason=message.reason)
            else:
                await hub.answer(message.run_id, message.id, message.value)
        except Exception as error:
            self._refuse(error, message.run_id)

    def _refuse(self, error: Exception, run_id: str | None = None) -> None:
        code = error.code if isinstance(error, HeadwayError) else HeadwayError.code
        told = str(error)
        if problems.is_confidential(error):
            told = incident(error, "a message on a WebSocket")
        self._connection.refuse(code, told, run_id)
