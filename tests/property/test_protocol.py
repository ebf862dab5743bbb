"""The protocol under hostile and random input: round trips, and an error of its own for everything that is wrong."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from headway.errors import HeadwayError, InvalidCursor, InvalidEvent, InvalidInput, InvalidJson, InvalidName, TooDeep
from headway.protocol import codec, events, incoming, limits, names, times
from headway.protocol.cursor import Cursor, new_epoch, new_nonce, parse
from headway.protocol.events import TYPES, Data, Draft

AT = "2026-11-20T19:41:03.120Z"

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=5)
PATHS = st.lists(st.text("abcäß 0-_.", min_size=1, max_size=8).filter(str.strip), min_size=1, max_size=8).map("/".join)
NEAR = st.sampled_from(["", ".", "0.", "é", "\u0663", "\n", "\x00", " ", "-", "+", "1e5", "_", "%", "/"])


def custom(data: dict[str, Any], stage: str | None = None) -> Draft:
    return Draft(at=AT, type="x.own", priority="medium", stage=stage, data=data)


SIMPLE: dict[type, st.SearchStrategy[Any]] = {
    msgspec.inspect.AnyType: JSON,
    msgspec.inspect.NoneType: st.none(),
    msgspec.inspect.BoolType: st.booleans(),
    msgspec.inspect.IntType: st.integers(-(2**53), 2**53),
    msgspec.inspect.FloatType: st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.5),
    msgspec.inspect.StrType: TEXT,
}


class TestEvents:
    @given(OBJECTS, st.none() | PATHS, st.integers(1, 2**53))
    def test_what_is_encoded_is_decoded(self, data: dict[str, Any], stage: str | None, seq: int) -> None:
        body = codec.numbered(codec.encode_tail(custom(data, stage)), seq)
        event = codec.decode_event(body)
        assert (event.seq, event.at, event.type, event.stage) == (seq, AT, "x.own", stage)
        assert msgspec.json.decode(event.data) == data
        assert msgspec.json.decode(body)["seq"] == seq
        assert codec.data_of(event) is None

    @given(st.data())
    def test_every_type_comes_back_as_it_was(self, data: st.DataObject) -> None:
        type_ = data.draw(st.sampled_from(sorted(TYPES)))
        value = data.draw(_data_of(TYPES[type_].data))
        stage = "a" if type_.startswith("stage.") else None
        draft = events.draft(value, at=AT, stage=stage)
        event = codec.decode_event(codec.numbered(codec.encode_tail(draft), 1))
        assert (event.type, event.priority) == (type_, draft.priority)
        assert codec.data_of(event) == value
        again = incoming.parse_draft(msgspec.json.decode(codec.encode_tail(draft)))
        assert codec.data_of_draft(again) == value

    @given(OBJECTS, st.integers(0, 2**53))
    def test_an_offset_is_added_to_any_data(self, data: dict[str, Any], offset: int) -> None:
        assume("offset" not in data)
        event = msgspec.json.decode(codec.numbered(codec.with_offset(codec.encode_tail(custom(data)), offset), 1))
        assert event["data"] == {**data, "offset": offset}

    @given(st.binary(max_size=60) | TEXT.map(str.encode))
    @example(b"[" * 100_000)
    @example(b'{"seq":1,"at":"a","type":"b","data":' + b"[" * 100_000)
    @example(b'{"seq":1,"at":"\xff","type":"b"}')
    def test_bytes_that_are_no_event(self, body: bytes) -> None:
        with pytest.raises(InvalidEvent):
            codec.decode_event(body)


def _data_of(type_: type[Data]) -> st.SearchStrategy[Data]:
    """Data of a type that keep the protocol's rules."""
    given_: dict[str, st.SearchStrategy[Any]] = {
        "kind": st.text(string.ascii_letters, min_size=1, max_size=20),
        "variant": st.none() | st.text(string.ascii_letters, min_size=1, max_size=20),
        "weight": st.none() | st.integers(0, limits.WEIGHT_MAX),
        "stages": st.lists(PATHS.map(lambda path: events.PlannedStage(path=path)), max_size=4).map(tuple),
        "id": st.text(string.ascii_letters, min_size=1, max_size=20),
        "name": PATHS.filter(lambda path: all(part.strip() not in (".", "..") for part in path.split("/"))),
        "offset": st.none(),
    }
    members = {
        field.name: given_[field.name] if field.name in given_ else _value_of(field.type)
        for field in msgspec.inspect.type_info(type_).fields  # type: ignore[attr-defined]
    }
    return st.builds(type_, **members)


