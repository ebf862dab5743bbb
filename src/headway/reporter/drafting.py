"""From what a job reported to the drafts of a batch: log lines joined, limits kept, odd values mended.

What comes out is what any reader of the log will decode: each event is encoded, decoded and checked here, so that one
that nobody could read never gets into a log. Ordinary progress and lines of the log are spared that, since they are
numbers and texts and nothing else. Of lines there may be a hundred thousand a second, so what is done to them is done
to many at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec

from headway.errors import InvalidEvent
from headway.protocol import codec, events, limits, times
from headway.protocol.events import NAME_OF, Data, Draft, JsonObject, StageProgress
from headway.protocol.incoming import check_depth, check_event
from headway.protocol.shortening import shorter
from headway.reporter import plain
from headway.reporter.mending import check_range, mended
from headway.reporter.outbox import Dropped, Item, LogLines, Report

LOG_EVENT_BYTES = 48 * 1024
"""Text in one log event: with its JSON around it, it stays below the limit of an event even if much is escaped."""

AROUND_BYTES = 1_024
"""More than the JSON around it has."""

PROGRESS_CHARS = 2_000
"""More text than that comes with no ordinary progress."""

NUMBER_MAX = 2**53
"""Up to here every language counts alike."""

NAMES_CHARS = 100
"""Longer names of streams and levels are looked at in the way of other reports."""

SHORT_CHARS = limits.LOG_LINE_BYTES // 6
"""Characters of a line that is below the limit of one line even if each of them is escaped."""

MEASURED_LINES = 64
"""Lines whose size is taken at once when there are too many, or too long ones, for one event."""


class Drafted(msgspec.Struct, frozen=True):
    """A draft with its encoded size, how many reports it is made of, and what was wrong with them, if anything was."""

    draft: Draft
    size: int
    reports: int = 1
    flaw: str | None = None


class Refused(msgspec.Struct, frozen=True):
    """A report that no log would take, and why."""

    what: str
    error: str


def make_drafts(items: Sequence[Item]) -> Iterator[Drafted | Refused | Dropped]:
    """The drafts of the items, in order; markers give none, and what was dropped stands where it was."""
    for key, group in groupby(items, _kind_of_lines):
        if key is not None:
            yield from _log_events([item for item in group if isinstance(item, LogLines)])
            continue
        for item in group:
            if isinstance(item, Report):
                yield _progress(item, item.data) if isinstance(item.data, StageProgress) else _make(item)
            elif isinstance(item, Dropped):
                yield item


def _kind_of_lines(item: Item) -> tuple[str | None, str, str | None] | None:
    """What lines of one event have in common; None for what is no lines."""
    return (item.stage, item.stream, item.level) if isinstance(item, LogLines) else None


def _progress(report: Report, data: StageProgress) -> Drafted | Refused:
    """A draft of progress, several times a second: numbers and short texts need not be tried out."""
    numbers = (data.progress, data.current, data.total)
    texts = len(data.message or "") + len(data.unit or "")
    odd = (data.total or 0) < 0 or any(abs(number or 0) > NUMBER_MAX for number in numbers)
    if odd or data.data is not None or texts > PROGRESS_CHARS:
        return _make(report)
    return Drafted(events.draft(data, at=times.to_text(report.at), stage=report.stage), AROUND_BYTES + 6 * texts)


def _make(report: Report, reports: int = 1) -> Drafted | Refused:
    type_ = NAME_OF[type(report.data)] if isinstance(report.data, Data) else str(report.type)
    flaw: str | None = None
    for data in _attempts(report.data):
        try:
            draft, size = _checked(type_, report, data)
        except Exception as error:
            flaw = flaw or f"{type_}: {error}"
        else:
            return Drafted(draft, size, reports, flaw)
    return Refused(type_, flaw or "")


def _attempts(data: Data | JsonObject) -> Iterator[Data | JsonObject]:
    """The data as they are, then as they might be taken."""
    yield data
    if isinstance(data, Data):
        data = mended(data)
        yield data
        yield from shorter(data)


def _checked(type_: str, report: Report, data: Data | JsonObject) -> tuple[Draft, int]:
    priority = events.priority_of(type_, data, report.priority)
    given = Draft(at=times.to_text(report.at), type=type_, priority=priority, stage=report.stage, data=data)
    tail = codec.encode_tail(given)
    event = codec.decode_event(codec.numbered(tail, 1))
    read = codec.data_of(event) if isinstance(data, Data) else None  # only custom types come as JSON
    check_event(type_, report.stage, read)
    if read is not None:
        check_range(read)
    # Only an event with enough brackets can be too deep; almost none has.
    if tail.count(b"{") + tail.count(b"[") > limits.JSON_DEPTH:
        check_depth(msgspec.json.decode(tail))
    return msgspec.structs.replace(given, data=_object(event.data) if read is None else read), len(tail)


def _object(body: msgspec.Raw) -> JsonObject:
    value = msgspec.json.decode(body)
    if not isinstance(value, dict):
        raise InvalidEvent(f"an event's data are an object with named members, not {bytes(body)[:80]!r}")
    return value


class _Piece(NamedTuple):
    """Lines that stay together in an event, or a piece of one line, with the size of their JSON."""

    lines: list[str]
    size: int
    reports: int
    partial: bool = False

    def followed_by(self, piece: _Piece) -> _Piece:
        """Both in one."""
        return _Piece(self.lines + piece.lines, self.size + piece.size, self.reports + piece.reports)


_NOTHING = _Piece([], 0, 0)


def _log_events(gathered: list[LogLines]) -> Iterator[Drafted | Refused]:
    """Events of as many lines as they have room for, with the time of their first line."""
    event, at = _NOTHING, 0.0
    for lines in gathered:
        for piece in _measured(lines.texts):
            if event.lines and (piece.partial or event.size + piece.size > LOG_EVENT_BYTES):
                yield _log_event(gathered[0], at, event)
                event = _NOTHING
            if piece.partial:
                yield _log_event(gathered[0], lines.at, piece)
                continue
            at = at if event.lines else lines.at
            event = piece if event is _NOTHING else event.followed_by(piece)
    if event.lines:
        yield _log_event(gathered[0], at, event)


def _log_event(kind: LogLines, at: float, piece: _Piece) -> Drafted | Refused:
    """A draft of what was measured already: texts are what any reader can decode, so it need not be tried out."""
    data = events.Log(stream=kind.stream, level=kind.level, lines=tuple(piece.lines), partial=piece.partial)
    if len(kind.stream) + len(kind.level or "") > NAMES_CHARS:
        return _make(Report(at, kind.stage, data), piece.reports)
    draft = events.draft(data, at=times.to_text(at), stage=kind.stage)
    return Drafted(draft, piece.size + AROUND_BYTES, piece.reports)


def _encoded_size(text: str) -> int:
    return len(msgspec.json.encode(text)) + 1


def _measured(texts: list[str]) -> Iterator[_Piece]:
    """Lines with their encoded size; ordinary ones are measured together, those over 16 KiB come in pieces."""
    lines, joined = _lines_in(texts)
    reports = len(texts)  # counted with the first piece
    size = _joined_size(joined, len(lines))
    if size <= LOG_EVENT_BYTES and max(map(len, lines)) <= SHORT_CHARS:
        yield _Piece(lines, size, reports)
        return
    for start in range(0, len(lines), MEASURED_LINES):
        block = lines[start : start + MEASURED_LINES]
        size = _joined_size("\n".join(block), len(block))
        if size <= limits.LOG_LINE_BYTES:
            yield _Piece(block, size, reports)
        else:
            yield from _one_by_one(block, reports)
        reports = 0


def _lines_in(texts: list[str]) -> tuple[list[str], str]:
    """The lines of the texts, as UTF-8 can say them, and all in one; a line end at a text's end is no empty line."""
    joined = "\n".join(texts)
    if joined.isascii() and joined.count("\n") == len(texts) - 1:
        return texts, joined
    joined = plain.text("\n".join([text.removesuffix("\n") for text in texts]))
    return joined.split("\n"), joined


def _joined_size(joined: str, lines: int) -> int:
    # Between two lines stand three bytes of JSON, and two where they are joined.
    return _encoded_size(joined) + lines


def _one_by_one(lines: list[str], reports: int) -> Iterator[_Piece]:
    for line in lines:
        yield from _pieces(line, reports)
        reports = 0


def _pieces(line: str, reports: int) -> Iterator[_Piece]:
    """The line; one over 16 KiB in pieces of which all but the last are partial."""
    size = _encoded_size(line)
    if size <= limits.LOG_LINE_BYTES:
        yield _Piece([line], size, reports)
        return
    step = _step(line)
    cut = (len(line) - 1) // step * step
    for start in range(0, cut, step):
        piece = line[start : start + step]
        yield _Piece([piece], _encoded_size(piece), 0 if start else reports, partial=True)
    yield _Piece([line[cut:]], _encoded_size(line[cut:]), 0 if cut else reports)


def _step(text: str) -> int:
    """How many characters of a long line go into one piece, so that none is over 16 KiB of UTF-8."""
    return limits.LOG_LINE_BYTES if text.isascii() and text.isprintable() else limits.LOG_LINE_BYTES // 6
