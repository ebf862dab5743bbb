"""Server-Sent Events: what is written is read again, however it is cut, and as the HTML standard has it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import RemoteProtocolError
from headway.protocol.sse import SseEvent, SseParser, retry_text, sse_text

LINES = st.lists(st.text("ab: \N{LATIN SMALL LETTER E WITH ACUTE}", max_size=4), min_size=1, max_size=4)
BREAKS = st.sampled_from(["\n", "\r", "\r\n"])


def parsed(stream: bytes, *cuts: int) -> list[SseEvent]:
    parser = SseParser()
    places = [0, *sorted(cuts), len(stream)]
    return [event for start, end in pairwise(places) for event in parser.feed(stream[start:end])]


def one(event: str = "message", data: str = "", id_: str = "") -> SseEvent:
    return SseEvent(event=event, data=data, id=id_)


def test_a_frame_has_id_event_and_data() -> None:
    assert sse_text("tick", b'{"a":1}', "e.3.1") == b'id: e.3.1\nevent: tick\ndata: {"a":1}\n\n'
    assert sse_text("tick", b"{}") == b"event: tick\ndata: {}\n\n"
    assert retry_text() == b"retry: 1000\n\n"


def test_lines_are_split_into_fields() -> None:
    assert sse_text("log", b"a\nb\r\nc\rd") == b"event: log\ndata: a\ndata: b\ndata: c\ndata: d\n\n"


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: one\n\n", [one(data="one")]),
        (b"\xef\xbb\xbfdata: one\n\n", [one(data="one")]),
        (b"data\n\n", [one(data="")]),
        (b"data:\ndata:\n\n", [one(data="\n")]),
        (b"data:  two\n\n", [one(data=" two")]),
        (b": a comment\n\ndata:x\n\n", [one(data="x")]),
        (b"event: a\n\ndata: x\n\n", [one(data="x")]),
        (b"event: a\nevent: b\ndata: x\n\n", [one("b", "x")]),
        (
            b"id: 1\ndata: x\n\ndata: y\n\nid\ndata: z\n\n",
            [one(data="x", id_="1"), one(data="y", id_="1"), one(data="z")],
        ),
        (b"id: a\0b\ndata: x\n\n", [one(data="x")]),
        (b"other: 1\ndata: x\n\n", [one(data="x")]),
        (b"data: cut off\n", []),
        (b"data: \xff\n\n", [one(data="\N{REPLACEMENT CHARACTER}")]),
    ],
)
def test_streams_are_read_as_the_standard_has_it(stream: bytes, events: list[SseEvent]) -> None:
    for line_break in (b"\n", b"\r", b"\r\n"):
        assert parsed(stream.replace(b"\n", line_break)) == events


def test_an_id_counts_when_its_event_is_complete() -> None:
    parser = SseParser()
    assert list(parser.feed(b"id: 7\nretry: 1500\nretry: soon\n")) == []
    assert (parser.last_id, parser.retry_ms) == ("", 1500)
    assert list(parser.feed(b"\n")) == []
    assert parser.last_id == "7"


@given(
    st.lists(st.tuples(st.sampled_from(["tick", "events"]), LINES, st.none() | st.text("12.", max_size=3)), max_size=4),
    BREAKS,
    st.lists(st.integers(0, 200), max_size=8),
)
def test_what_is_written_is_read_however_it_is_cut(
    events: list[tuple[str, list[str], str | None]], line_break: str, cuts: list[int]
) -> None:
    stream, wanted, id_ = b"", [], ""
    for name, lines, new_id in events:
        stream += sse_text(name, line_break.join(lines).encode(), new_id)
        id_ = id_ if new_id is None else new_id
        wanted.append(one(name, "\n".join(lines), id_))
    stream = stream.replace(b"\n", line_break.encode())
    assert parsed(stream, *(cut for cut in cuts if cut <= len(stream))) == wanted
    assert parsed(stream, *range(len(stream))) == wanted


def test_bytes_that_are_none_change_nothing() -> None:
    parser = SseParser()
    chunks = (b"", b"event: tick\r", b"", b"\ndata: x\r", b"", b"\n\r", b"", b"\n")
    assert [event for chunk in chunks for event in parser.feed(chunk)] == [one("tick", "x")]


def test_an_event_without_end_is_given_up() -> None:
    parser = SseParser(limit_bytes=1_000)
    assert len([event for _ in range(100) for event in parser.feed(b"data: " + b"x" * 900 + b"\n\n")]) == 100
    with pytest.raises(RemoteProtocolError, match="more than 1,000 bytes"):
        for _ in range(100):
            list(parser.feed(b"data: " + b"x" * 50 + b"\n"))
