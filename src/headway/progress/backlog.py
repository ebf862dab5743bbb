"""What waits to be sent to one kind of watcher, in order, with what has become pointless taken out and counted.

Theory of operation: the waiting events stand in segments, each a stretch of the log of which at most one frame's
worth waits; nearly always there is one. An event that makes an older one pointless (a newer progress of the same
stage) removes it from the segment that it stands in, which counts it as conflated. So each segment always accounts
for its whole stretch, and the oldest can go as a frame whatever has happened to those after it.
"""

from __future__ import annotations

from collections import deque

import msgspec

from headway.protocol.codec import data_of
from headway.protocol.events import TYPES, Delivery, Event, Json, Log

FRAME_BYTES = 256 * 1024
"""One frame on the wire."""

ENVELOPE_BYTES = 72 * 1024
"""Left free in a frame for all that is not events: a message in its ``short`` can be as long as an event."""

LINES_KEPT = 100
"""Newest lines of log that wait; events are kept whole, so the oldest one may bring more."""

TRANSITIONS = frozenset(("stage.started", "stage.completed", "stage.failed", "stage.skipped", "stage.degraded"))
"""The types that show how a stage's status changes: they are as urgent as CRITICAL ones."""


_Key = tuple[str, str]
"""A type and a stage, or a type and an id: of those who share it only the newest is worth sending."""

_members = msgspec.json.Decoder(dict[str, Json]).decode


_COUNT_BYTES = 16
"""A count in a frame beside its type's name: quotes, colon, comma and the number."""


class PacedFrame(msgspec.Struct, frozen=True, kw_only=True):
    """What settles the events ``from_``…``to`` for a watcher.

    ``events`` are those that it gets, as they were stored and in order; ``conflated`` counts, by type, those that it
    does not. Together they are all that was fed of that stretch.
    """

    from_: int
    to: int
    events: tuple[bytes, ...]
    conflated: dict[str, int]


class _Waiting:
    """An event that waits."""

    __slots__ = ("body", "key", "lines", "members", "segment", "seq", "type", "urgent")

    segment: _Segment

    def __init__(self, event: Event, body: bytes) -> None:
        self.seq = event.seq
        self.type = event.type
        self.body = body
        self.urgent = event.priority == "critical" or event.type in TRANSITIONS
        self.key: _Key | None = None
        self.members: frozenset[str] = frozenset()
        self.lines = 0


