"""A file that keeps reports while the store is out of reach, for this process or for a later one.

One file per run and reporter: a header line that says where the reports belong, then one line per report with the
number that the reporter gave it. Whoever delivers a file twice does no harm, since a log skips the numbers it knows.
The owner holds a lock on its file for as long as it lives; a file without one was left behind, and anybody may deliver
and remove it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from headway.errors import HeadwayError, InvalidInput
from headway.ports import NewRun
from headway.protocol.events import Draft, ReporterInfo
from headway.protocol.incoming import parse_draft

LIMIT_BYTES = 256 * 1024 * 1024
"""Of one run's spool: hours of reports, and no more of a disk than a job's own files would take."""

BATCH_EVENTS = 500
"""Reports that are read and delivered at once."""

SUFFIX = ".spool"


class SpoolPlace(NamedTuple):
    """Where reports are kept, and the URL of the target that they are for."""

    folder: Path
    target: str


class SpoolHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Where the reports of a file belong.

    Attributes:
        target: The target's URL.
        run: The run, to be created if it is not there yet.
        reporter: Who numbered the reports.
        attempt: The attempt they belong to; None if the run was never reached, or the reporter only helps.
        helper: Whether the reporter only helps.
    """

    target: str
    run: NewRun
    reporter: ReporterInfo
    attempt: int | None = None
    helper: bool = False


class Spool:
    """One run's file. For one thread. Nothing is written before the first ``add``.

    Args:
        folder: Where the files are.
        header: Where the reports belong.
        limit_bytes: How large the file may grow.
    """

    def __init__(self, folder: Path, header: SpoolHeader, limit_bytes: int = LIMIT_BYTES) -> None:
        self._path = folder / f"{header.run.run_id}~{header.reporter.id}{SUFFIX}"
        self._header = header
        self._limit_bytes = limit_bytes
        self._file: BinaryIO | None = None
        self._read_to = self._batch_end = self._size = 0

    def __bool__(self) -> bool:
        """Whether something is in it that was not delivered."""
        return self._read_to < self._size

    def add(self, first: int, drafts: tuple[Draft, ...]) -> bool:
        """Keep drafts, numbered from ``first``; false, and nothing is kept, if there is no room.

        Raises:
            OSError: The disk refuses.
        """
        lines = b"".join(
            msgspec.json.encode({"n": first + index, "draft": draft}) + b"\n" for index, draft in enumerate(drafts)
        )
        if self._size + len(lines) > self._limit_bytes:
            return False
        file = self._opened()
        file.seek(self._size)
        file.write(lines)
        file.flush()
        self._size += len(lines)
        return True

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file = os.fdopen(fd, "r+b")
            header = msgspec.json.encode(self._header) + b"\n"
            self._file.truncate(0)
            self._file.write(header)
            self._read_to = self._size = len(header)
        return self._file

    def next_batch(self) -> tuple[int, tuple[Draft, ...]] | None:
        """The oldest reports that were not delivered: the number of the first, and the drafts; None if there are none.

        A batch ends where the numbers have a gap.
        """
        if not self:
            return None
        file = self._opened()
        file.seek(self._read_to)
        first, drafts, self._batch_end = _read_batch(file)
        return first, drafts

    def delivered(self) -> None:
        """The batch that ``next_batch`` gave was taken by the log."""
        self._read_to = self._batch_end
        if not self:
            self.remove()

    def sync(self) -> None:
        """Make what was kept survive a crash of the machine."""
        if self._file is not None:
            os.fsync(self._file.fileno())

    def remove(self) -> None:
        """Remove the file."""
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            self._file.close()
            self._file = None
        self._read_to = self._size = 0

    def leave(self) -> None:
        """Leave the file for a later process, if there is something in it."""
        if not self:
            self.remove()
        elif self._file is not None:
            self.sync()
            self._file.close()
            self._file = None


class LeftBehind:
    """A file whose owner is gone. As a context manager it is locked, so that only one process delivers it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self.header: SpoolHeader | None = None

    def claim(self) -> bool:
        """Lock the file and read its header; false if its owner lives, somebody else delivers it, or it is gone."""
        try:
            file = self.path.open("r+b")
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.header = msgspec.json.decode(file.readline(), type=SpoolHeader)
        except (OSError, msgspec.DecodeError):
            file.close()
            return False
        self._file = file
        return True

    def batches(self) -> Iterator[tuple[int, tuple[Draft, ...]]]:
        """The reports in order. A line that a crash cut short is the last."""
        assert self._file is not None
        while True:
            first, drafts, end = _read_batch(self._file)
            if not drafts:
                return
            yield first, drafts
            self._file.seek(end)

    def remove(self) -> None:
        """Everything was delivered."""
        self.path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Leave it for another time."""
        if self._file is not None:
            self._file.close()
            self._file = None


def left_behind(folder: Path) -> Iterator[LeftBehind]:
    """The files in a folder that nobody owns any more, claimed; release or remove each."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        found = LeftBehind(path)
        if found.claim():
            yield found


def _read_batch(file: BinaryIO) -> tuple[int, tuple[Draft, ...], int]:
    """Up to ``BATCH_EVENTS`` reports with consecutive numbers, and where the file goes on after them."""
    first, drafts, end = 0, list[Draft](), file.tell()
    while len(drafts) < BATCH_EVENTS:
        parsed = _parse(file.readline())
        if parsed is None or (drafts and parsed[0] != first + len(drafts)):
            break
        first = first if drafts else parsed[0]
        drafts.append(parsed[1])
        end = file.tell()
    return first, tuple(drafts), end


def _parse(line: bytes) -> tuple[int, Draft] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        value = msgspec.json.decode(line)
        return int(value["n"]), parse_draft(value["draft"])
    except (msgspec.DecodeError, HeadwayError, KeyError, TypeError) as error:
        raise InvalidInput(f"a spooled report is damaged: {error}") from error
