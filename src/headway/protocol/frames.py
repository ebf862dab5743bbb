"""Frames: what a server says to a watcher; and the messages that a watcher may send on a WebSocket.

The parts of a frame that come from a run (its state, its short state, its view, its events) stay encoded here: they are
made once and go to many. Who reads a frame decodes the part that it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from enum import IntEnum
from typing import Annotated, Literal

import msgspec

from headway.errors import InvalidInput, MessageTooLarge, RemoteProtocolError
from headway.protocol import limits, names
from headway.protocol.cursor import parse
from headway.protocol.events import Json, RunStatus
from headway.protocol.incoming import parse_json
from headway.protocol.ready import ready
from headway.protocol.sse import END_SUFFIX

PROTOCOL_VERSION = 1
"""The number in ``welcome``, and in the WebSocket subprotocol ``headway.v1``."""

MESSAGE_BYTES = 64 * 1024
"""One message from a watcher, unless the server is told otherwise: as much as the largest event, since an answer
becomes one."""

TYPES_PER_FILTER = 64
"""Types in one filter: more than the protocol has."""

Mode = Literal["all", "paced"]
Rate = Literal[1, 2, 5, 10]
GapReason = Literal["expired", "diverged", "deleted"]
Level = Literal["info", "warning", "error"]


class CloseCode(IntEnum):
    """Why a server closes a WebSocket. After ``GOING_AWAY`` and ``OVERLOAD`` a client comes back by itself."""

    ALL_ENDED = 1000
    GOING_AWAY = 1001
    NOT_ALLOWED = 1008
    TOO_BIG = 1009
    OVERLOAD = 1013
    TOKEN_EXPIRED = 4401
    NO_SIGN_OF_LIFE = 4408
    TOO_MANY_MESSAGES = 4429


# What the server says


class Frame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """One thing that a server says; ``type`` on the wire is the class's tag."""


class WelcomeFrame(Frame, frozen=True, kw_only=True, tag="welcome"):
    """The first frame of a connection; ``heartbeat`` is in seconds."""

    protocol: int = PROTOCOL_VERSION
    server: str
    session: str
    heartbeat: float


class WaitingFrame(Frame, frozen=True, kw_only=True, tag="waiting"):
    """The run does not exist yet; nothing will be missed when it does."""

    run_id: str


class FrameGap(msgspec.Struct, frozen=True, kw_only=True):
    """What follows the cursor ``after`` could not be delivered, and why."""

    after: str
    reason: GapReason


class SnapshotFrame(Frame, frozen=True, kw_only=True, tag="snapshot"):
    """The whole ``state`` (the JSON of a ``State``) at ``cursor``, and the ``view`` (of a ``View``)."""

    run_id: str
    cursor: str
    state: msgspec.Raw
    view: msgspec.Raw
    gap: FrameGap | None = None


class EventsFrame(Frame, frozen=True, kw_only=True, tag="events", rename={"from_": "from"}):
    """What settles the events ``from_``…``to``.

    Attributes:
        run_id: The run.
        from_: The first event that is settled.
        to: The last one.
        cursor: Behind the last one: safe to resume from.
        events: Those that the watcher gets, each as it is stored, in order.
        conflated: How many of each type it does not get.
        short: The JSON of a ``Short``: the run as it is now, which is ahead of ``to`` while the watcher catches up.
        view: The JSON of a ``View`` of the same moment.
    """

    run_id: str
    from_: int
    to: int
    cursor: str
    events: tuple[msgspec.Raw, ...]
    conflated: dict[str, int]
    short: msgspec.Raw
    view: msgspec.Raw


class TickFrame(Frame, frozen=True, kw_only=True, tag="tick"):
    """Nothing happened for a while: the ``view`` (the JSON of a ``View``) tells how time goes on."""

    run_id: str
    view: msgspec.Raw
    last_event_at: str | None


class RunsFrame(Frame, frozen=True, kw_only=True, tag="runs"):
    """What changed in a list of runs.

    Attributes:
        changed: The JSON of a ``ShortState`` each: the runs that are new, or not as they were.
        removed: The ids of those that are in the list no more.
        cursor: Behind these changes.
        reset: The list begins anew: ``changed`` are the newest runs that are in it, and what was known before is not
            to be relied on.
    """

    changed: tuple[msgspec.Raw, ...]
    removed: tuple[str, ...]
    cursor: str
    reset: bool = False