class _Segment:
    """A stretch of the log, ``first``…``last``, of which at most one frame's worth waits."""

    __slots__ = ("conflated", "first", "high_since", "last", "since", "size", "waiting")

    def __init__(self, first: int, now: float) -> None:
        self.first = first
        self.last = first
        self.since = now
        self.high_since: float | None = None
        self.waiting: dict[int, _Waiting] = {}
        self.size = 0
        self.conflated: dict[str, int] = {}

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more still fit into one frame; an empty one takes anything."""
        return not self.size or self.size + size <= FRAME_BYTES - ENVELOPE_BYTES

    def add(self, event: _Waiting) -> None:
        event.segment = self
        self.waiting[event.seq] = event
        self.size += _size(event)

    def conflate(self, event: _Waiting) -> None:
        del self.waiting[event.seq]
        self.size -= _size(event)
        self.count(event.type, 1)

    def count(self, type_: str, conflated: int) -> None:
        """The counts stand in the frame too, so their names take room; less than the events did."""
        if type_ not in self.conflated:
            self.size += len(type_) + _COUNT_BYTES
        self.conflated[type_] = self.conflated.get(type_, 0) + conflated

    def join(self, later: _Segment) -> None:
        """Take over the next segment."""
        self.last = later.last
        for event in later.waiting.values():
            self.add(event)
        for type_, count in later.conflated.items():
            self.count(type_, count)
        self.high_since = later.high_since if self.high_since is None else self.high_since

    def frame(self) -> PacedFrame:
        bodies = tuple([event.body for event in self.waiting.values()])
        return PacedFrame(from_=self.first, to=self.last, events=bodies, conflated=self.conflated)


def _size(event: _Waiting) -> int:
    return len(event.body) + 1  # the comma after it


class Backlog:
    """The events that wait. Memory is bounded by whoever looks at ``count`` and ``size``.

    Attributes:
        count: How many wait.
        size: Their bytes.
        urgent: How many of them are CRITICAL or show how a stage's status changes.
        findings: How many are findings, urgent ones apart.
    """

    __slots__ = ("_lines", "_logs", "_newest", "_segments", "count", "findings", "size", "urgent")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Let go of everything."""
        self.count = self.size = self.urgent = self.findings = 0
        self._segments: deque[_Segment] = deque()
        self._newest: dict[_Key, list[_Waiting]] = {}
        self._logs: deque[_Waiting] = deque()
        self._lines = 0

    @property
    def since(self) -> float | None:
        """When the oldest that no frame has settled was fed, whether it waits or not; None when all is settled."""
        return self._segments[0].since if self._segments else None

    @property
    def high_since(self) -> float | None:
        """When the oldest HIGH event that no frame has settled was fed; None when there is none."""
        return min((one.high_since for one in self._segments if one.high_since is not None), default=None)

    def pass_over(self, seq: int, now: float) -> None:
        """An event that the watcher does not want: it is settled with its neighbours, and not counted."""
        self._segment_for(0, seq, now).last = seq

    def add(self, event: Event, body: bytes, now: float) -> None:
        """The next event of the log."""
        waiting = _Waiting(event, body)
        for pointless in self._made_pointless(waiting, event):
            self._forget(pointless)
            pointless.segment.conflate(pointless)
            waiting.urgent |= pointless.urgent
        self._remember(waiting)
        segment = self._segment_for(_size(waiting), event.seq, now)
        segment.last = event.seq
        segment.add(waiting)
        if event.priority == "high" and segment.high_since is None:
            segment.high_since = now

    def pop(self) -> PacedFrame:
        """The frame that settles the oldest stretch, as long as fits into one; only when something is unsettled."""
        segment = self._segments.popleft()
        while self._segments and segment.has_room(self._segments[0].size):
            segment.join(self._segments.popleft())
        for event in segment.waiting.values():
            self._forget(event)
        return segment.frame()

    def _segment_for(self, size: int, seq: int, now: float) -> _Segment:
        if not self._segments or not self._segments[-1].has_room(size):
            self._join_neighbours()
            self._segments.append(_Segment(seq, now))
        return self._segments[-1]

    def _join_neighbours(self) -> None:
        """Where much has become pointless, fewer segments will do; this bounds how many there are."""
        joined: deque[_Segment] = deque()
        for segment in self._segments:
            if joined and joined[-1].has_room(segment.size):
                joined[-1].join(segment)
            else:
                joined.append(segment)
        self._segments = joined

    def _made_pointless(self, new: _Waiting, event: Event) -> list[_Waiting]:
        """Those waiting that nobody needs once there is the new one; tells it under what to be remembered."""
        delivery = _delivery(event)
        if delivery == "all":
            return []
        if delivery == "newest-lines":
            new.lines = _lines(event)
            return self._oldest_lines(new.lines)
        if delivery == "latest-per-id":
            given = {"stage": event.stage, **_members(event.data)}
            new.key = (event.type, given["id"])
            new.members = frozenset([name for name, value in given.items() if value is not None])
        else:
            new.key = (event.type, "" if delivery == "newest" else event.stage or "")
        return [old for old in self._newest.get(new.key, ()) if old.members <= new.members]

    def _oldest_lines(self, coming: int) -> list[_Waiting]:
        spare = self._lines + coming - LINES_KEPT
        pointless = []
        for old in self._logs:
            spare -= old.lines
            if spare < 0:
                break
            pointless.append(old)
        return pointless

    def _remember(self, event: _Waiting) -> None:
        self._count(event, 1)
        if event.key is not None:
            self._newest.setdefault(event.key, []).append(event)
        elif event.lines:
            self._logs.append(event)

    def _forget(self, event: _Waiting) -> None:
        """Take it out of the indexes; lines go in order, the oldest first."""
        self._count(event, -1)
        if event.key is not None:
            same = self._newest[event.key]
            same.remove(event)
            if not same:
                del self._newest[event.key]
        elif event.lines:
            self._logs.popleft()

    def _count(self, event: _Waiting, one: int) -> None:
        self.count += one
        self.size += one * _size(event)
        self._lines += one * event.lines
        if event.urgent:
            self.urgent += one
        elif event.type == "finding":
            self.findings += one


def _delivery(event: Event) -> Delivery:
    """What of events of this type a paced watcher gets; those of a later protocol go like custom ones."""
    known = TYPES.get(event.type)
    if known is not None:
        return known.delivery
    return "all" if event.priority in ("critical", "high") else "newest-per-name"


def _lines(event: Event) -> int:
    """Lines of a ``log`` event; one without any (its text was elided) counts as one, so that they go too."""
    data = data_of(event)
    return max(1, len(data.lines)) if isinstance(data, Log) else 1
