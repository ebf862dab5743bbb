"""From what a job reported to the drafts of a batch: log lines joined, limits kept, odd values made into JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from headway.errors import EventTooLarge, HeadwayError, InvalidEvent
from headway.protocol import codec, events, limits, times
from headway.protocol.events import NAME_OF, Data, Draft, JsonObject
from headway.protocol.incoming import check_depth, check_event
from headway.reporter.outbox import Item, LogLine, Report

LOG_EVENT_BYTES = 48 * 1024
"""Text in one log event: with its JSON around it, it stays below the limit of an event even if much is escaped."""


class Drafted(msgspec.Struct, frozen=True):
    """A draft with its encoded size; the data beside it are typed, for the fold."""

    draft: Draft
    size: int


class Refused(msgspec.Struct, frozen=True):
    """A report that no log would take, and why."""

    what: str
    error: HeadwayError


def make_drafts(items: Sequence[Item]) -> Iterator[Drafted | Refused]:
    """The drafts of the items, in order; markers give none."""
    lines: list[LogLine] = []
    for item in items:
        if isinstance(item, LogLine):
            if lines and item[1:4] != lines[0][1:4]:
                yield from _log_events(lines)
                lines = []
            lines.append(item)
        elif isinstance(item, Report):
            yield from _log_events(lines)
            lines = []
            yield _make(item)
    yield from _log_events(lines)


def _make(report: Report) -> Drafted | Refused:
    type_ = report.type or _name_of(report.data)
    try:
        return _checked(type_, report, report.data)
    except InvalidEvent:
        # Something that JSON cannot say, as a NumPy number or a path: say it as well as it can be said.
        try:
            return _checked(type_, report, _plain(report.data))
        except (HeadwayError, TypeError, ValueError, RecursionError) as error:
            return Refused(type_, InvalidEvent(f"a {type_!r} event cannot be written as JSON: {error}"))
    except EventTooLarge as error:
        shorter = _shortened(type_, report)
        return Refused(type_, error) if shorter is None else shorter
    except HeadwayError as error:
        return Refused(type_, error)


def _name_of(data: Data | JsonObject) -> str:
    return NAME_OF[type(data)] if isinstance(data, Data) else "x"


def _checked(type_: str, report: Report, data: Data | JsonObject) -> Drafted:
    check_event(type_, report.stage, data if isinstance(data, Data) else None)
    priority = events.priority_of(type_, data, report.priority)
    draft = Draft(at=times.to_text(report.at), type=type_, priority=priority, stage=report.stage, data=data)
    tail = codec.encode_tail(draft)
    if tail.count(b"{") + tail.count(b"[") > limits.JSON_DEPTH:
        check_depth(msgspec.json.decode(tail))
    return Drafted(draft, len(tail))


def _plain(data: Data | JsonObject) -> Data | JsonObject:
    built = msgspec.to_builtins(data, str_keys=True, enc_hook=_as_json)
    return msgspec.convert(built, type(data)) if isinstance(data, Data) else built


def _as_json(value: object) -> object:
    for method in ("tolist", "item", "isoformat"):  # arrays and numbers of NumPy and its kin, dates of other libraries
        convert = getattr(value, method, None)
        if callable(convert):
            return convert()
    return str(value)


def _shortened(type_: str, report: Report) -> Drafted | None:
    """A terminal event must not be refused: what is too large in it is left out, and it says so."""
    match report.data:
        case events.RunCompleted() as completed:
            for member in ("spans", "durations", "result"):
                completed = msgspec.structs.replace(completed, truncated=True, **{member: None})
                drafted = _fits(type_, report, completed)
                if drafted is not None:
                    return drafted
        case events.RunFailed(error=error) as failed:
            brief = msgspec.structs.replace(error, message=error.message[:2000])
            return _fits(type_, report, msgspec.structs.replace(failed, error=brief, durations=None, truncated=True))
    return None


def _fits(type_: str, report: Report, data: Data) -> Drafted | None:
    try:
        return _checked(type_, report, data)
    except EventTooLarge:
        return None


def _log_events(lines: list[LogLine]) -> Iterator[Drafted | Refused]:
    texts: list[str] = []
    size = 0
    for text, partial in _pieces(lines):
        length = _encoded_size(text)
        if texts and (partial or size + length > LOG_EVENT_BYTES):
            yield _log_event(lines[0], texts, partial=False)
            texts, size = [], 0
        texts.append(text)
        size += length
        if partial:
            yield _log_event(lines[0], texts, partial=True)
            texts, size = [], 0
    if texts:
        yield _log_event(lines[0], texts, partial=False)


def _encoded_size(text: str) -> int:
    return len(msgspec.json.encode(text)) + 1


def _log_event(first: LogLine, texts: list[str], *, partial: bool) -> Drafted | Refused:
    data = events.Log(stream=first.stream, level=first.level, lines=tuple(texts), partial=partial)
    return _make(Report(first.at, first.stage, data))


def _pieces(lines: list[LogLine]) -> Iterator[tuple[str, bool]]:
    """Each line, those over 16 KiB in pieces of which all but the last are partial."""
    for line in lines:
        for text in _clean(line.text).split("\n"):
            if len(text) * 6 <= limits.LOG_LINE_BYTES or _encoded_size(text) <= limits.LOG_LINE_BYTES:
                yield text, False
                continue
            # No character takes more than six bytes when it is encoded.
            step = limits.LOG_LINE_BYTES if text.isascii() and text.isprintable() else limits.LOG_LINE_BYTES // 6
            pieces = [text[start : start + step] for start in range(0, len(text), step)]
            for piece in pieces[:-1]:
                yield piece, True
            yield pieces[-1], False


def _clean(text: str) -> str:
    """Surrogates, which UTF-8 cannot say, become U+FFFD; one line end at the end is no empty line."""
    text = text.removesuffix("\n")
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
