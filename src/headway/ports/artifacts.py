"""Where artifacts' content lives; their names and sizes are in the log."""

from __future__ import annotations

from collections.abc import Collection
from typing import BinaryIO, Protocol

import msgspec


class StoredBlob(msgspec.Struct, frozen=True):
    """Content that was stored: its SHA-256 in hex, which is its address, and its length in bytes."""

    sha256: str
    size: int


class ArtifactStore(Protocol):
    """Content by its SHA-256. The same content twice is stored once."""

    def put(self, content: BinaryIO) -> StoredBlob:
        """Store everything that ``content`` still has to read; durable when it returns."""

    def open(self, sha256: str) -> BinaryIO:
        """The content, to read and seek in. Raises NotFound."""

    def remove_unused(self, used: Collection[str], *, older_than_s: float = 3600.0) -> int:
        """Remove content that is not among ``used``; the bytes that it freed.

        What was stored less than ``older_than_s`` seconds ago stays: its event may be on its way.
        """
