"""What a program has written and the log has not taken yet: in memory, then on disk, and bounded.

A program must never wait for a store. So whoever reads its output puts it in here and reads on; another thread takes
it out as fast as the log takes it. What is more than memory should hold goes through unnamed files on disk, which are
gone with the process; what is more than the log would keep is left out, the oldest first, and counted.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import deque
from typing import NamedTuple

MEMORY_BYTES = 4 * 1024 * 1024
"""Held in memory: some moments' output of a program that says a lot."""

FILE_BYTES = 8 * 1024 * 1024
"""One file on disk; they are used up and removed one by one."""

_HEAD_BYTES = 5


class Piece(NamedTuple):
    """Some output: the number of its stream and its bytes; or so many bytes that were left out."""

    stream: int
    data: bytes
    left_out: int = 0


class _File:
    """Pieces on disk, written at the end and read from the beginning.

    Attributes:
        written: Bytes on disk.
        left: Bytes of output that were not taken.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="headway-")  # noqa: SIM115 -- it lives as long as this
        self._read = 0
        self.written = 0
        self.left = 0

    def add(self, piece: Piece) -> None:
        """Write a piece. Raises OSError if the disk does not take it; nothing of it counts then."""
        block = bytes([piece.stream]) + len(piece.data).to_bytes(4, "big") + piece.data
        self._file.seek(self.written)
        self._file.write(block)
        self._file.flush()
        self.written += len(block)
        self.left += len(piece.data)

    def take(self) -> Piece | None:
        """The oldest piece."""
        if self._read == self.written:
            return None
        descriptor = self._file.fileno()
        head = os.pread(descriptor, _HEAD_BYTES, self._read)
        size = int.from_bytes(head[1:], "big")
        data = os.pread(descriptor, size, self._read + _HEAD_BYTES)
        self._read += _HEAD_BYTES + size
        self.left -= size
        return Piece(head[0], data)

    def close(self) -> None:
        """Remove it."""
        self._file.close()


class Backlog:
    """Pieces of output, in order. One thread puts, one takes.

    Args:
        limit_bytes: More than this does not wait: the oldest is left out.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = max(limit_bytes, FILE_BYTES)
        self._memory: deque[Piece] = deque()
        self._files: deque[_File] = deque()
        self._in_memory = 0
        self._left_out = 0
        self._ended = False
        self._news = threading.Condition()

    def put(self, stream: int, data: bytes) -> None:
        """Add output; never waits for who takes."""
        with self._news:
            self._add(Piece(stream, data))
            self._news.notify()

    def leave_out(self, count: int) -> None:
        """So many bytes will not come, and are told of with what is left out otherwise."""
        with self._news:
            self._left_out += count
            self._news.notify()

    def end(self) -> None:
        """There is no more."""
        with self._news:
            self._ended = True
            self._news.notify()

    def take(self, timeout_s: float | None) -> Piece | None:
        """The oldest piece; None if there is none within that time, or none any more."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        with self._news:
            while not (self._memory or self._files or self._left_out or self._ended):
                if not self._news.wait(None if until is None else until - time.monotonic()):
                    return None
            return self._oldest()

    @property
    def ended(self) -> bool:
        """Whether everything was taken, and nothing more will come."""
        return self._ended and not (self._memory or self._files or self._left_out)

    @property
    def crowded(self) -> bool:
        """Whether more waits than is soon taken."""
        return bool(self._files) or self._in_memory > MEMORY_BYTES // 4

    def _oldest(self) -> Piece | None:
        if self._memory:
            piece = self._memory.popleft()
            self._in_memory -= len(piece.data)
            return piece
        if self._left_out:
            count, self._left_out = self._left_out, 0
            return Piece(0, b"", count)
        return self._from_file()

    def _from_file(self) -> Piece | None:
        while self._files:
            piece = self._files[0].take()
            if piece is not None:
                return piece
            self._files.popleft().close()
        return None

    def _add(self, piece: Piece) -> None:
        # What is on disk came first: nothing may overtake it.
        if not self._files and not self._left_out and self._in_memory + len(piece.data) <= MEMORY_BYTES:
            self._memory.append(piece)
            self._in_memory += len(piece.data)
            return
        try:
            if not self._files or self._files[-1].written >= FILE_BYTES:
                self._files.append(_File())
            self._files[-1].add(piece)
        except OSError:  # the disk is full
            self._left_out += len(piece.data)
        while len(self._files) > 1 and sum(file.left for file in self._files) > self._limit:
            self._left_out += self._files[0].left
            self._files.popleft().close()
