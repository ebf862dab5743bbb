"""From what a job reported to the drafts of a batch: log lines joined, limits kept, odd values mended.

What comes out is what any reader of the log will decode: each event is encoded, decoded and checked here, so that one
that nobody could read never gets into a log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from headway.errors import InvalidEvent
from headway.protocol import codec, events, limits, times
from headway.protocol.events import NAME_OF, Data, Draft, JsonObject
from headway.protocol.incoming import check_depth, check_event
from headway.reporter.mending import mended, shorter
from headway.reporter.outbox import Dropped, Item, LogLine, Report

LOG_EVENT_BYTES = 48 * 1024
"""Text in one log event: with its JSON around it, it stays below the limit of an event even if much is escaped."""


MEASURED_LINES = 64
"""Lines whose size is taken at once: ordinary ones stay together below the limit of a single one."""


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
    for key, group in groupby(items, _kind_of_line):
        if key is not None:
            yield from _log_events([item for item in group if isinstance(item, LogLine)])
            continue
        for item in group:
            if isinstance(item, Report):
                yield _make(item)
            elif isinstance(item, Dropped):
                yield item


def _kind_of_line(item: Item) -> tuple[str | None, str, str | None] | None:
    """What lines of one event have in common; None for what is no line."""
    return (item.stage, item.stream, item.level) if isinstance(item, LogLine) else None


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
    # Only an event with enough brackets can be too deep; almost none has.
    if tail.count(b"{") + tail.count(b"[") > limits.JSON_DEPTH:
        check_depth(msgspec.json.decode(tail))
    return msgspec.structs.replace(given, data=_object(event.data) if read is None else read), len(tail)


def _object(body: msgspec.Raw) -> JsonObject:
    value = msgspec.json.decode(body)
    if not isinstance(value, dict):
        raise InvalidEvent(f"an event's data are an object with named members, not {bytes(body)[:80]!r}")
    return value


def _log_events(lines: list[LogLine]) -> Iterator[Drafted | Refused]:
    texts: list[str] = []
    size = 0
    reports = len(lines)  # counted with the first event that they make
    for pieces, length, partial in _measured([line.text for line in lines]):
        if texts and (partial or size + length > LOG_EVENT_BYTES):
            yield _log_event(lines[0], texts, reports, partial=False)
            texts, size, reports = [], 0, 0
        texts += pieces
        size += length
        if partial:
            yield _log_event(lines[0], texts, reports, partial=True)
            texts, size, reports = [], 0, 0
    if texts:
        yield _log_event(lines[0], texts, reports, partial=False)


def _encoded_size(text: str) -> int:
    return len(msgspec.json.encode(text)) + 1


def _log_event(first: LogLine, texts: list[str], reports: int, *, partial: bool) -> Drafted | Refused:
    data = events.Log(stream=first.stream, level=first.level, lines=tuple(texts), partial=partial)
    return _make(Report(first.at, first.stage, data), reports)


def _measured(texts: list[str]) -> Iterator[tuple[list[str], int, bool]]:
    """Lines with their encoded size and whether they are a part of a line; ordinary ones are measured together."""
    for start in range(0, len(texts), MEASURED_LINES):
        block = texts[start : start + MEASURED_LINES]
        joined = "\n".join(block)
        # Between two lines stand three bytes of JSON, and two where they are joined.
        size = _encoded_size(joined) + len(block)
        if size <= limits.LOG_LINE_BYTES and joined.count("\n") == len(block) - 1:
            yield block, size, False
        else:
            for text, partial in _pieces(block):
                yield [text], _encoded_size(text), partial


def _pieces(texts: list[str]) -> Iterator[tuple[str, bool]]:
    """Each line, those over 16 KiB in pieces of which all but the last are partial."""
    for lines in texts:
        # One line end at the end is no empty line.
        for text in lines.removesuffix("\n").split("\n"):
            if _encoded_size(text) <= limits.LOG_LINE_BYTES:
                yield text, False
                continue
            step = _step(text)
            cut = (len(text) - 1) // step * step
            for start in range(0, cut, step):
                yield text[start : start + step], True
            yield text[cut:], False


def _step(text: str) -> int:
    """How many characters of a long line go into one piece, so that none is over 16 KiB of UTF-8."""
    return limits.LOG_LINE_BYTES if text.isascii() and text.isprintable() else limits.LOG_LINE_BYTES // 6
