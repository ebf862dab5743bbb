"""Log events become the lines that were logged, however they were cut into pieces."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from headway.cli.log_lines import Cut, Joiner, LogLine, Missing, pieces
from headway.protocol import events
from headway.stores.memory import MemoryEventStore
from headway.testing.samples import AT, batch, log, new_run, note
from tests.unit.reporter.flaky import records_of


def found(*drafts: events.Draft) -> list[object]:
    store = MemoryEventStore()
    store.create(new_run())
    store.append(batch("run", 1, drafts))
    return list(pieces(records_of(store)))


def test_a_line_knows_where_it_stands() -> None:
    lines = found(log("häh", "two", stage="a", stream="stderr"), log("three", stage="a", stream="stderr"))
    assert [(line.offset, line.text, line.seq) for line in lines if isinstance(line, LogLine)] == [
        (0, "häh", 2),
        (5, "two", 2),
        (9, "three", 3),
    ]
    assert {(line.stage, line.stream, line.partial, line.at) for line in lines if isinstance(line, LogLine)} == {
        ("a", "stderr", False, AT)
    }


def test_a_piece_has_no_end_of_its_own() -> None:
    lines = found(log("abc", partial=True), log("def"), log("g"))
    assert [(line.offset, line.partial) for line in lines if isinstance(line, LogLine)] == [
        (0, True),
        (3, False),
        (7, False),
    ]


def test_what_is_missing_is_counted_and_other_events_are_nothing() -> None:
    elided = events.draft(events.Log(elided=100, elided_lines=7), at=AT)
    gap = events.draft(events.LogGap(reporter="r", from_=3, to=5), at=AT)
    assert found(note("x"), elided, gap) == [Cut(100, 7), Missing(3)]


def test_rest_is_what_has_no_end_yet() -> None:
    joiner = Joiner()
    lines = found(log("a", partial=True), log("b", partial=True, stream="x"), log("c", partial=True))
    assert [joiner.take(line) for line in lines if isinstance(line, LogLine)] == [None, None, None]
    assert [line.text for line in joiner.rest()] == ["ac", "b"]
    assert joiner.rest() == []


STREAMS = st.sampled_from(["stdout", "stderr"])


@given(
    st.lists(st.tuples(STREAMS, st.lists(st.text("ab€", max_size=4), min_size=1, max_size=4)), max_size=12),
    st.randoms(),
)
def test_lines_are_whole_again_when_streams_come_in_turns(
    said: list[tuple[str, list[str]]],
    random: Random,
) -> None:
    queues = {stream: [parts for name, parts in said if name == stream] for stream in ("stdout", "stderr")}
    drafts = []
    flat = {
        stream: [(text, last < len(parts) - 1) for parts in queue for last, text in enumerate(parts)]
        for stream, queue in queues.items()
    }
    while any(flat.values()):
        stream = random.choice([name for name, rest in flat.items() if rest])
        text, partial = flat[stream].pop(0)
        drafts.append(log(text, stream=stream, partial=partial))
    joiner = Joiner()
    lines = [joiner.take(line) for line in found(*drafts) if isinstance(line, LogLine)]
    for stream, queue in queues.items():
        assert [line.text for line in lines if line and line.stream == stream] == ["".join(parts) for parts in queue]
    assert joiner.rest() == []
