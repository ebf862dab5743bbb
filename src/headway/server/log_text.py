"""The text of a run's log as one stretch of bytes, and where in the log a byte of it is.

What is *selected* (all of it, or a stage's, or a stream's) is one text: line after line in the log's order, each with
its end. An offset counts the bytes of that text from its beginning, those that were cut among them, so that it means
the same bytes for ever. For one stage and one stream together it is the offset that the events carry.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from headway.errors import NotFound
from headway.ports import EventStore, LogQuery, Record
from headway.protocol import codec
from headway.protocol.cursor import Cursor
from headway.protocol.events import Event, Log

MARK_BYTES = 256 * 1024
"""Between two places that are remembered: what is read in vain at most, some milliseconds."""

TEXTS_KEPT = 256
"""Texts whose places are remembered."""

PAGE = 500


class Selection(NamedTuple):
    """Which text of which run; None for every stage (``""`` is the run itself) or stream."""

    run_id: str
    stage: str | None
    stream: str | None


class Piece(NamedTuple):
    """One ``log`` event of a text, at ``offset``; one that was cut has no lines."""

    offset: int
    size: int
    record: Record
    event: Event
    log: Log

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.offset + self.size

    @property
    def cut(self) -> bool:
        """Whether its text is gone."""
        return self.log.elided is not None

    def encoded(self) -> bytes:
        """Its text."""
        ending = "" if self.log.partial else "\n"
        return "".join(line + ending for line in self.log.lines).encode()


class _Mark(NamedTuple):
    offset: int
    seq: int
    nonce: int


_BEGIN = _Mark(0, 0, 0)
_FAR = 1 << 62  # behind any text


class Texts:
    """Reads texts, and remembers where their parts are. Safe in any thread."""

    def __init__(self) -> None:
        self._marks: OrderedDict[tuple[Selection, str], list[_Mark]] = OrderedDict()
        self._lock = threading.Lock()

    def pieces(self, store: EventStore, selection: Selection, begin: int, end: int | None = None) -> Iterator[Piece]:
        """The pieces of a text that have bytes from ``begin`` up to, and without, ``end``. Raises NotFound."""
        epoch = store.header(selection.run_id).epoch
        mark = self._mark_before(store, selection, epoch, begin)
        for piece in _read(store, selection, mark):
            if end is not None and piece.offset >= end:
                return
            self._note(selection, epoch, piece)
            if piece.end > begin:
                yield piece

    def size(self, store: EventStore, selection: Selection) -> int:
        """How many bytes the text has, those that were cut among them. Raises NotFound."""
        if selection.stage is None and selection.stream is None:
            return store.read_log(selection.run_id, LogQuery(limit=1)).total_bytes
        epoch = store.header(selection.run_id).epoch
        mark = self._mark_before(store, selection, epoch, _FAR)
        end = mark.offset
        for piece in _read(store, selection, mark):
            self._note(selection, epoch, piece)
            end = piece.end
        return end

    def _mark_before(self, store: EventStore, selection: Selection, epoch: str, offset: int) -> _Mark:
        with self._lock:
            marks = self._marks.get((selection, epoch), [])
            place = bisect_right(marks, offset, key=lambda mark: mark.offset)
            mark = marks[place - 1] if place else _BEGIN
        if mark is not _BEGIN and not _holds(store, selection.run_id, epoch, mark):
            self._forget(selection, epoch)
            return _BEGIN
        return mark

    def _forget(self, selection: Selection, epoch: str) -> None:
        with self._lock:
            self._marks.pop((selection, epoch), None)

    def _note(self, selection: Selection, epoch: str, piece: Piece) -> None:
        """Remember where the text goes on behind a piece, now and then."""
        with self._lock:
            marks = self._marks.setdefault((selection, epoch), [])
            self._marks.move_to_end((selection, epoch))
            if piece.end >= (marks[-1].offset if marks else 0) + MARK_BYTES:
                marks.append(_Mark(piece.end, piece.record.seq, piece.record.nonce))
            if len(self._marks) > TEXTS_KEPT:
                self._marks.popitem(last=False)


def _holds(store: EventStore, run_id: str, epoch: str, mark: _Mark) -> bool:
    """Whether the log is still the one that the mark is of: it may have been restored, and have grown otherwise."""
    try:
        return store.cursor_at(run_id, mark.seq) == Cursor(epoch, mark.seq, mark.nonce)
    except NotFound:
        return False


def _read(store: EventStore, selection: Selection, mark: _Mark) -> Iterator[Piece]:
    offset, seq = mark.offset, mark.seq
    while True:
        query = LogQuery(stage=selection.stage, stream=selection.stream, after_seq=seq, limit=PAGE)
        records = store.read_log(selection.run_id, query).records
        for record in records:
            piece = piece_of(record, offset)
            yield piece
            offset, seq = piece.end, record.seq
        if len(records) < PAGE:
            return


def piece_of(record: Record, offset: int) -> Piece:
    """A ``log`` event as a piece of a text."""
    event = codec.decode_event(record.body)
    log = codec.data_of(event)
    assert isinstance(log, Log)
    ends = 0 if log.partial else len(log.lines)
    size = log.elided if log.elided is not None else sum(len(line.encode()) for line in log.lines) + ends
    return Piece(offset, size, record, event, log)
