"""Delivering what earlier processes have left on disk, because their store was out of reach until their end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import msgspec

from headway.errors import HeadwayError, InvalidInput, LogRefused, NotFound, ReporterGap
from headway.ports import Batch, EventSink
from headway.protocol import codec
from headway.protocol.events import TERMINAL, Draft, RunStarted
from headway.reporter.spool import LeftBehind, SpoolHeader, left_behind

logger = logging.getLogger("headway")

LEASE_S = 5.0
"""For a run that nobody has claimed before: enough to deliver what there is; then it is lost, unless it has ended."""

PATIENCE_S = 7 * 86_400.0
"""For how long what a helper has kept waits for its run, which its owner may have kept on another machine's disk."""


def deliver_left_behind(folder: Path, target: str, open_sink: Callable[[], EventSink]) -> int:
    """Deliver the files in a folder that belong to a target and to no living process.

    Args:
        folder: Where the spools are.
        target: The URL of the target.
        open_sink: Opens it.

    Returns:
        How many files were delivered. What cannot be delivered now stays; what the log refuses for good is removed,
        and said.
    """
    delivered: list[LeftBehind] = []
    for _, files in groupby(_of_target(folder, target), lambda found: found.header.run.run_id):
        run = list(files)
        try:
            with _said(run):
                delivered += _deliver_run(run, open_sink())
        finally:
            for found in run:
                found.release()
    return len(delivered)


def _of_target(folder: Path, target: str) -> Iterator[LeftBehind]:
    for found in left_behind(folder):
        if found.header.target == target:
            yield found
        else:
            found.release()


@contextmanager
def _said(files: list[LeftBehind]) -> Iterator[None]:
    """What goes wrong with these files is told, and no more."""
    names = ", ".join(found.path.name for found in files)
    try:
        yield
    except LogRefused as error:
        logger.warning("reports that %s kept are not taken any more: %s", names, error)
        for found in files:
            found.remove()
    except (HeadwayError, OSError) as error:
        logger.warning("reports that %s kept cannot be delivered now: %s", names, error)


def _deliver_run(files: list[LeftBehind], sink: EventSink) -> list[LeftBehind]:
    """Deliver what one run's reporters have kept: first its owner, who creates it, and whose last word comes last."""
    done: list[LeftBehind] = []
    ends: list[tuple[LeftBehind, _Way, _Drafts]] = []
    try:
        for found in sorted(files, key=lambda found: found.header.helper):
            with _said([found]):
                way = _Way(sink, found)
                end = way.deliver(found)
                if end is None:
                    found.remove()
                    done.append(found)
                else:
                    ends.append((found, way, end))
        for found, way, end in ends:
            with _said([found]):
                way.append(*end)
                found.remove()
                done.append(found)
    finally:
        sink.close()
    return done


_Drafts = tuple[int, tuple[Draft, ...]]


class _Way:
    """One reporter's way to the log.

    Raises:
        LogRefused: The log will never take its reports.
    """

    def __init__(self, sink: EventSink, found: LeftBehind) -> None:
        self._sink = sink
        self._run_id = found.header.run.run_id
        self._reporter = found.header.reporter.id
        self._attempt = _attempt(found.header, sink)
        self._may_come = found.header.helper and found.age_s < PATIENCE_S

    def deliver(self, found: LeftBehind) -> _Drafts | None:
        """Deliver everything but the end of the run, which is given back."""
        end: _Drafts | None = None
        refused = 0
        for first, drafts in found.batches():
            count = len(drafts)
            if drafts[-1].type in TERMINAL:
                end, count = (first + count - 1, drafts[-1:]), count - 1
            if count:
                refused += self.append(first, drafts[:count])
        if refused:
            logger.warning("of the reports that %s kept %d were refused", found.path.name, refused)
        return end

    def append(self, first: int, drafts: tuple[Draft, ...]) -> int:
        """How many of the drafts were refused; the others are stored."""
        batch = Batch(run_id=self._run_id, reporter=self._reporter, first=first, events=drafts, attempt=self._attempt)
        try:
            self._append(batch)
        except InvalidInput:
            middle = len(drafts) // 2
            if not middle:
                return 1
            return self.append(first, drafts[:middle]) + self.append(first + middle, drafts[middle:])
        return 0

    def _append(self, batch: Batch) -> None:
        try:
            self._sink.append(batch)
        except ReporterGap as gap:
            self._sink.append(msgspec.structs.replace(batch, lost=(gap.expected, batch.first - 1)))
        except NotFound as error:
            if self._may_come:
                raise
            raise LogRefused(str(error)) from error


def _attempt(header: SpoolHeader, sink: EventSink) -> int | None:
    """The attempt that the reports belong to, which may have to be begun; None for those of a helper."""
    run_id = header.run.run_id
    if header.attempt is not None or header.helper:
        return header.attempt
    try:
        attempt = sink.create(header.run).attempt
    except InvalidInput as error:
        raise LogRefused(str(error)) from error
    if attempt == 0:
        return sink.take_over(run_id, header.reporter, header.run.at, LEASE_S).attempt
    # It may have begun the run and never heard of that, or have been begun by who delivered a part of this before.
    if _newest_owner(run_id, sink) != header.reporter.id:
        raise LogRefused(f"run {run_id!r} was taken over by somebody else")
    return attempt


def _newest_owner(run_id: str, sink: EventSink) -> str | None:
    owner: str | None = None
    page = sink.read(run_id, None)
    while True:
        for record in page.records:
            if record.type == "run.started":
                started = codec.data_of(codec.decode_event(record.body))
                assert isinstance(started, RunStarted)
                owner = None if started.reporter is None else started.reporter.id
        if page.complete:
            return owner
        page = sink.read(run_id, page.cursor)
