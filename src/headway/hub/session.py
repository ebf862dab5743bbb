"""A watcher's session: what to do next for one watcher of one run, as a pure function of where it is.

Theory of operation: a watcher has a place, the number of the last event that is settled for it. Its cohort has one
too, which moves on with every frame. Who is where its cohort is, is *level*, and gets what the cohort gets. Everybody
else comes there by steps of its own:

- without a place it gets a snapshot, and is then where the log's head was;
- behind the cohort it is served what it lacks, up to where the cohort is: from memory, else from the store; from far
  behind, only what matters, and then a snapshot, which makes up for the rest;
- ahead of the cohort (which holds something back to pace it, or follows the store more slowly than the watcher's last
  server did) it waits, and is looked at again whenever the cohort has sent a frame.

Between two looks nothing can change that matters: a place only ever moves on by what was written to the watcher. So
whatever the steps' order, no event comes twice, and none that a watcher must have is left out.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Step(Enum):
    """What to do next for a watcher."""

    WAIT = "wait until the cohort, or the log, has moved on"
    CHECK = "ask the store whether its cursor is one of this log"
    DIVERGE = "its cursor is of another log: announce it, with a snapshot"
    SNAPSHOT = "send the state as it is now"
    FILL = "read the newest events into memory, where others will look for them too"
    MEMORY = "send what it lacks, from memory"
    STORE = "send what it lacks, from the store"
    DEEP = "send what matters of what it lacks, from the store"
    JOIN = "it is level"
    END = "send the end"


class Place(NamedTuple):
    """Where a watcher is.

    Attributes:
        seq: The last event that is settled for it; None if it has nothing yet, and gets a snapshot first.
        trusted: Whether its cursor is one of this log; None if that is not known.
        snapshot: It is owed one, as of the log's head.
        skims: From far behind it may be given only what matters.
    """

    seq: int | None
    trusted: bool | None = True
    snapshot: bool = False
    skims: bool = False


class Log(NamedTuple):
    """How things stand with the log, and with the watcher's cohort.

    Attributes:
        head: The newest event.
        settled: The last event that the cohort's frames have settled.
        kept_after: All events past this one are in memory.
        full: So many of the newest events a paced watcher gets with care for each.
        filled: Memory holds as much as it may; there is nothing to be filled in.
        ended: The newest event is the log's last.
    """

    head: int
    settled: int
    kept_after: int
    full: int = 4_096
    filled: bool = True
    ended: bool = False


def next_step(place: Place, log: Log) -> Step:
    """What to do next for a watcher that can be written to."""
    if place.seq is None:
        return Step.SNAPSHOT
    if place.trusted is False:
        return Step.DIVERGE
    target = log.head if place.snapshot else log.settled
    if place.seq < target:
        return _serve(place, place.seq, log)
    if place.trusted is None:
        return Step.CHECK
    return Step.WAIT if place.seq > target else _arrived(place, log)


def _serve(place: Place, seq: int, log: Log) -> Step:
    if seq >= log.kept_after:
        return Step.MEMORY if place.trusted else Step.CHECK
    distance = log.head - seq
    if place.skims and distance > log.full:
        return Step.DEEP  # a read from the store checks the cursor by itself
    return Step.FILL if distance <= log.full and not log.filled else Step.STORE


def _arrived(place: Place, log: Log) -> Step:
    if place.snapshot:
        return Step.SNAPSHOT
    return Step.END if log.ended and place.seq == log.head else Step.JOIN
