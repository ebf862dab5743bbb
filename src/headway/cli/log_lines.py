"""Log events as lines: pieces of long lines joined, what was cut counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from headway.ports import Record
from headway.protocol import codec, events


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line, or with ``partial`` a piece of one that goes on; ``offset`` in bytes, within its stage and stream."""

    seq: int
    at: str
    stage: str | None
    stream: str
    level: str | None
    offset: int | None
    text: str
    partial: bool


class Cut(msgspec.Struct, frozen=True):
    """Text that is no longer kept."""

    size_bytes: int
    lines: int


class Missing(msgspec.Struct, frozen=True):
    """Reports that were lost before they were stored; nobody knows how many of them were lines."""

    reports: int


Piece = LogLine | Cut | Missing


def pieces(records: Iterable[Record]) -> Iterator[Piece]:
    """The lines of ``log`` events in order, pieces of long ones apart, and what is missing between them."""
    for record in records:
        event = codec.decode_event(record.body)
        match codec.data_of(event):
            case events.Log(elided=int(elided)) as log:
                yield Cut(elided, log.elided_lines or 0)
            case events.Log() as log:
                yield from _lines(event, log)
            case events.LogGap(from_=first, to=last):
                yield Missing(last - first + 1)


def _lines(event: events.Event, log: events.Log) -> Iterator[LogLine]:
    offset = log.offset
    for text in log.lines:
        yield LogLine(
            seq=event.seq,
            at=event.at,
            stage=event.stage,
            stream=log.stream,
            level=log.level,
            offset=offset,
            text=text,
            partial=log.partial,
        )
        if offset is not None:
            offset += len(text.encode("utf-8", "surrogatepass")) + (not log.partial)


class Joiner:
    """Joins the pieces of long lines; streams and stages may come in turns."""

    def __init__(self) -> None:
        self._begun: dict[tuple[str | None, str], list[LogLine]] = {}

    def take(self, line: LogLine) -> LogLine | None:
        """The whole line, if this ends one."""
        key = (line.stage, line.stream)
        if line.partial:
            self._begun.setdefault(key, []).append(line)
            return None
        return _joined([*self._begun.pop(key, ()), line])

    def rest(self) -> list[LogLine]:
        """The lines whose ends have not come, in the order in which they began."""
        begun, self._begun = self._begun, {}
        return [_joined(parts) for parts in begun.values()]


def _joined(parts: list[LogLine]) -> LogLine:
    if len(parts) == 1:
        return parts[0]
    return msgspec.structs.replace(parts[0], text="".join(part.text for part in parts), partial=parts[-1].partial)
