"""A watcher is one connection's interest in one run; a cohort those who want the same, whose frames are made once.

Theory of operation: the cohort has one pacing, which is fed every event of the log and says when a frame is due. The
frame is encoded once and the same bytes are written to every member. A member whose transport is full leaves, as does
one whose connection has had its share of frames; both keep the cohort's place as their own. Those who are ahead, and
those who were held back, stand aside, and are looked at whenever a frame was sent.

With nobody level or aside the cohort is idle: it has no pacing, costs nothing, and its place is the log's head.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from headway.hub.carrier import Carrier
from headway.hub.framing import Prepared
from headway.hub.kind import Kind
from headway.hub.mirror import Mirror
from headway.hub.stretch import Stretch
from headway.hub.surroundings import Surroundings, Timer
from headway.hub.unpaced import Unpaced
from headway.progress.backlog import TRANSITIONS, PacedFrame
from headway.progress.pacing import Pacer
from headway.protocol import cursor as cursors
from headway.protocol.cursor import Cursor
from headway.protocol.events import Event
from headway.protocol.frames import EventsHead, FrameGap, events_frame, events_tail

HIGH = ("high", "critical")

SLACK_S = 0.001
"""A timer is not set anew for less."""


BEGINNING = Cursor("", 0, 0)
"""The place of who wants everything, before it is known of which log."""


def cursor_text(cursor: Cursor | None) -> str:
    """The cursor as frames and clients have it; ``"0"`` is before everything."""
    return str(cursor) if cursor is not None and cursor.epoch else cursors.BEGINNING


class Watcher:
    """One connection's interest in one run.

    Attributes:
        connection: Whose.
        cohort: With whom it shares its frames.
        write: The connection's; here, since it is looked up for every frame.
        cursor: Up to where everything is settled; not kept while it is level. None before the first snapshot.
        trusted: Whether the cursor is one of this log; None if that is not known.
        owed: It is owed a snapshot.
        gap: What could not be delivered, to be announced with the next snapshot.
        level: It is where its cohort is, and gets what the cohort gets.
        busy: Something is being read for it.
        held: It waits for its connection to be allowed another frame.
        told: It was told that the run does not exist.
    """

    __slots__ = (
        "busy",
        "cohort",
        "connection",
        "cursor",
        "gap",
        "held",
        "level",
        "owed",
        "told",
        "trusted",
        "write",
    )

    def __init__(self, connection: Carrier, cohort: Cohort, cursor: Cursor | None) -> None:
        self.connection = connection
        self.cohort = cohort
        self.write: Callable[[bytes], object] = connection.write
        self.cursor = cursor
        self.trusted: bool | None = None
        self.gap: FrameGap | None = None
        self.level = self.busy = self.held = self.told = self.owed = False

    @property
    def place(self) -> Cursor | None:
        """Up to where everything is settled."""
        return self.cohort.settled if self.level else self.cursor

    def let_go(self) -> None:
        """See ``Held.let_go``."""
        self.held = False
        self.cohort.guide.advance(self)


class Guide(Protocol):
    """Who serves a cohort's watchers while they are not level."""

    def join(self, watcher: Watcher) -> None:
        """Begin to serve a watcher."""

    def leave(self, watcher: Watcher) -> None:
        """A watcher watches no more; nothing if it does not."""

    def advance(self, watcher: Watcher) -> None:
        """Do whatever can be done for a watcher now."""

    def finish(self, watcher: Watcher) -> None:
        """It got the end, and is no watcher any more."""


