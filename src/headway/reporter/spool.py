"""A file that keeps reports while the store is out of reach, for this process or for a later one.

One file per run and reporter: a header line that says where the reports belong, then one line per report with the
number that the reporter gave it. Whoever delivers a file twice does no harm, since a log skips the numbers it knows.
The owner holds a lock on its file for as long as it lives; a file without one was left behind, and anybody may deliver
and remove it. A file may be removed by its name only by who has it locked and has seen that it still is the one of
that name; so an owner who has locked a file that is not there any more makes another.

The lines are in the order in which they were kept, which at a process's end is not that of their numbers: what was on
its way is kept last. A line that cannot be read is left out, and the log says that its number is missing.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from headway.errors import HeadwayError
from headway.ports import NewRun
from headway.protocol.events import Draft, ReporterInfo
from headway.protocol.incoming import parse_draft
from headway.protocol.ready import ready
from headway.reporter.bundle import BUNDLE_BYTES
from headway.reporter.folder import make_private

LIMIT_BYTES = 256 * 1024 * 1024
"""Of one run's spool: hours of reports, and no more of a disk than a job's own files would take."""

BATCH_EVENTS = 500
"""Reports that are read and delivered at once, unless they are large."""

LOCK_TRIES = 100
"""Who looks for files that were left holds each for less than a millisecond."""

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

    Attributes:
        waiting: How many reports are in it that were not delivered.
    """

    def __init__(self, folder: Path, header: SpoolHeader, limit_bytes: int = LIMIT_BYTES) -> None:
        self._path = folder / f"{header.run.run_id}~{header.reporter.id}{SUFFIX}"
        self._header = header
        self._limit_bytes = limit_bytes
        self._file: BinaryIO | None = None
        self._read_to = self._batch_end = self._batch_size = self._size = 0
        self.waiting = 0

    def __bool__(self) -> bool:
        """Whether something is in it that was not delivered."""
        return self._read_to < self._size

    def add(self, first: int, drafts: tuple[Draft, ...]) -> bool:
        """Keep drafts, numbered from ``first``; false, and nothing is kept, if there is no room.

        Raises:
            OSError: The disk refuses; nothing of them is kept.
        """
        lines = b"".join(
            msgspec.json.encode({"n": first + index, "draft": draft}) + b"\n" for index, draft in enumerate(drafts)
        )
        if self._size + len(lines) > self._limit_bytes:
            return False
        _write(self._opened(), lines, self._size)
        self._size += len(lines)
        self.waiting += len(drafts)
        return True

    def _opened(self) -> BinaryIO:
        if self._file is None:
            make_private(self._path.parent)
            file = _made(self._path)
            header = msgspec.json.encode(self._header) + b"\n"
            try:
                _write(file, header, 0)
            except OSError:
                self._path.unlink(missing_ok=True)
                file.close()
                raise
            self._file = file
            self._read_to = self._size = len(header)
        return self._file

    def next_batch(self) -> tuple[int, tuple[Draft, ...]] | None:
        """The oldest reports that were not delivered: the number of the first, and the drafts; None if there are none.

        A batch ends where the numbers have a gap.

        Raises:
            OSError: The disk refuses, or somebody has cut or damaged the file: nothing in it can be read any more.
        """
        if not self:
            return None
        first, drafts, self._batch_end = _read_batch(self._opened(), self._read_to, self._size)
        if not drafts:
            raise OSError(f"{self._path.name} is damaged")
        self._batch_size = len(drafts)
        return first, drafts

    def delivered(self) -> None:
        """The batch that ``next_batch`` gave was taken by the log."""
        self._read_to = self._batch_end
        self.waiting -= self._batch_size
        if not self:
            self.remove()

    def remove(self) -> None:
        """Remove the file. Never fails: one that resists is delivered again by somebody, which does no harm."""
        if self._file is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
        self._close()
        self._read_to = self._size = self.waiting = 0

    def leave(self) -> None:
        """Leave the file for a later process, if there is something in it. Never fails."""
        if not self:
            self.remove()
        elif self._file is not None:
            with suppress(OSError):
                os.fsync(self._file.fileno())  # it is to survive a crash of the machine
            self._close()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()