def _value_of(type_: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    found = SIMPLE.get(type(type_))
    match type_:
        case msgspec.inspect.UnionType(types=types):
            found = st.one_of(*map(_value_of, types))
        case msgspec.inspect.LiteralType(values=values):
            found = st.sampled_from(values)
        case msgspec.inspect.VarTupleType(item_type=item):
            found = st.lists(_value_of(item), max_size=3).map(tuple)
        case msgspec.inspect.TupleType(item_types=items):
            found = st.tuples(*map(_value_of, items))
        case msgspec.inspect.DictType(value_type=value):
            found = st.dictionaries(TEXT, _value_of(value), max_size=3)
        case msgspec.inspect.StructType(cls=cls, fields=fields):
            found = st.builds(cls, **{field.name: _value_of(field.type) for field in fields})
    assert found is not None, type_
    return found


def outcome(call: Callable[[], object]) -> object:
    """What a call gives, or the error that it refuses with."""
    try:
        return call()
    except HeadwayError as error:
        refusal = error
    assert 0 < len(str(refusal)) < 2_000
    return refusal


class TestIncoming:
    @given(JSON)
    def test_json_comes_through(self, value: Any) -> None:
        assert incoming.parse_json(msgspec.json.encode(value)) == value

    @given(st.binary(max_size=40))
    @example(b"NaN")
    @example(b"-Infinity")
    @example(b"1e999")
    @example(b"1" * 5_000)
    @example(b'"\\ud800"')
    @example(b'"\\udc00 "')
    @example(b'"\xed\xa0\x80"')
    @example(b"{'a': 1}")
    @example(b"[1,]")
    @example(b"\xef\xbb\xbf{}")
    @example(b'"\x00"')
    def test_what_is_not_json_says_so(self, body: bytes) -> None:
        value = outcome(lambda: incoming.parse_json(body))
        assert isinstance(value, InvalidJson) or incoming.parse_json(msgspec.json.encode(value)) == value

    @pytest.mark.parametrize("body", [b"NaN", b"1e999", b'"\\ud800"', b'"\xed\xa0\x80"', b"[1,]", b"", b'"\x00"'])
    def test_what_is_surely_not_json(self, body: bytes) -> None:
        with pytest.raises(InvalidJson):
            incoming.parse_json(body)

    @given(st.integers(limits.JSON_DEPTH + 1, 200), st.sampled_from([(b"[", b"]"), (b'{"a":', b"}")]))
    @example(100_000, (b"[", b"]"))
    @example(100_000, (b'{"a":', b"}"))
    def test_what_is_too_deep(self, depth: int, brackets: tuple[bytes, bytes]) -> None:
        with pytest.raises(TooDeep):
            incoming.parse_json(brackets[0] * depth + b"1" + brackets[1] * depth)

    @given(st.integers(1, limits.JSON_DEPTH))
    def test_what_is_deep_enough(self, depth: int) -> None:
        assert incoming.parse_json(b"[" * depth + b"]" * depth) is not None
        assert incoming.parse_json(b'"' + b"[{" * 100 + b'"') == "[{" * 100

    def test_of_members_that_come_twice_the_last_counts_and_one_is_kept(self) -> None:
        body = b'{"at": "%s", "type": "note", "type": "highlight", "data": {"text": "a", "text": "b"}}' % AT.encode()
        draft = incoming.parse_draft(incoming.parse_json(body))
        assert codec.encode_tail(draft).count(b'"text"') == 1
        assert (draft.type, draft.data) == ("highlight", {"text": "b"})

    @given(JSON)
    def test_no_value_is_taken_for_an_event_by_accident(self, value: Any) -> None:
        with pytest.raises(InvalidInput):
            incoming.parse_draft(value)

    @given(st.sampled_from(["at", "type", "priority", "stage", "data"]), JSON)
    def test_members_of_the_wrong_type(self, member: str, value: Any) -> None:
        event = {"at": AT, "type": "x.own", "priority": "low", "stage": "a", "data": {}, member: value}
        draft = outcome(lambda: incoming.parse_draft(event))
        wanted = value if value is not None or member == "stage" else "medium"
        assert isinstance(draft, InvalidInput) or getattr(draft, member) == wanted

    @given(st.sampled_from(sorted(TYPES)), OBJECTS)
    def test_data_of_a_type_are_checked_or_kept_as_they_are(self, type_: str, data: dict[str, Any]) -> None:
        draft = outcome(lambda: incoming.parse_draft({"at": AT, "type": type_, "stage": "a", "data": data}))
        assert isinstance(draft, InvalidInput) or (isinstance(draft, Draft) and draft.data == data)

    @pytest.mark.parametrize("number", [2**63, 2**64, 10**30, -(2**63) - 1])
    def test_huge_whole_numbers_come_through_whole(self, number: int) -> None:
        body = b'{"at": "%s", "type": "x.own", "data": {"n": %d}}' % (AT.encode(), number)
        draft = incoming.parse_draft(incoming.parse_json(body))
        assert msgspec.json.decode(codec.encode_tail(draft))["data"]["n"] == number

    @given(st.text(max_size=30) | st.from_regex(times.TIME_PATTERN))
    @example("2026-02-30T00:00:00.000Z")
    @example("2026-13-01T00:00:00.000Z")
    @example("2026-01-01T25:00:00.000Z")
    @example("0000-01-01T00:00:00.000Z")
    @example("\u0662\u0660\u0662\u0666-11-20T19:41:03.120Z")
    @example(AT + "\n")
    def test_a_time_that_is_taken_can_be_read(self, at: str) -> None:
        draft = outcome(lambda: incoming.parse_draft({"at": at, "type": "x.own", "data": {}}))
        assert isinstance(draft, InvalidEvent) or times.to_text(times.to_unix(at)) == at


class TestCursors:
    @given(
        st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=32),
        st.integers(0, 10**15 - 1),
        st.integers(0, 2**64 - 1),
    )
    def test_what_is_written_is_read(self, epoch: str, seq: int, nonce: int) -> None:
        cursor = Cursor(epoch, seq, nonce)
        assert parse(str(cursor)) == cursor

    def test_new_ones_are_read_too(self) -> None:
        for _ in range(200):
            cursor = Cursor(new_epoch(), 1, new_nonce())
            assert cursor.nonce > 0
            assert parse(str(cursor)) == cursor
        assert parse("0") is None

    @given(st.text(max_size=60) | st.lists(st.text(max_size=5) | NEAR, max_size=6).map(".".join))
    @example("e.1.a\n")
    @example("e.\u0663.a")
    @example("e.1.A")
    @example("e.-1.a")
    @example("e." + "9" * 16 + ".a")
    @example("00")
    @example("e.1." + "f" * 17)
    @example("e.1.a.b")
    @example("")
    def test_anything_else_is_refused(self, text: str) -> None:
        cursor = outcome(lambda: parse(text))
        if not isinstance(cursor, InvalidCursor):
            assert text.isascii()
            assert text == "0" or int(str(cursor).split(".")[1]) == int(text.split(".")[1])


