"""Between events and the JSON bytes that are stored and sent.

An event's bytes are made once: the *tail* (all members but ``seq``) before the log numbers it, and the whole with
one concatenation when it does.
"""

from __future__ import annotations

import msgspec

from headway.errors import EventTooLarge, InvalidEvent
from headway.protocol import limits
from headway.protocol.events import TYPES, Data, Draft, Event

_encode = msgspec.json.Encoder().encode
_decode_event = msgspec.json.Decoder(Event).decode
_DATA_DECODERS = {name: msgspec.json.Decoder(entry.data).decode for name, entry in TYPES.items()}


def encode_tail(draft: Draft) -> bytes:
    """The draft's JSON, to be completed by ``numbered``.

    Raises:
        EventTooLarge: It is over 64 KiB.
        InvalidEvent: Its data hold something that JSON cannot say.
    """
    try:
        tail = _encode(draft)
    except (TypeError, ValueError, OverflowError, RecursionError, UnicodeError) as error:
        raise InvalidEvent(f"the data of a {draft.type!r} event cannot be written as JSON: {error}") from error
    if len(tail) > limits.EVENT_BYTES:
        raise EventTooLarge(
            f"a {draft.type!r} event has {len(tail):,} bytes, the limit is {limits.EVENT_BYTES:,}: "
            "put large content into an artifact, or into several events"
        )
    return tail


def numbered(tail: bytes, seq: int) -> bytes:
    """The whole event: the tail with its number in front."""
    return b'{"seq":%d,%b' % (seq, tail[1:])


def with_offset(tail: bytes, offset: int) -> bytes:
    """A ``log`` event's tail with the ``offset`` that the store gave it."""
    comma = b"" if tail.endswith(b"{}}") else b","
    return b'%b%b"offset":%d}}' % (tail[:-2], comma, offset)


def with_eliding(body: bytes) -> bytes:
    """A stored ``log`` event that says that the text of older ones was cut when it was appended.

    Its data are not empty, and no text can hold what they begin with, since its quotes would be escaped. It does not
    say so yet: no reporter may, and the event is one of the append that cuts.
    """
    return body.replace(b'"data":{', b'"data":{"eliding":true,', 1)


def decode_event(body: bytes | memoryview) -> Event:
    """An event as it was stored; its data stay encoded.

    Raises:
        InvalidEvent: The bytes are not an event.
    """
    try:
        return _decode_event(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"stored bytes are not an event: {error}") from error


def data_of(event: Event) -> Data | None:
    """The event's data by its type; None for custom types and for types of a later protocol.

    Raises:
        InvalidEvent: The data do not fit the type.
    """
    decode = _DATA_DECODERS.get(event.type)
    if decode is None:
        return None
    try:
        return decode(event.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"event {event.seq} ({event.type}): {error}") from error


def data_of_draft(draft: Draft) -> Data | None:
    """The same for a draft; None for custom types.

    Raises:
        InvalidEvent: The data do not fit the type, or belong to another one.
    """
    known = TYPES.get(draft.type)
    if isinstance(draft.data, Data):
        if known is None or type(draft.data) is not known.data:
            raise InvalidEvent(f"{type(draft.data).__name__} is not what a {draft.type[:80]!r} event carries")
        return draft.data
    try:
        return None if known is None else msgspec.convert(draft.data, known.data)
    except msgspec.ValidationError as error:
        raise InvalidEvent(f"the data of a {draft.type!r} event: {error}") from error
