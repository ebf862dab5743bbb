"""Bytes of events: made once, numbered by concatenation."""

from __future__ import annotations

import msgspec
import pytest

from headway.errors import EventTooLarge, InvalidEvent
from headway.protocol import codec, events, limits
from headway.protocol.events import NAME_OF, TERMINAL, TYPES, Draft
from headway.testing.samples import AT, custom, log, note


def test_the_number_comes_first_and_the_rest_stays() -> None:
    tail = codec.encode_tail(note("a"))
    assert codec.numbered(tail, 17) == b'{"seq":17,' + tail[1:]
    assert msgspec.json.decode(codec.numbered(tail, 17)) == {
        "seq": 17,
        "at": AT,
        "type": "note",
        "priority": "low",
        "data": {"text": "a"},
    }


@pytest.mark.parametrize("data", [{}, {"lines": ["a"]}, {"lines": ["}}"], "more": {"deep": {}}}])
def test_an_offset_is_added_to_a_log(data: dict[str, object]) -> None:
    tail = codec.encode_tail(Draft(at=AT, type="log", priority="low", data=data))
    assert msgspec.json.decode(codec.with_offset(tail, 5))["data"] == {**data, "offset": 5}


def test_an_event_is_not_larger_than_its_limit() -> None:
    room = limits.EVENT_BYTES - len(codec.encode_tail(note("")))
    assert len(codec.encode_tail(note("x" * room))) == limits.EVENT_BYTES
    with pytest.raises(EventTooLarge, match="artifact"):
        codec.encode_tail(note("x" * (room + 1)))
    with pytest.raises(EventTooLarge):
        codec.encode_tail(note("é" * (room // 2 + 1)))


@pytest.mark.parametrize("value", [object(), "\ud800", {(1,): 2}, 1j])
def test_what_json_cannot_say(value: object) -> None:
    with pytest.raises(InvalidEvent):
        codec.encode_tail(custom("own", {"value": value}))


def test_data_must_belong_to_their_type() -> None:
    for draft in (
        Draft(at=AT, type="log", priority="low", data=events.Note(text="a")),
        Draft(at=AT, type="x.own", priority="low", data=events.Note(text="a")),
        Draft(at=AT, type="note", priority="low", data={"text": None}),
    ):
        with pytest.raises(InvalidEvent):
            codec.data_of_draft(draft)
    assert codec.data_of_draft(custom("own", {})) is None
    assert codec.data_of_draft(log("a")) == events.Log(lines=("a",))
    assert codec.data_of_draft(Draft(at=AT, type="note", priority="low", data={"text": "a"})) == events.Note(text="a")


def test_data_of_a_later_protocol_are_left_alone() -> None:
    event = codec.decode_event(b'{"seq":1,"at":"","type":"run.teleported","data":{"to":1}}')
    assert (codec.data_of(event), event.priority) == (None, "medium")
    known = codec.decode_event(b'{"seq":1,"at":"","type":"note","data":{"text":"a","later":1}}')
    assert codec.data_of(known) == events.Note(text="a")
    with pytest.raises(InvalidEvent, match="event 1"):
        codec.data_of(codec.decode_event(b'{"seq":1,"at":"","type":"note","data":{"text":1}}'))


def test_the_table_of_types_is_whole() -> None:
    assert {entry.data for entry in TYPES.values()} == set(NAME_OF)
    assert {"run.completed", "run.failed", "run.cancelled"} == TERMINAL
    for name, entry in TYPES.items():
        assert entry.terminal == (name in TERMINAL)
        assert entry.priority == "critical" or not entry.terminal
