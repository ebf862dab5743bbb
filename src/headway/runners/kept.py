"""A stream's bytes as they were, the newest of them: for when the log cannot show them all."""

from __future__ import annotations

import io
import tempfile
from typing import BinaryIO

MEMORY_BYTES = 256 * 1024
"""Most programs say less than this, and need no file."""


class Kept:
    """Keeps the newest bytes of a stream: in memory, then in unnamed files, which are gone with the process.

    Args:
        limit_bytes: How many are kept at least; on disk there are at most twice as many.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._older: BinaryIO | None = None
        self._newer: BinaryIO = self._file()
        self._size = 0
        self.total = 0
        self.broken = False

    def add(self, data: bytes) -> None:
        """Take in bytes; never raises."""
        self.total += len(data)
        if self.broken:
            return
        try:
            if self._size + len(data) > self._limit:
                data = data[-self._limit :]
                self._turn()
            self._newer.write(data)
            self._size += len(data)
        except OSError:  # the disk is full
            self.broken = True

    def _turn(self) -> None:
        if self._older is not None:
            self._older.close()
        self._older, self._newer, self._size = self._newer, self._file(), 0

    def _file(self) -> BinaryIO:
        return tempfile.SpooledTemporaryFile(MEMORY_BYTES, prefix="headway-")  # type: ignore[return-value]

    def content(self) -> BinaryIO:
        """The newest bytes, to be read once."""
        if self._older is None:
            self._newer.seek(0)
            return self._newer
        pieces = [self._older, self._newer]
        for piece in pieces:
            piece.seek(0)
        whole = tempfile.TemporaryFile(prefix="headway-")  # noqa: SIM115 -- who reads it closes it
        self._older.seek(max(0, self._size_of_older() - (self._limit - self._size)))
        for piece in pieces:
            while block := piece.read(io.DEFAULT_BUFFER_SIZE * 16):
                whole.write(block)
        whole.seek(0)
        return whole

    def _size_of_older(self) -> int:
        assert self._older is not None
        size = self._older.seek(0, io.SEEK_END)
        self._older.seek(0)
        return size