class Cohort:
    """The watchers of one run and kind. For one thread.

    Attributes:
        kind: What they have in common.
        guide: Who serves those that are not level.
        watchers: How many there are, level or not.
        conflated: What was left out of frames to all of them, by type.
        sent_at: When a frame was last sent to the level ones.
        limited: Some member's connection may have had its share of frames.
    """

    __slots__ = (
        "_aside",
        "_members",
        "_mirror",
        "_pacing",
        "_settled",
        "_surroundings",
        "_timer",
        "_timer_at",
        "_urgent_to",
        "conflated",
        "guide",
        "kind",
        "limited",
        "sent_at",
        "watchers",
    )

    def __init__(self, kind: Kind, mirror: Mirror, guide: Guide, surroundings: Surroundings) -> None:
        self.kind = kind
        self.watchers = 0
        self.conflated: Counter[str] = Counter()
        self.sent_at = surroundings.now()
        self.limited = False
        self._mirror = mirror
        self.guide = guide
        self._surroundings = surroundings
        self._members: dict[Watcher, None] = {}
        self._aside: dict[Watcher, None] = {}
        self._pacing: Pacer | Unpaced | None = None
        self._settled = mirror.head
        self._urgent_to = 0
        self._timer: Timer | None = None
        self._timer_at = 0.0

    @property
    def settled(self) -> Cursor:
        """Up to where everything is settled for the level ones."""
        return self._mirror.head if self._pacing is None else self._settled

    @property
    def members(self) -> tuple[Watcher, ...]:
        """The level ones."""
        return tuple(self._members)

    # Who is in it

    def join(self, watcher: Watcher) -> None:
        """A watcher that is where the cohort is, is level from now on."""
        self._begin_pacing()
        self._aside.pop(watcher, None)
        if not self._members:
            self.sent_at = self._surroundings.now()
        self._members[watcher] = None
        watcher.level, watcher.cursor = True, None
        self.limited = self.limited or watcher.connection.limited

    def stand_aside(self, watcher: Watcher) -> None:
        """A watcher that is not level is looked at whenever a frame was sent."""
        self._begin_pacing()
        self._aside[watcher] = None

    def leave(self, watcher: Watcher) -> None:
        """A watcher is neither level nor aside any more; it keeps its place."""
        if watcher.level:
            watcher.cursor, watcher.trusted = self.settled, True
            watcher.level = False
        self._members.pop(watcher, None)
        self._aside.pop(watcher, None)
        if not self._members and not self._aside:
            self.reset()

    def _begin_pacing(self) -> None:
        if self._pacing is None:
            self._settled = self._mirror.head
            seq = self._settled.seq
            self._pacing = Unpaced(seq) if self.kind.mode == "all" else Pacer(seq, rate=self.kind.rate)

    def reset(self) -> None:
        """Forget what waits. Who was level is so no more, and is served by itself."""
        for watcher in self._members:
            watcher.cursor, watcher.trusted, watcher.level = self.settled, True, False
        self._members.clear()
        self._aside.clear()
        self._pacing = None
        self.limited = False
        self._cancel()

    # What it is sent

    def feed(self, event: Event, body: bytes) -> None:
        """The next event of the log."""
        if self._pacing is None:
            return
        now = self._surroundings.now()
        if self.kind.types is not None and event.type not in self.kind.types:
            self._pacing.pass_over(event.seq, now)
            return
        self._pacing.feed(event, body, now)
        if event.priority in HIGH or event.type in TRANSITIONS:
            self._urgent_to = event.seq

    def pump(self) -> None:
        """Send what is due, and see to it that this is called again in time."""
        before = self.settled.seq
        while self._pacing is not None:
            now = self._surroundings.now()
            frame = self._pacing.take(now, flush=self._mirror.ended)
            if frame is None:
                break
            self._send(frame, now)
        if self._pacing is not None and self._pacing.behind:
            self._fall_behind()
        elif self.settled.seq != before:
            self._look_aside()
        if self._mirror.ended:
            self._end()
        self._schedule()

    def _send(self, frame: PacedFrame, now: float) -> None:
        if self.limited and self._urgent_to < frame.from_:
            self._hold_back(now)
        settled = self._mirror.recent.cursor_at(frame.to)
        assert settled is not None  # the nonces of what is not settled are kept
        self._settled = settled
        self.conflated.update(frame.conflated)
        if self._members:
            self._write(self.encode(Stretch(frame.from_, settled, frame.events, frame.conflated)))
            self.sent_at = now

    def encode(self, stretch: Stretch) -> bytes:
        """An ``events`` frame, as it is written."""
        head = EventsHead(self._mirror.run_id, stretch.from_, stretch.to.seq, str(stretch.to))
        tail = events_tail(stretch.conflated, self._mirror.short(), self._mirror.view())
        body = events_frame(head, stretch.events, tail)
        return self.kind.framing.wrap(Prepared("events", body, head.cursor))

    def tick(self, data: bytes, now: float) -> None:
        """A sign of life, for those whose connection may have another frame."""
        self.sent_at = now
        if self.limited:
            for watcher in tuple(self._members):
                if watcher.connection.share(now):
                    watcher.connection.put(data)
        else:
            self._write(data)

    def _write(self, data: bytes) -> None:
        """Write the same bytes to all who are level."""
        # A transport that is full leaves the cohort from within its own write.
        for watcher in tuple(self._members):
            try:
                watcher.write(data)
            except Exception as error:
                watcher.connection.give_up(error)

    def _hold_back(self, now: float) -> None:
        """Members whose connection has had its share get what this frame settles later, with what comes after it."""
        for watcher in tuple(self._members):
            if not watcher.connection.share(now):
                del self._members[watcher]
                watcher.cursor, watcher.trusted, watcher.level = self._settled, True, False
                self._aside[watcher] = None
                watcher.held = True
                watcher.connection.hold(watcher)

    def _look_aside(self) -> None:
        urgent = self._urgent_to > 0
        for watcher in tuple(self._aside):
            place = watcher.place
            if watcher.held and urgent and place is not None and place.seq < self._urgent_to <= self.settled.seq:
                watcher.held = False
                watcher.connection.unhold(watcher)
            self.guide.advance(watcher)

    def _fall_behind(self) -> None:
        watchers = (*self._members, *self._aside)
        self.reset()
        for watcher in watchers:
            self.guide.advance(watcher)

    def _end(self) -> None:
        for watcher in tuple(self._members):
            self.leave(watcher)
            self.guide.advance(watcher)

    # When

    def _schedule(self) -> None:
        now = self._surroundings.now()
        due = None if self._pacing is None else self._pacing.due(now)
        if due is None:
            self._cancel()
        elif self._timer is None or due < self._timer_at - SLACK_S:  # one that rings too early sets itself anew
            self._cancel()
            self._timer, self._timer_at = self._surroundings.call_at(due, self._ring), due

    def _ring(self) -> None:
        self._timer = None
        self.pump()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
