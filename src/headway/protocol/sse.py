"""The text of Server-Sent Events: frames written as one, and the parser for clients.

The format is the one of the HTML standard: lines that end in LF, CR or both, fields ``id``, ``event``, ``data`` and
``retry``, and an empty line behind each event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from headway.errors import RemoteProtocolError

END_SUFFIX = ".end"
"""Behind the cursor in the id of an ``end`` frame: who comes again with it has nothing more to get."""

RETRY_MS = 1_000
"""What the server says about when to come back."""

EVENT_BYTES = 64 * 1024 * 1024
"""What a parser keeps of one event: the largest state, with 1,000 stages of which each has as much data as fits."""

_BREAK = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


def sse_text(event: str, data: bytes, id_: str | None = None) -> bytes:
    """One event; data of several lines are split. An ``id_`` stays the stream's until another one comes."""
    text = data if b"\n" not in data and b"\r" not in data else b"\ndata: ".join(_BREAK.split(data))
    head = b"" if id_ is None else b"id: %b\n" % id_.encode()
    return b"%bevent: %b\ndata: %b\n\n" % (head, event.encode(), text)


def retry_text(milliseconds: int = RETRY_MS) -> bytes:
    """The line that says how long a client waits before it comes back."""
    return b"retry: %d\n\n" % milliseconds


class SseEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a client gets it; ``id`` is the newest that the stream gave, ``""`` before the first."""

    event: str
    data: str
    id: str


class SseParser:
    """Takes a stream's bytes, however they are cut, and gives its events. Not for several threads at once.

    Args:
        limit_bytes: The most that one event may have.
        last_id: What the stream before gave last: it stays so until another one comes.

    Attributes:
        last_id: The stream's newest id, to be sent as ``Last-Event-ID``.
        retry_ms: What the stream said last about when to come back, or None.

    >>> parser = SseParser()
    >>> [event.data for chunk in (b"data: on", b"e\\r", b"\\n\\r\\n") for event in parser.feed(chunk)]
    ['one']
    """

    __slots__ = ("_data", "_event", "_id", "_limit", "_line", "_size", "_skip_lf", "_started", "last_id", "retry_ms")

    def __init__(self, *, limit_bytes: int = EVENT_BYTES, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry_ms: int | None = None
        self._limit = limit_bytes
        self._started = False
        self._skip_lf = False
        self._line: list[bytes] = []
        self._size = 0
        self._data: list[str] = []
        self._event = ""
        self._id = last_id

    def feed(self, chunk: bytes) -> Iterator[SseEvent]:
        """The events that are complete with these bytes; take all of them before the next ``feed``.

        Raises:
            RemoteProtocolError: An event is larger than ``limit_bytes``.
        """
        for line in self._lines(chunk):
            if line:
                self._field(line)
                continue
            event = self._dispatch()
            if event is not None:
                yield event

    def _lines(self, chunk: bytes) -> Iterator[bytes]:
        if not chunk:
            return  # says nothing of what comes behind a CR
        # A line that ended in CR is given at once: its LF, if there is one, may come much later.
        if self._skip_lf:
            chunk = chunk.removeprefix(b"\n")
        *ends, rest = _BREAK.split(chunk)
        self._skip_lf = chunk.endswith(b"\r")
        for end in ends:
            self._keep(end)
            yield self._take_line()
        self._keep(rest)

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            raise RemoteProtocolError(f"an event of the stream has more than {self._limit:,} bytes")
        if part:
            self._line.append(part)

    def _take_line(self) -> bytes:
        line = b"".join(self._line)
        self._line.clear()
        if not self._started:
            self._started = True
            line = line.removeprefix(_BOM)
        return line

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        match name:
            case b"data":
                self._data.append(text)
            case b"event":
                self._event = text
            case b"id" if "\0" not in text:
                self._id = text
            case b"retry" if text.isascii() and text.isdigit():
                self.retry_ms = int(text)
            case _:
                pass  # a comment, or a field of a later standard

    def _dispatch(self) -> SseEvent | None:
        self.last_id = self._id
        data, event = self._data, self._event
        self._data, self._event, self._size = [], "", 0
        return SseEvent(event=event or "message", data="\n".join(data), id=self.last_id) if data else None
