"""Frames made of answers to questions, for networks that let nothing else pass.

What was not seen is read as events, so nothing is missing here either. The state is asked for once at the beginning,
and for the view whenever something has changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import msgspec

from headway.client.api import Api, EventsPage, Shown
from headway.client.ladder import ConnectionLost
from headway.client.session import Session
from headway.errors import Gap, HeadwayError, NotFound
from headway.progress.state import Short, State
from headway.protocol.cursor import BEGINNING, parse
from headway.protocol.frames import AnyFrame, EndFrame, EventsFrame, FrameGap, SnapshotFrame, TickFrame, WaitingFrame

WAIT_S = 25
"""How long the server may hold an answer back: below the time-outs of proxies."""

PAUSE_S = 0.5
"""Between two questions that were answered at once."""

WAITING_S = 2.0
"""Between two looks for a run that does not exist yet."""


async def frames(api: Api, session: Session) -> AsyncGenerator[AnyFrame, None]:
    """Frames of a run, until it has ended.

    Raises:
        ConnectionLost: The server is out of reach.
        HeadwayError: The server refuses it.
    """
    try:
        async for frame in _frames(api, session):
            yield frame
    except HeadwayError as error:
        if error.retryable:
            raise ConnectionLost(str(error), answered=False) from error
        raise


async def _frames(api: Api, session: Session) -> AsyncGenerator[AnyFrame, None]:
    run_id = session.wish.run_id
    waiting = False
    if session.cursor is None:
        first = await _first(api, run_id)
        waiting = isinstance(first, WaitingFrame)
        yield first
    # Who waited for a run without a cursor gets all of its events, and then a snapshot.
    owed = session.wish.after is None and session.cursor == BEGINNING
    while True:
        cursor = session.cursor or BEGINNING
        try:
            page = await api.events(run_id, cursor, wait_s=WAIT_S, types=session.wish.types)
            shown = await api.show(run_id)
        except Gap as gap:
            if gap.reason == "deleted":
                yield EndFrame(run_id=run_id, status="deleted", cursor=cursor)
                return
            shown = await api.show(run_id)
            yield _snapshot(run_id, shown, FrameGap(after=cursor, reason=gap.reason))  # type: ignore[arg-type]
            continue
        except NotFound:
            if not waiting:
                yield WaitingFrame(run_id=run_id)
            waiting = True
            await asyncio.sleep(WAITING_S)
            continue
        waiting = False
        state = msgspec.json.decode(shown.state, type=State)
        yield _page_frame(run_id, cursor, page, shown, state)
        if owed and shown.cursor == page.cursor:
            owed = False
            yield _snapshot(run_id, shown, None)
        if page.ended:
            yield EndFrame(run_id=run_id, status=state.status, cursor=page.cursor)  # type: ignore[arg-type]
            return
        await asyncio.sleep(PAUSE_S)


async def _first(api: Api, run_id: str) -> SnapshotFrame | WaitingFrame:
    try:
        return _snapshot(run_id, await api.show(run_id), None)
    except NotFound:
        return WaitingFrame(run_id=run_id)


def _snapshot(run_id: str, shown: Shown, gap: FrameGap | None) -> SnapshotFrame:
    return SnapshotFrame(run_id=run_id, cursor=shown.cursor, state=shown.state, view=shown.view, gap=gap)


def _page_frame(run_id: str, cursor: str, page: EventsPage, shown: Shown, state: State) -> AnyFrame:
    if page.cursor == cursor:
        return TickFrame(run_id=run_id, view=shown.view, last_event_at=state.last_event_at)
    short = Short(status=state.status, progress=state.progress, stage=state.stage, message=state.message)
    return EventsFrame(
        run_id=run_id,
        from_=_seq(cursor) + 1,
        to=_seq(page.cursor),
        cursor=page.cursor,
        events=page.events,
        conflated={},
        short=msgspec.Raw(msgspec.json.encode(short)),
        view=shown.view,
    )


def _seq(cursor: str) -> int:
    position = parse(cursor)
    return 0 if position is None else position.seq