def _made(path: Path) -> BinaryIO:
    """A new file, locked."""
    for _ in range(LOCK_TRIES):
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "rb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(file, path):
                return file
        except BlockingIOError:
            time.sleep(0.001)  # who looks for what was left is looking at it
        except OSError:
            file.close()
            raise
        file.close()
    raise OSError(f"{path.name} is held by somebody else")


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether the open file is the one at the path, and not one that was removed from there."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _write(file: BinaryIO, data: bytes, place: int) -> None:
    """Write past Python's buffers, which would keep what a full disk has refused, and try again when it is read."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.pwrite(file.fileno(), rest, place + len(data) - len(rest)) :]
    except OSError:
        with suppress(OSError):
            os.ftruncate(file.fileno(), place)
        raise


class LeftBehind:
    """A file whose owner is gone, locked, so that only one process delivers it.

    Attributes:
        path: Where it is.
        header: Where its reports belong.
    """

    def __init__(self, path: Path, file: BinaryIO, header: SpoolHeader) -> None:
        self.path = path
        self.header = header
        self._file: BinaryIO | None = file

    @classmethod
    def claimed(cls, path: Path) -> LeftBehind | None:
        """Lock the file and read its header; None if its owner lives, somebody else delivers it, or it is gone.

        One without a whole header holds nothing that could be delivered, and is removed; one with a header that this
        version does not know is left alone.
        """
        try:
            file = path.open("rb")
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            line = file.readline() if _is_at(file, path) else b"\n"
            if not line.endswith(b"\n"):
                path.unlink(missing_ok=True)
            return cls(path, file, msgspec.json.decode(line, type=SpoolHeader))
        except (OSError, msgspec.DecodeError):
            file.close()
            return None

    @property
    def age_s(self) -> float:
        """For how long nothing has been written to it, in seconds by the wall clock."""
        return time.time() - self.path.stat().st_mtime

    def batches(self) -> Iterator[tuple[int, tuple[Draft, ...]]]:
        """The reports in the order of their numbers.

        Raises:
            OSError: The disk refuses.
        """
        file = self._file
        assert file is not None
        for _, start, stop in sorted(_sequences(file)):
            place = start
            while place < stop:
                first, drafts, place = _read_batch(file, place, stop)
                if drafts:
                    yield first, drafts

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
        found = LeftBehind.claimed(path)
        if found is not None:
            yield found


class _Line(msgspec.Struct, frozen=True):
    n: int
    draft: msgspec.Raw


def _sequences(file: BinaryIO) -> list[tuple[int, int, int]]:
    """Where reports with consecutive numbers stand together: the first number, the place, and the place behind."""
    found: list[tuple[int, int, int]] = []
    following = None
    place = file.tell()
    while (line := file.readline()).endswith(b"\n"):
        number = _number(line)
        if number is not None and number == following:
            found[-1] = (*found[-1][:2], place + len(line))
        elif number is not None:
            found.append((number, place, place + len(line)))
        following = None if number is None else number + 1
        place += len(line)
    return found


def _number(line: bytes) -> int | None:
    try:
        return msgspec.json.decode(line, type=_Line).n
    except msgspec.DecodeError:
        return None


def _read_batch(file: BinaryIO, start: int, stop: int) -> tuple[int, tuple[Draft, ...], int]:
    """Reports with consecutive numbers, as many as a log takes at once, and where the file goes on after them.

    There are none if nothing before ``stop`` can be read.
    """
    first, drafts, size = 0, list[Draft](), 0
    file.seek(start)
    while start < stop and len(drafts) < BATCH_EVENTS:
        line = file.readline()
        if not line.endswith(b"\n"):  # the file was cut
            return first, tuple(drafts), start if drafts else stop
        kept = _parsed(line)
        if drafts and (kept is None or kept[0] != first + len(drafts) or size + len(line) > BUNDLE_BYTES):
            break
        if kept is not None:
            first = first if drafts else kept[0]
            drafts.append(kept[1])
        start += len(line)
        size += len(line)
    return first, tuple(drafts), start


def _parsed(line: bytes) -> tuple[int, Draft] | None:
    """The number and the draft in a line; None if it is damaged."""
    try:
        kept = msgspec.json.decode(line, type=_Line)
        return kept.n, parse_draft(msgspec.json.decode(kept.draft))
    except (msgspec.DecodeError, HeadwayError):
        return None


ready(SpoolHeader, _Line)
