"""Delivering what earlier processes have left on disk, because their store was out of reach until their end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from headway.errors import HeadwayError, LogRefused, NotFound, ReporterGap
from headway.ports import Batch, EventSink
from headway.protocol.events import Draft
from headway.reporter.spool import LeftBehind, SpoolHeader, left_behind

logger = logging.getLogger("headway")

LEASE_S = 5.0
"""For a run that nobody has claimed before: enough to deliver what there is; then it is lost, unless it has ended."""


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
    delivered = 0
    for found in left_behind(folder):
        if found.header is None or found.header.target != target:
            found.release()
            continue
        sink = open_sink()
        try:
            _deliver(found, found.header, sink)
            delivered += 1
        except LogRefused as error:
            logger.warning("reports that %s kept are not taken any more: %s", found.path.name, error)
            found.remove()
        except (HeadwayError, OSError) as error:
            logger.warning("reports that %s kept cannot be delivered now: %s", found.path.name, error)
            found.release()
        finally:
            sink.close()
    return delivered


def _deliver(found: LeftBehind, header: SpoolHeader, sink: EventSink) -> None:
    attempt = _attempt(header, sink)
    for first, drafts in found.batches():
        _append(sink, header, attempt, first, drafts)
    found.remove()


def _attempt(header: SpoolHeader, sink: EventSink) -> int | None:
    if header.attempt is not None or header.helper:
        return header.attempt
    if sink.create(header.run).attempt > 0:
        raise LogRefused(f"run {header.run.run_id!r} was taken over by somebody else")
    return sink.take_over(header.run.run_id, header.reporter, header.run.at, LEASE_S).attempt


def _append(sink: EventSink, header: SpoolHeader, attempt: int | None, first: int, drafts: tuple[Draft, ...]) -> None:
    batch = Batch(run_id=header.run.run_id, reporter=header.reporter.id, first=first, events=drafts, attempt=attempt)
    try:
        sink.append(batch)
    except ReporterGap as gap:
        lost = (gap.expected, first - 1)
        sink.append(
            Batch(
                run_id=batch.run_id,
                reporter=batch.reporter,
                first=first,
                events=drafts,
                attempt=attempt,
                lost=lost,
            )
        )
    except NotFound as error:
        raise LogRefused(str(error)) from error
