"""A run's events as they were recorded, from a source or from an exported file, page by page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import msgspec

from headway.cli.source import Source
from headway.errors import HeadwayError, InvalidInput
from headway.hub.exporting import FORMAT, ExportHeader
from headway.progress.view import unix_s
from headway.protocol import codec, limits, names
from headway.protocol.cursor import Cursor
from headway.protocol.events import Event

PAGE_EVENTS = 500
LINE_BYTES = limits.EVENT_BYTES + 1024
CHUNK_BYTES = 1024 * 1024
TAIL_BYTES = 4 * LINE_BYTES
"""The last line of a file is surely in its last so many bytes, unless it is damaged."""

Place = Cursor | int | None
"""Where a page begins: a cursor in a log, an offset in a file, or None for the beginning."""


class Span(NamedTuple):
    """When the first event was and when the last, in seconds since 1970."""

    began: float
    ended: float


class Recording(Protocol):
    """Events that can be read from any place that was reached once.

    Attributes:
        run_id: The run's id.
    """

    run_id: str

    def span(self) -> Span:
        """From when to when it goes. Raises InvalidInput when there is nothing."""

    def read(self, place: Place) -> tuple[Sequence[Event], Place]:
        """The next events, none at the end, and the place behind them.

        Raises:
            HeadwayError: They cannot be read, or are damaged.
        """


class SourceRecording:
    """See ``Recording``: a run of a source.

    Args:
        source: Where it is.
        run_id: The run.
    """

    def __init__(self, source: Source, run_id: str) -> None:
        self.run_id = run_id
        self._source = source

    def span(self) -> Span:
        """See ``Recording``."""
        state = self._source.show(self.run_id).state
        began = unix_s(state.created_at) or 0.0
        return Span(began, max(began, unix_s(state.last_event_at) or began))

    def read(self, place: Place) -> tuple[Sequence[Event], Place]:
        """See ``Recording``."""
        assert not isinstance(place, int)
        page = self._source.events(self.run_id, place, limit=PAGE_EVENTS)
        return [codec.decode_event(record.body) for record in page.records], page.cursor


class FileRecording:
    """See ``Recording``: a file that ``headway export`` wrote.

    Args:
        file: The file, which can seek.

    Raises:
        InvalidInput: It is none.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        line = file.readline(LINE_BYTES)
        try:
            header = msgspec.json.decode(line, type=ExportHeader)
            self.run_id: str = names.run_id(header.run_id)
        except (msgspec.DecodeError, UnicodeDecodeError, InvalidInput) as error:
            raise InvalidInput(f"line 1: this is not the header of an exported run: {error}") from error
        if header.version != FORMAT:
            raise InvalidInput(f"line 1: this Headway knows version {FORMAT} of exported runs, not {header.version}")
        self._begin = file.tell()

    def span(self) -> Span:
        """See ``Recording``."""
        first, _ = self.read(None)
        if not first:
            raise InvalidInput("line 2: the events are missing: a run has at least one, 'run.created'")
        began = unix_s(first[0].at) or 0.0
        place = self._file.seek(max(self._begin, self._file.seek(0, io.SEEK_END) - TAIL_BYTES))
        tail = self._file.read().rstrip(b"\n")
        last = tail.rfind(b"\n") + 1
        return Span(began, max(began, unix_s(self._event(tail[last:], place + last).at) or began))

    def read(self, place: Place) -> tuple[Sequence[Event], Place]:
        """See ``Recording``."""
        assert not isinstance(place, Cursor)
        at = self._file.seek(self._begin if place is None else place)
        events: list[Event] = []
        while len(events) < PAGE_EVENTS and (line := self._file.readline(LINE_BYTES)):
            events.append(self._event(line, at))
            at += len(line)
        return events, at

    def _event(self, line: bytes, at: int) -> Event:
        try:
            event = codec.decode_event(line)
            codec.data_of(event)
        except HeadwayError as error:
            raise InvalidInput(f"line {self._number(at)}: this is no event: {error}") from error
        return event

    def _number(self, at: int) -> int:
        """The number of the line that begins at an offset."""
        self._file.seek(0)
        lines = 1
        while chunk := self._file.read(min(at, CHUNK_BYTES)):
            lines += chunk.count(b"\n")
            at -= len(chunk)
        return lines


def open_file(name: str) -> BinaryIO | None:
    """The file of this name, if there is one that could be an exported run and is no run's id."""
    path = Path(name)
    return path.open("rb") if path.is_file() else None
