"""When a job was last heard of: there the times of a run end that is lost, since nobody knows what came then.

The event that says that a run is lost is no news of its job: it is written by whoever looks, maybe hours later. Neither
is what watchers say: they answer, or ask for a cancel, whether it is there or not.
"""

from __future__ import annotations

import msgspec

from headway.cli.source import Source
from headway.errors import HeadwayError
from headway.ports.store import HEARD
from headway.progress.state import ShortState, State, View
from headway.progress.view import unix_s
from headway.protocol.cursor import Cursor
from headway.protocol.frames import AnyFrame, SnapshotFrame

NO_NEWS = ("run.lost", *HEARD)
"""Types of events that tell nothing of a run's job."""


def last_news(source: Source, state: State) -> str | None:
    """When the job of a run last reported.

    Args:
        source: Where the run is; asked only about one that is lost.
        state: The run.
    """
    if state.status != "lost":
        return state.last_event_at
    after: Cursor | None = None
    others: dict[int, str] = {}
    complete = False
    while not complete:
        page = source.events(state.run_id, after, types=NO_NEWS)
        others.update((record.seq, record.type) for record in page.records if record.seq <= state.seq)
        after, complete = page.cursor, page.complete
    seq = max((seq for seq, type_ in others.items() if type_ == "run.lost"), default=0)
    while seq in others:
        seq -= 1
    return source.show(state.run_id, at=seq).state.last_event_at if seq else state.last_event_at


def heard_at(source: Source, frame: AnyFrame) -> str | None:
    """When the job of a ``snapshot`` last reported, if that can be told."""
    if not isinstance(frame, SnapshotFrame):
        return None
    try:
        return last_news(source, msgspec.json.decode(frame.state, type=State))
    except HeadwayError:
        return None  # the next frame says what is the matter


def until(state: State, heard_at: str | None, now_unix_s: float) -> float:
    """Up to when what runs is known to have run, in seconds since 1970."""
    heard = unix_s(heard_at) if state.status == "lost" else None
    return now_unix_s if heard is None else heard


def known_view(view: View, state: State, heard_at: str | None) -> View:
    """A view that tells of no time in which a lost run was not heard of, nor of any that remains."""
    if state.status != "lost":
        return view
    started, heard = unix_s(state.started_at), unix_s(heard_at)
    elapsed = view.elapsed if started is None or heard is None else max(0.0, round(heard - started, 3))
    return msgspec.structs.replace(view, eta=None, elapsed=elapsed)


def listed_elapsed(run: ShortState) -> float | None:
    """For how many seconds a run in a list has gone on; None if that is not known.

    Of a lost run a list has only the time of the event that says so.
    """
    return None if run.view is None or run.status == "lost" else run.view.elapsed
