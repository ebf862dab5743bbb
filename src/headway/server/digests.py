"""What lists show of a run whose reporter does not say it: read off the state, a moment after the last report.

A list is made of the runs' headers, and never reads a log. Headway's own reporters send with their reports what the
header should show; whoever reports by other means need not know of that.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from headway.errors import HeadwayError
from headway.hub.polls import RunNow
from headway.ports import Batch, Digest
from headway.protocol.ready import ready
from headway.server.backend import Backend

DELAY_S = 0.5
"""After a report: as much as lists may be behind, and as seldom as a header has to be written."""

logger = logging.getLogger("headway")


class _Brief(msgspec.Struct):
    """What of a state is shown."""

    attempt: int
    started_at: str | None
    progress: float
    stage: str | None
    message: str | None


async def show_soon(backend: Backend, run_id: str) -> None:
    """Something was reported, and not how to show it: do so, in a moment, together with what follows."""
    if run_id in backend.shown_soon:
        return
    backend.shown_soon.add(run_id)
    await asyncio.sleep(DELAY_S)
    backend.shown_soon.discard(run_id)
    try:
        batch = _batch(run_id, await backend.hub.run(run_id))
        await backend.ask(lambda store: store.append(batch))
    except HeadwayError as error:
        logger.debug("lists are behind with run %s: %s", run_id, error)


def _batch(run_id: str, now: RunNow) -> Batch:
    """No events, but what lists should show from now on."""
    brief = msgspec.json.decode(now.state, type=_Brief)
    attempt = 0 if brief.started_at is None else brief.attempt
    return Batch(run_id=run_id, reporter="lists", first=1, events=(), attempt=attempt, digest=Digest.of(brief))


ready(_Brief)
