"""Frames and messages: what is written is read again, and what cannot be understood is refused in words."""

from __future__ import annotations

import msgspec
import pytest

from headway import errors
from headway.protocol import frames
from headway.protocol.frames import decode_frame, decode_message, encode_frame, encode_message

SHORT = msgspec.Raw(b'{"status":"running","progress":0.5,"stage":null,"message":null}')
VIEW = msgspec.Raw(b'{"now":"2026-11-20T19:41:03.120Z","elapsed":1.0,"eta":null,"queue":null}')
STATE = msgspec.Raw(b'{"run_id":"r","seq":3}')
EVENTS = (b'{"seq":3,"type":"note"}', b'{"seq":5,"type":"note"}')

FRAMES = [
    frames.WelcomeFrame(server="headway 0.1.0", session="s1", heartbeat=25.0),
    frames.WaitingFrame(run_id="r"),
    frames.SnapshotFrame(run_id="r", cursor="e.3.1", state=STATE, view=VIEW),
    frames.SnapshotFrame(
        run_id="r", cursor="e.3.1", state=STATE, view=VIEW, gap=frames.FrameGap(after="f.9.2", reason="diverged")
    ),
    frames.EventsFrame(
        run_id="r",
        from_=3,
        to=6,
        cursor="e.6.1",
        events=tuple(map(msgspec.Raw, EVENTS)),
        conflated={"stage.progress": 2},
        short=SHORT,
        view=VIEW,
    ),
    frames.TickFrame(run_id="r", view=VIEW, last_event_at="2026-11-20T19:41:03.120Z"),
    frames.RunsFrame(changed=(STATE,), removed=("gone",), cursor="c"),
    frames.EndFrame(run_id="r", status="deleted", cursor="e.6.1"),
    frames.NoticeFrame(text="Restart at noon", level="warning"),
    frames.HeartbeatFrame(at="2026-11-20T19:41:03.120Z"),
    frames.PongFrame(at="2026-11-20T19:41:03.120Z", echo={"any": [1, None]}),
    frames.ProblemFrame(code="not-found", message="there is no such run", run_id="r"),
    frames.ProblemFrame(code="invalid", message="not a message"),
]
MESSAGES = [
    frames.Watch(run_id="r", after="0"),
    frames.Watch(runs=(frames.WatchedRun(run_id="a"), frames.WatchedRun(run_id="b", after="e.3.1")), mode="all"),
    frames.Watch(run_id="r", rate=10, types=("finding",), close_on_end=True),
    frames.Unwatch(run_id="r"),
    frames.SnapshotRequest(run_id="r"),
    frames.Cancel(run_id="r", reason="enough"),
    frames.Answer(run_id="r", id="q", value={"yes": True}),
    frames.Ping(echo=1),
    frames.Token(token="t"),
    frames.WatchRuns(kind="k", status="running", after="9"),
    frames.UnwatchRuns(),
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_a_frame_is_read_as_it_was_written(frame: frames.Frame) -> None:
    body = encode_frame(frame)
    decoded = decode_frame(body)
    assert type(decoded) is type(frame)
    assert encode_frame(decoded) == body
    assert msgspec.json.decode(body)["type"] == frame.__struct_config__.tag


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_read_as_it_was_written(message: frames.Message) -> None:
    assert decode_message(encode_message(message)) == message
    assert decode_message(encode_message(message).decode()) == message


def test_every_type_has_an_example_here() -> None:
    assert {frame.__struct_config__.tag for frame in FRAMES} == frames.FRAME_TYPES
    assert {message.__struct_config__.tag for message in MESSAGES} == frames.MESSAGE_TYPES


def test_events_are_joined_to_what_the_struct_would_be() -> None:
    frame = FRAMES[4]
    assert isinstance(frame, frames.EventsFrame)
    head = frames.EventsHead("r", 3, 6, "e.6.1")
    assert frames.events_frame(head, EVENTS, frames.events_tail(frame.conflated, SHORT, VIEW)) == encode_frame(frame)


def test_a_gap_is_always_said_and_a_problem_names_a_run_only_if_it_is_about_one() -> None:
    assert msgspec.json.decode(encode_frame(FRAMES[2]))["gap"] is None
    assert "run_id" not in msgspec.json.decode(encode_frame(FRAMES[-1]))


def test_a_watch_names_runs_in_two_ways() -> None:
    message = decode_message(b'{"type": "watch", "run_id": "a", "after": "0", "runs": [{"run_id": "b"}]}')
    assert isinstance(message, frames.Watch)
    assert message.watched == (frames.WatchedRun(run_id="b"), frames.WatchedRun(run_id="a", after="0"))
    assert (message.mode, message.rate, message.types) == ("paced", 5, None)
    unwatch = decode_message(b'{"type": "unwatch", "run_id": "a", "runs": ["b"]}')
    assert isinstance(unwatch, frames.Unwatch)
    assert unwatch.unwatched == ("b", "a")


def test_a_watch_may_say_that_a_run_has_ended() -> None:
    message = decode_message(b'{"type": "watch", "run_id": "a", "after": "e.3.1f.end"}')
    assert isinstance(message, frames.Watch)
    assert message.after == "e.3.1f.end"


def test_a_server_may_take_larger_messages() -> None:
    many = ",".join(f'{{"run_id": "r{number}"}}' for number in range(10_000))
    body = f'{{"type": "watch", "runs": [{many}]}}'
    with pytest.raises(errors.MessageTooLarge):
        decode_message(body)
    message = decode_message(body, most_bytes=len(body))
    assert isinstance(message, frames.Watch)
    assert len(message.runs) == 10_000


def test_members_of_a_later_protocol_are_passed_over() -> None:
    assert decode_message(b'{"type": "ping", "echo": 1, "later": {}}') == frames.Ping(echo=1)
    assert decode_frame(b'{"type": "heartbeat", "at": "now", "later": {}}') == frames.HeartbeatFrame(at="now")
    assert decode_frame(b'{"type": "later"}') is None


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"", errors.InvalidJson, "not JSON"),
        (b"\xff", errors.InvalidJson, "not JSON"),
        (b"[" * 40 + b"]" * 40, errors.TooDeep, "deeper than 32"),
        (b"[" * 30_000 + b"]" * 30_000, errors.TooDeep, "deeper than 32"),
        (b'"' + b"x" * 65_536 + b'"', errors.MessageTooLarge, "65,538 bytes"),
        (b"7", errors.InvalidInput, "'None' is not a type of message"),
        (b"{}", errors.InvalidInput, "one of answer, cancel, ping"),
        (b'{"type": ["watch"]}', errors.InvalidInput, "is not a type of message"),
        (b'{"type": "shout"}', errors.InvalidInput, "'shout' is not a type of message"),
        (b'{"type": "watch"}', errors.InvalidInput, "the 'watch' message names no run"),
        (b'{"type": "unwatch"}', errors.InvalidInput, "the 'unwatch' message names no run"),
        (b'{"type": "watch", "run_id": "/etc"}', errors.InvalidName, "not a run id"),
        (b'{"type": "watch", "run_id": 7}', errors.InvalidInput, r"\$.run_id"),
        (b'{"type": "watch", "run_id": "r", "after": "x"}', errors.InvalidCursor, "not a cursor"),
        (b'{"type": "watch", "run_id": "r", "rate": 3}', errors.InvalidInput, r"\$.rate"),
        (b'{"type": "watch", "run_id": "r", "rate": "5"}', errors.InvalidInput, r"\$.rate"),
        (b'{"type": "watch", "run_id": "r", "mode": "fast"}', errors.InvalidInput, r"\$.mode"),
        (b'{"type": "watch", "run_id": "r", "types": []}', errors.InvalidInput, r"\$.types"),
        (b'{"type": "watch", "run_id": "r", "types": "log"}', errors.InvalidInput, r"\$.types"),
        (b'{"type": "watch", "run_id": "r", "after": "x.end"}', errors.InvalidCursor, "not a cursor"),
        (b'{"type": "watch_runs", "status": "bogus"}', errors.InvalidInput, r"\$.status"),
        (b'{"type": "cancel"}', errors.InvalidInput, "run_id"),
        (b'{"type": "cancel", "run_id": ""}', errors.InvalidName, "not a run id"),
        (b'{"type": "answer", "run_id": "r", "id": "q"}', errors.InvalidInput, "value"),
        (b'{"type": "answer", "run_id": "r", "id": "", "value": 1}', errors.InvalidInput, r"\$.id"),
        (b'{"type": "token"}', errors.InvalidInput, "token"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_words(body: bytes, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as refused:
        decode_message(body)
    assert type(refused.value) is error


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(errors.InvalidJson):
        decode_message('{"type": "token", "token": "\ud800"}')


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type": "end"}', b'{"type": 7}', "\ud800", b"\xff"])
def test_a_server_that_says_nonsense_is_told_apart(body: bytes | str) -> None:
    with pytest.raises(errors.RemoteProtocolError):
        decode_frame(body)
