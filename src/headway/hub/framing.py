"""Framings: how a transport wraps a frame, so that the same bytes can be written to every watcher of a kind.

A framing is compared by identity: watchers share their frames only if they came with the same object.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from headway.protocol.frames import Frame, encode_frame
from headway.protocol.sse import END_SUFFIX, sse_text

_SMALL = 126
_MEDIUM = 1 << 16
_TEXT = b"\x81"  # the only fragment of a text message


class Prepared(NamedTuple):
    """A frame before it is wrapped: its type, its JSON, and the cursor that it settles, if it settles something."""

    type: str
    body: bytes
    cursor: str | None = None


class Framing(Protocol):
    """How frames become what a transport writes."""

    @property
    def name(self) -> str:
        """What to call it in lists of watchers."""

    def wrap(self, frame: Prepared) -> bytes:
        """The bytes to be written; never changed afterwards."""


class Json:
    """The frame's JSON itself: for transports that do their own framing, as an ASGI server's WebSocket."""

    name = "json"

    def wrap(self, frame: Prepared) -> bytes:
        """See ``Framing.wrap``."""
        return frame.body


class WebSocketText:
    """A complete, unmasked WebSocket text message (RFC 6455), ready for the socket."""

    name = "websocket"

    def wrap(self, frame: Prepared) -> bytes:
        """See ``Framing.wrap``."""
        size = len(frame.body)
        if size < _SMALL:
            return b"%b%c%b" % (_TEXT, size, frame.body)
        if size < _MEDIUM:
            return b"%b\x7e%b%b" % (_TEXT, size.to_bytes(2, "big"), frame.body)
        return b"%b\x7f%b%b" % (_TEXT, size.to_bytes(8, "big"), frame.body)


class EventStream:
    """Server-Sent Events of one run: the cursor is the id, with ``.end`` behind it in an ``end`` frame."""

    name = "sse"

    def wrap(self, frame: Prepared) -> bytes:
        """See ``Framing.wrap``."""
        id_ = frame.cursor
        if id_ is not None and frame.type == "end":
            id_ += END_SUFFIX
        return sse_text(frame.type, frame.body, id_)


class JoinedEventStream:
    """Server-Sent Events of several runs: the connection puts its own id, of all its runs, before what is shared."""

    name = "sse-joined"

    def wrap(self, frame: Prepared) -> bytes:
        """See ``Framing.wrap``."""
        return sse_text(frame.type, frame.body)


JSON = Json()
WEBSOCKET = WebSocketText()
SSE = EventStream()
SSE_JOINED = JoinedEventStream()


def prepared(frame: Frame) -> Prepared:
    """A frame with its JSON."""
    return Prepared(str(frame.__struct_config__.tag), encode_frame(frame), getattr(frame, "cursor", None))
