"""Who watches what, for operators."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from headway.hub.cohort import Watcher
from headway.hub.connection import Connection
from headway.hub.sink import Peer
from headway.hub.switchboard import Switchboard
from headway.protocol.times import to_text


class Watching(msgspec.Struct, frozen=True, kw_only=True):
    """One connection's interest in one run.

    Attributes:
        run_id: The run.
        peer: Who watches.
        since: When the connection was made.
        transport: The framing's name.
        mode: ``all`` or ``paced``.
        rate: Frames a second, 0 in mode ``all``.
        level: It gets what is new as it comes; else it is being served, or its transport is full.
        stuck: Its transport is full.
        behind: How many events it has still to get, or to be told of.
        conflated: What was left out for all who watch in the same way, by type.
        limited: Its connection watches so many runs that they share their frames.
    """

    run_id: str
    peer: Peer
    since: str
    transport: str
    mode: str
    rate: float
    level: bool
    stuck: bool
    behind: int
    conflated: dict[str, int]
    limited: bool


def watching(switchboard: Switchboard) -> Iterator[Watching]:
    """Everybody, as it is now."""
    for connection in switchboard.connections:
        for run_id, watcher in connection.watchers.items():
            feed = switchboard.feeds.get(run_id)
            head = 0 if feed is None else feed.mirror.head.seq
            yield _one(connection, run_id, watcher, head)


def _one(connection: Connection, run_id: str, watcher: Watcher, head: int) -> Watching:
    kind = watcher.cohort.kind
    place = watcher.place
    return Watching(
        run_id=run_id,
        peer=connection.peer,
        since=to_text(connection.since),
        transport=kind.framing.name,
        mode=kind.mode,
        rate=kind.rate,
        level=watcher.level,
        stuck=connection.paused,
        behind=max(0, head - (0 if place is None else place.seq)),
        conflated=dict(watcher.cohort.conflated),
        limited=connection.limited,
    )
