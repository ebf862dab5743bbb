"""Artifacts as files, addressed by their content: a name that somebody gave never becomes a path."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from headway.errors import HeadwayError, NotFound, StoreFull, StoreReadOnly, StoreUnavailable
from headway.ports import StoredBlob
from headway.stores.folders import sync_folder

_SHA256 = re.compile(r"^[0-9a-f]{64}\Z")
_CHUNK_BYTES = 1024 * 1024


class FileArtifactStore:
    """A folder of content, two levels deep: ``ab/abcd…``. Any number of processes may use it at once."""

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder).absolute()

    def put(self, content: BinaryIO) -> StoredBlob:
        """See ``ArtifactStore.put``."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return self._put(content)
        except OSError as error:
            raise _translate(error, self._folder) from error

    def _put(self, content: BinaryIO) -> StoredBlob:
        # Written beside its place and renamed when it is whole and durable, so that nobody finds half of it.
        fd, name = tempfile.mkstemp(dir=self._folder, prefix="new-")
        unready = Path(name)
        try:
            with os.fdopen(fd, "wb") as file:
                blob = _copy(content, file)
                file.flush()
                os.fsync(fd)
            self._move_in(unready, self._place(blob.sha256))
        finally:
            unready.unlink(missing_ok=True)
        return blob

    def _move_in(self, unready: Path, place: Path) -> None:
        is_first = not place.parent.exists()
        place.parent.mkdir(exist_ok=True)
        with self._locked(fcntl.LOCK_SH):
            unready.replace(place)
        sync_folder(place.parent)
        if is_first:
            sync_folder(self._folder)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        # Between a look at a file's age and its removal nobody may put the same content anew.
        fd = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, how)
            yield
        finally:
            os.close(fd)

    def open(self, sha256: str) -> BinaryIO:
        """See ``ArtifactStore.open``."""
        if not _SHA256.match(sha256):
            raise NotFound(f"{sha256[:80]!r} is not a SHA-256 in hex")
        try:
            return self._place(sha256).open("rb")
        except FileNotFoundError:
            raise NotFound(f"the content {sha256[:12]}… is not in {self._folder}") from None
        except OSError as error:
            raise _translate(error, self._folder) from error

    def path(self, sha256: str) -> Path:
        """Where the content is, for who is on the same machine. Raises NotFound."""
        self.open(sha256).close()
        return self._place(sha256)

    def _place(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def remove_unused(self, used: Collection[str], *, older_than_s: float = 3600.0) -> int:
        """See ``ArtifactStore.remove_unused``; also removes what a killed process has left half written."""
        before = time.time() - older_than_s
        try:
            return sum(self._remove_old(file, before) for file in self._files() if file.name not in used)
        except OSError as error:
            raise _translate(error, self._folder) from error

    def _remove_old(self, file: Path, before: float) -> int:
        with self._locked(fcntl.LOCK_EX), suppress(FileNotFoundError):
            status = file.stat()
            if status.st_mtime < before:
                file.unlink()
                return status.st_size
        return 0

    def _files(self) -> Iterator[Path]:
        yield from self._folder.glob("new-*")
        yield from self._folder.glob("[0-9a-f][0-9a-f]/*")


def _copy(content: BinaryIO, file: BinaryIO) -> StoredBlob:
    digest, size = hashlib.sha256(), 0
    while chunk := content.read(_CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
        file.write(chunk)
    return StoredBlob(digest.hexdigest(), size)


def _translate(error: OSError, folder: Path) -> HeadwayError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"there is no space left for artifacts in {folder}: free some")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreReadOnly(f"{folder} cannot be written: check its permissions")
    return StoreUnavailable(f"artifacts in {folder} are out of reach: {error}")
