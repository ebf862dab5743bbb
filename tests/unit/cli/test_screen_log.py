"""The newest log lines: joined, bounded, coloured."""

from __future__ import annotations

import msgspec

from headway.cli.screen.log import LINE_CHARS, LINES_KEPT, LogLines, line_row
from headway.cli.screen.pages import chopped
from headway.cli.screen.rows import Span, plain_text, row
from headway.progress.state import State, View
from headway.protocol import events
from headway.protocol.frames import SnapshotFrame
from tests.unit.cli.pictures import RUN_ID, VIDEO, watched


def texts(lines: LogLines) -> list[str]:
    return [line.text for line in lines.newest(LINES_KEPT)]


def test_pieces_of_a_long_line_are_joined_also_when_streams_take_turns() -> None:
    lines = LogLines()
    lines.take(events.Log(stream="stdout", lines=("one ",), partial=True), None)
    lines.take(events.Log(stream="stderr", lines=("two ",), partial=True), None)
    lines.take(events.Log(stream="stdout", lines=("1",)), None)
    lines.take(events.Log(stream="stderr", lines=("2", "three")), None)
    lines.take(events.Log(stream="stdout", lines=("four",)), "stage")
    assert texts(lines) == ["one 1", "two 2", "three", "four"]
    assert lines.total == 4


def test_lines_and_their_number_are_bounded() -> None:
    lines = LogLines()
    for _ in range(5):
        lines.take(events.Log(lines=("x" * LINE_CHARS,), partial=True), None)
    lines.take(events.Log(lines=tuple(str(n) for n in range(LINES_KEPT + 5))), None)
    assert len(lines) == LINES_KEPT
    assert lines.total == LINES_KEPT + 5
    assert [line.text for line in lines.newest(2, skipped=1)] == [str(LINES_KEPT + 2), str(LINES_KEPT + 3)]
    assert max(len(text) for text in texts(lines)) <= LINE_CHARS


def test_another_snapshot_begins_another_log() -> None:
    watching = watched(VIDEO, 41)
    assert len(watching.log) == 7
    encode = msgspec.json.encode
    state, view = encode(State(run_id=RUN_ID)), encode(View(now="2026-11-20T19:41:03.120Z"))
    watching.take(SnapshotFrame(run_id=RUN_ID, cursor="0", state=msgspec.Raw(state), view=msgspec.Raw(view)))
    assert len(watching.log) == 0


def test_colours_of_a_line() -> None:
    lines = LogLines()
    lines.take(events.Log(lines=("\x1b[1m\x1b[31mred\x1b[0m plain\x1b[5m\ttab", "\x1b[38;5;208morange")), None)
    first, second = lines.newest(2)
    assert line_row(first, colours=True) == (Span("red", "1;31"), Span(" plain       tab"))
    assert line_row(second, colours=True) == (Span("orange", "38;5;208"),)
    assert plain_text(line_row(first, colours=False)).startswith("red plain")
    assert "\x1b" not in plain_text(line_row(first, colours=False))


def test_rows_that_are_too_long_go_on_in_the_next_one() -> None:
    whole = row(Span("abcdef", "31"), Span("漢字ghi", "32"))
    assert chopped(whole, 4) == [
        (Span("abcd", "31"),),
        (Span("ef", "31"), Span("漢", "32")),
        (Span("字gh", "32"),),
        (Span("i", "32"),),
    ]
    assert [plain_text(one) for one in chopped(row("漢字"), 1)] == ["?", "?", ""]
