"""Asking for a cancel, and ending at once what nobody is there to end.

A job that lives hears the request and ends its run itself. A run that waits for an owner, or has lost it, would wait
for ever: whoever asks ends it in the same append, on condition that nobody has taken it over meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from headway.errors import Fenced, LogRefused, RunEnded
from headway.ports import Batch, EventStore, Header, RunFilter
from headway.protocol import events, times
from headway.protocol.events import Data

ATTEMPTS = 5
"""Owners that may come in between, one after the other, before this gives up."""

ABANDONED_AT_ONCE = 100
"""Lost runs that are looked at in one sweep; the next one finds the others."""


class Cancelling(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request for a cancel.

    Attributes:
        again: Somebody had asked before.
        ended: Nobody worked on the run, so it ended as ``cancelled`` at once.
    """

    again: bool
    ended: bool


def request_cancel(
    store: EventStore, run_id: str, *, reason: str | None, by: str | None, now: Callable[[], float]
) -> Cancelling:
    """Ask for a run's cancellation.

    Args:
        store: Where the run is.
        run_id: The run.
        reason: What people should read.
        by: Who asks.
        now: A clock in seconds since 1970.

    Raises:
        NotFound: There is no such run.
        RunEnded: It has ended already.
        Fenced: Owner after owner took the run over meanwhile.
    """
    for _ in range(ATTEMPTS):
        header = store.header(run_id)
        if header.ended:
            raise RunEnded(f"run {run_id} has ended already ({header.status}): there is nothing to cancel")
        try:
            return _request(store, header, reason, by, times.to_text(now()))
        except Fenced:
            continue  # somebody took it over since its header was read: it is theirs to end now
    raise Fenced(f"run {run_id} changes its owner all the time: try again")


def _request(store: EventStore, header: Header, reason: str | None, by: str | None, at: str) -> Cancelling:
    data: list[Data] = []
    if not header.cancel_requested:
        data.append(events.RunCancelRequested(by=by, reason=reason))
    abandoned = is_abandoned(header)
    if abandoned:
        data.append(events.RunCancelled(reason=reason))
    if data:
        _append(store, header, data, at)
    return Cancelling(again=header.cancel_requested, ended=abandoned)


def is_abandoned(header: Header) -> bool:
    """Whether nobody is there to end the run: it waits for an owner, has lost it, or never had one here."""
    return header.status in ("pending", "lost") or (header.status == "running" and header.owner is None)


def end_abandoned(store: EventStore, now: Callable[[], float]) -> tuple[str, ...]:
    """End the lost runs whose cancel was requested; which ones. Any number of readers may do it at any time."""
    lost = store.list_runs(RunFilter(status="lost"), limit=ABANDONED_AT_ONCE).headers
    at = times.to_text(now())
    return tuple(header.run_id for header in lost if header.cancel_requested and _end(store, header, at))


def _end(store: EventStore, header: Header, at: str) -> bool:
    try:
        _append(store, header, [events.RunCancelled()], at)
    except LogRefused:
        return False  # its owner came back, or somebody else ended it
    return True


def _append(store: EventStore, header: Header, data: list[Data], at: str) -> None:
    drafts = tuple(events.draft(each, at=at) for each in data)
    import secrets

    # A request alone belongs to no attempt; an end belongs to the one that nobody works on any more.
    attempt = header.attempt if drafts[-1].type in events.TERMINAL else None
    reporter = f"watcher-{secrets.token_hex(8)}"
    store.append(
        Batch(run_id=header.run_id, reporter=reporter, first=1, events=drafts, attempt=attempt, epoch=header.epoch)
    )