class EndFrame(Frame, frozen=True, kw_only=True, tag="end"):
    """The run has ended with this status, or was ``deleted``, and everything was delivered."""

    run_id: str
    status: Literal["completed", "failed", "cancelled", "deleted"]
    cursor: str


class NoticeFrame(Frame, frozen=True, kw_only=True, tag="notice"):
    """The operator speaks to every watcher."""

    text: str
    level: Level = "info"


class HeartbeatFrame(Frame, frozen=True, kw_only=True, tag="heartbeat"):
    """A sign of life for clients that cannot see the transport's own."""

    at: str


class PongFrame(Frame, frozen=True, kw_only=True, tag="pong"):
    """The answer to a ``ping``, with what it said."""

    at: str
    echo: Json = None


class ProblemFrame(Frame, frozen=True, kw_only=True, tag="problem", omit_defaults=True):
    """Something that was asked cannot be done; ``run_id`` if it is about a run. The connection stays open."""

    code: str
    message: str
    run_id: str | None = None


AnyFrame = (
    WelcomeFrame
    | WaitingFrame
    | SnapshotFrame
    | EventsFrame
    | TickFrame
    | RunsFrame
    | EndFrame
    | NoticeFrame
    | HeartbeatFrame
    | PongFrame
    | ProblemFrame
)


class _Typed(msgspec.Struct):
    type: str


encode_frame = msgspec.json.Encoder().encode
"""A frame's JSON."""

_decode_frame: Callable[[bytes | str], AnyFrame] = msgspec.json.Decoder(AnyFrame).decode
_decode_type = msgspec.json.Decoder(_Typed).decode
FRAME_TYPES = frozenset(str(kind.__struct_config__.tag) for kind in Frame.__subclasses__())
"""The types of frames that this version knows."""


def decode_frame(body: bytes | str) -> AnyFrame | None:
    """The frame that a server sent; None if its type belongs to a later protocol, which a client passes over.

    Raises:
        RemoteProtocolError: It is not a frame.
    """
    try:
        return _decode_frame(body)
    except msgspec.ValidationError as error:
        if _type_of(body) in FRAME_TYPES:
            raise RemoteProtocolError(f"the server sent a frame that is none: {error}") from error
        return None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise RemoteProtocolError(f"the server sent something that is not JSON: {error}") from error


def _type_of(body: bytes | str) -> str:
    try:
        return _decode_type(body).type
    except msgspec.ValidationError as error:
        raise RemoteProtocolError(f"the server sent a frame without a type: {error}") from error


def events_frame(head: EventsHead, bodies: Iterable[bytes], tail: bytes) -> bytes:
    """The JSON of an ``EventsFrame``, joined from events as they are stored, none of which is decoded.

    Args:
        head: What stands before the events.
        bodies: The events.
        tail: What stands behind them, from ``events_tail``.
    """
    return b'{"type":"events","run_id":"%b","from":%d,"to":%d,"cursor":"%b","events":[%b]%b' % (
        head.run_id.encode(),  # neither it nor a cursor has characters that JSON escapes
        head.from_,
        head.to,
        head.cursor.encode(),
        b",".join(bodies),
        tail,
    )


class EventsHead(msgspec.Struct, frozen=True):
    """The beginning of an ``events`` frame."""

    run_id: str
    from_: int
    to: int
    cursor: str


def events_tail(conflated: dict[str, int], short: bytes, view: bytes) -> bytes:
    """The end of an ``events`` frame; ``short`` and ``view`` are the JSON of a ``Short`` and a ``View``."""
    return b',"conflated":%b,"short":%b,"view":%b}' % (encode_frame(conflated), short, view)


# What a watcher says


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """One thing that a watcher says."""


class WatchedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run to watch; ``after`` is a cursor's text, None for a snapshot first.

    With ``.end`` behind it, as the id of an ``end`` has, everything was had: nothing of the run is sent.
    """

    run_id: str
    after: str | None = None


TypeName = Annotated[str, msgspec.Meta(max_length=limits.NAME_CHARS)]
TypeNames = Annotated[tuple[TypeName, ...], msgspec.Meta(min_length=1, max_length=TYPES_PER_FILTER)]


class Watch(Message, frozen=True, kw_only=True, tag="watch"):
    """Watch runs: those in ``runs`` and the one in ``run_id``. See ``watched``.

    ``types`` leaves out all events of other types. ``close_on_end``: the server closes the connection when all its
    runs have ended.
    """

    runs: tuple[WatchedRun, ...] = ()
    run_id: str | None = None
    after: str | None = None
    mode: Mode = "paced"
    rate: Rate = 5
    types: TypeNames | None = None
    close_on_end: bool = False

    @property
    def watched(self) -> tuple[WatchedRun, ...]:
        """All the runs that it names."""
        return self.runs if self.run_id is None else (*self.runs, WatchedRun(run_id=self.run_id, after=self.after))


class Unwatch(Message, frozen=True, kw_only=True, tag="unwatch"):
    """Watch these runs no more."""

    runs: tuple[str, ...] = ()
    run_id: str | None = None

    @property
    def unwatched(self) -> tuple[str, ...]:
        """All the runs that it names."""
        return self.runs if self.run_id is None else (*self.runs, self.run_id)


class SnapshotRequest(Message, frozen=True, kw_only=True, tag="snapshot"):
    """Send the state of a run that is watched, as it is now."""

    run_id: str


class Cancel(Message, frozen=True, kw_only=True, tag="cancel"):
    """Ask for a run's cancellation."""

    run_id: str
    reason: Annotated[str, msgspec.Meta(max_length=limits.TITLE_CHARS)] | None = None


class Answer(Message, frozen=True, kw_only=True, tag="answer"):
    """Answer the question ``id`` of a run."""

    run_id: str
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=limits.NAME_CHARS)]
    value: Json


class Ping(Message, frozen=True, kw_only=True, tag="ping"):
    """Ask for a ``pong`` with the same ``echo``."""

    echo: Json = None


class Token(Message, frozen=True, kw_only=True, tag="token"):
    """A new token, instead of the one that expires."""

    token: str


class WatchRuns(Message, frozen=True, kw_only=True, tag="watch_runs"):
    """Watch the list of runs of a kind and in a status (None: any); again: instead of the list so far."""

    kind: str | None = None
    status: RunStatus | None = None
    after: str | None = None


class UnwatchRuns(Message, frozen=True, kw_only=True, tag="unwatch_runs"):
    """Watch the list of runs no more."""


AnyMessage = Watch | Unwatch | SnapshotRequest | Cancel | Answer | Ping | Token | WatchRuns | UnwatchRuns

MESSAGE_TYPES = frozenset(str(kind.__struct_config__.tag) for kind in Message.__subclasses__())
"""The types of messages that this version knows."""

encode_message = msgspec.json.Encoder().encode
"""A message's JSON."""


def decode_message(body: bytes | str, *, most_bytes: int = MESSAGE_BYTES) -> AnyMessage:
    """A message from a watcher, checked. Members that are not known are passed over.

    Raises:
        MessageTooLarge: It has more than ``most_bytes``.
        InvalidJson, TooDeep: It is not JSON, or nested too deep.
        InvalidName, InvalidCursor, InvalidInput: See ``message_of``.
    """
    data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    if len(data) > most_bytes:
        raise MessageTooLarge(f"a message of {len(data):,} bytes: send at most {most_bytes:,}")
    return message_of(parse_json(data))


def message_of(value: Json) -> AnyMessage:
    """The message that this JSON is, checked in the same way.

    Raises:
        InvalidName: Not a run's id.
        InvalidCursor: Not a cursor, which in an ``after`` may have ``.end`` behind it.
        InvalidInput: It is not one of the messages.
    """
    type_ = value.get("type") if isinstance(value, dict) else None
    if not isinstance(type_, str) or type_ not in MESSAGE_TYPES:
        raise InvalidInput(
            f"{str(type_)[:40]!r} is not a type of message: "
            f"send an object whose 'type' is one of {', '.join(sorted(MESSAGE_TYPES))}"
        )
    try:
        message: AnyMessage = msgspec.convert(value, AnyMessage)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"not a {type_!r} message: {error}") from error
    _check(message)
    return message


def _check(message: AnyMessage) -> None:
    match message:
        case Watch():
            _check_runs([run.run_id for run in message.watched], "watch")
            _check_cursors(message.watched)
        case Unwatch():
            _check_runs(message.unwatched, "unwatch")
        case SnapshotRequest(run_id=run_id) | Cancel(run_id=run_id) | Answer(run_id=run_id):
            names.run_id(run_id)
        case _:
            pass


def _check_cursors(watched: Collection[WatchedRun]) -> None:
    for run in watched:
        if run.after is not None:
            parse(run.after.removesuffix(END_SUFFIX))


def _check_runs(run_ids: Collection[str], type_: str) -> None:
    if not run_ids:
        raise InvalidInput(f"the {type_!r} message names no run: give 'run_id' or 'runs'")
    for run_id in run_ids:
        names.run_id(run_id)


ready(AnyMessage)
