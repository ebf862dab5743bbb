"""A stream's bytes as they were, the newest of them: for when the log cannot show them all."""

from __future__ import annotations

import io
import shutil
import tempfile
from typing import BinaryIO

MEMORY_BYTES = 256 * 1024
"""Most programs say less than this, and need no file."""


class Kept:
    """Keeps the newest bytes of a stream: in memory, then in unnamed files, which are gone with the process.

    Args:
        limit_bytes: How many are kept; on disk there are at most twice as many.

    Attributes:
        total: How many there were.
        broken: The disk is full; what came since then is missing.
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
        """The newest bytes, to be read before ``close``."""
        if self._older is None:
            self._newer.seek(0)
            return self._newer
        whole = tempfile.TemporaryFile(prefix="headway-")  # noqa: SIM115 -- ``close`` closes it
        before = self._older.seek(0, io.SEEK_END)
        self._older.seek(max(0, before - (self._limit - self._size)))
        self._newer.seek(0)
        for piece in (self._older, self._newer):
            shutil.copyfileobj(piece, whole)
            piece.close()
        whole.seek(0)
        self._older, self._newer = None, whole
        return whole

    def close(self) -> None:
        """Forget them."""
        self._newer.close()
        if self._older is not None:
            self._older.close()
