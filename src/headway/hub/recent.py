"""The newest events of a log in memory: without a hole, bounded, and with the nonces that cursors need."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from headway.ports import Record
from headway.protocol.cursor import Cursor

_SPARE = 1_024
"""Places at the front of the list that may be empty before it is made anew."""


class Recent:
    """The events past ``kept_after`` up to the head, and the nonces of these and of some before them. For one thread.

    Args:
        cursor: The log's head, from which on events are kept.

    Attributes:
        head: Behind the newest event.
        size: Bytes of the events that are kept.
        filled: Set by who looked for older ones, so that nobody looks again.
    """

    __slots__ = ("_begin", "_known_after", "_last_seqs", "_nonces", "_records", "filled", "head", "size")

    def __init__(self, cursor: Cursor) -> None:
        self.head = cursor
        self.size = 0
        self.filled = False
        self._records: list[Record] = []
        self._begin = 0
        # Each nonce is that of the events up to its last seq, past the one before it.
        self._known_after = cursor.seq - 1
        self._last_seqs = [cursor.seq]
        self._nonces = [cursor.nonce]

    @property
    def kept_after(self) -> int:
        """All events past this one are kept."""
        return self.head.seq - self.count

    @property
    def count(self) -> int:
        """How many are kept."""
        return len(self._records) - self._begin

    def append(self, record: Record) -> None:
        """The next event of the log."""
        assert record.seq == self.head.seq + 1
        self._records.append(record)
        self.size += len(record.body)
        self.head = Cursor(self.head.epoch, record.seq, record.nonce)
        self._mark(record.seq, record.nonce)

    def _mark(self, seq: int, nonce: int) -> None:
        if self._nonces and self._nonces[-1] == nonce:
            self._last_seqs[-1] = seq
        else:
            self._last_seqs.append(seq)
            self._nonces.append(nonce)

    def fill(self, records: Sequence[Record]) -> None:
        """Put older events before those that are kept, if they join them without a hole."""
        kept_after = self.kept_after
        older = [record for record in records if record.seq <= kept_after]
        if not older or Cursor(self.head.epoch, older[-1].seq, older[-1].nonce) != self.cursor_at(kept_after):
            return
        self._records[: self._begin] = older
        self._begin = 0
        self.size += sum(len(record.body) for record in older)
        self._mark_older(older, kept_after)

    def _mark_older(self, older: Sequence[Record], kept_after: int) -> None:
        """Put the nonces of these in their place; those before them may be known, too."""
        before = older[0].seq - 1
        marks = list(zip(self._last_seqs, self._nonces, strict=True))
        earlier = [mark for mark in marks if mark[0] < before]
        known_before = self.cursor_at(before)
        if known_before is not None:
            earlier.append((before, known_before.nonce))
        later = [mark for mark in marks if mark[0] > kept_after]
        self._known_after = min(self._known_after, before)
        self._last_seqs, self._nonces = [], []
        for seq, nonce in [*earlier, *((record.seq, record.nonce) for record in older), *later]:
            self._mark(seq, nonce)

    def since(self, seq: int, upto: int) -> list[Record]:
        """The events past one that is not before ``kept_after``, up to another."""
        first = self._begin + seq - self.kept_after
        return self._records[first : first + max(0, upto - seq)]

    def cursor_at(self, seq: int) -> Cursor | None:
        """The cursor behind an event; None if its nonce is not known."""
        if seq == 0:
            return Cursor(self.head.epoch, 0, 0)
        if not self._known_after < seq <= self.head.seq:
            return None
        return Cursor(self.head.epoch, seq, self._nonces[bisect_left(self._last_seqs, seq)])

    def trim(self, events: int, size: int, unsettled: int) -> None:
        """Let go of the oldest events beyond these bounds, and of nonces that nobody needs any more.

        Args:
            events: How many to keep.
            size: How many bytes of them.
            unsettled: The nonces of events past this one are kept in any case.
        """
        while self._begin < len(self._records) and (self.count > events or self.size > size):
            self.size -= len(self._records[self._begin].body)
            self._begin += 1
        if self._begin > _SPARE and self._begin * 2 > len(self._records):
            self._drop_empty(unsettled)

    def _drop_empty(self, unsettled: int) -> None:
        del self._records[: self._begin]
        self._begin = 0
        place = bisect_left(self._last_seqs, min(self.kept_after, unsettled))
        if place:
            self._known_after = self._last_seqs[place - 1]
            del self._last_seqs[:place], self._nonces[:place]