class TestNames:
    @given(st.text(max_size=20) | st.text(string.ascii_letters + string.digits + "._:-", max_size=140))
    @example("a\n")
    @example("é")
    @example("a" * 128)
    @example("a" * 129)
    def test_run_ids(self, text: str) -> None:
        allowed = string.ascii_letters + string.digits
        valid = 1 <= len(text) <= 128 and text[0] in allowed and all(c in allowed + "._:-" for c in text)
        assert _accepts(names.run_id, text) == valid

    @given(st.text(max_size=20) | PATHS | st.lists(st.text(max_size=3), max_size=10).map("/".join))
    @example("a/" * 8 + "a")
    @example("x" * 256)
    @example("x" * 257)
    @example("a/\u2028/b")
    def test_stage_paths(self, text: str) -> None:
        parts = text.split("/")
        valid = len(text) <= 256 and len(parts) <= 8 and all(part.strip() for part in parts) and _printable(text)
        assert _accepts(names.stage_path, text) == valid

    @given(st.text(max_size=20) | st.lists(NEAR | st.sampled_from(["..", "a"]), max_size=6).map("/".join))
    @example("../../etc/passwd")
    @example("a/ .. /b")
    @example("C:\\x")
    @example("a" * 512)
    @example("a" * 513)
    def test_artifact_names(self, text: str) -> None:
        parts = [part.strip() for part in text.split("/")]
        valid = len(text) <= 512 and not {"", ".", ".."} & set(parts) and "\\" not in text and _printable(text)
        assert _accepts(names.artifact_name, text) == valid

    @given(st.text(max_size=140))
    @example("\ud800")
    def test_kinds(self, text: str) -> None:
        assert _accepts(names.kind, text) == (1 <= len(text) <= 128 and _printable(text))

    @given(st.floats(0, 2**48 / 1000 - 1), st.floats(0, 2**48 / 1000 - 1), st.binary(min_size=10, max_size=10))
    def test_later_ids_sort_later(self, first: float, second: float, randomness: bytes) -> None:
        one, two = names.uuid7(first, randomness), names.uuid7(second, bytes(10))
        assert (one[14], one[19] in "89ab", one.count("-"), len(one)) == ("7", True, 4, 36)
        assert names.run_id(one) == one
        if int(first * 1000) < int(second * 1000):
            assert one < two

    @given(st.floats(0, 4e9))
    def test_times_come_back(self, unix_s: float) -> None:
        text = times.to_text(unix_s)
        assert abs(times.to_unix(text) - unix_s) < 0.001
        assert len(text) == 24


def _accepts(check: Any, text: str) -> bool:
    found = outcome(lambda: check(text))
    return not isinstance(found, InvalidName) and found == text


def _printable(text: str) -> bool:
    return not any(
        ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or c in "\u2028\u2029" or 0xD800 <= ord(c) <= 0xDFFF for c in text
    )
