"""Runs as lists show them: their headers, and the view that a clock adds."""

from __future__ import annotations

from typing import cast

import msgspec

from headway.ports import Header
from headway.ports.log import MILLIONTHS
from headway.progress.state import Failure, Queue, ShortState
from headway.progress.view import view
from headway.protocol.events import RunStatus


def short_state(header: Header, now_unix_s: float) -> ShortState:
    """A run in a list at a time; nothing of its log is read.

    Args:
        header: The run's header.
        now_unix_s: Seconds since 1970.
    """
    short = ShortState(
        run_id=header.run_id,
        kind=header.kind,
        variant=header.variant,
        title=header.title,
        status=cast(RunStatus, header.status),
        attempt=header.attempt or 1,
        progress=header.progress / MILLIONTHS,
        stage=header.stage,
        message=header.message,
        created_at=header.created_at,
        started_at=header.started_at,
        ended_at=header.ended_at,
        last_event_at=header.last_event_at,
        cancel_requested=header.cancel_requested,
        error=None if header.error is None else msgspec.json.decode(header.error, type=Failure),
        queue=None if header.queue is None else msgspec.json.decode(header.queue, type=Queue),
    )
    return msgspec.structs.replace(short, view=view(short, now_unix_s, None))
