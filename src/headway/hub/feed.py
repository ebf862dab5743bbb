"""A feed: one run that somebody watches, its mirror of the log, and its watchers in their cohorts.

Theory of operation: the follower's records go to the mirror, which applies them and tells the feed, which feeds every
cohort; when the batch is through, each cohort sends what is due. A watcher that is not level is advanced whenever
something has changed for it: the log was opened, something was read for it, its transport has room again, its cohort
has moved on. With nobody left a feed that was opened lingers for a few seconds, and goes; one of a run that is not
there goes at once, since anybody can make up a thousand names of runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from headway.errors import Gap, HeadwayError, TooManyWays
from headway.hub.catching import Catching
from headway.hub.cohort import BEGINNING, Cohort, Watcher, cursor_text
from headway.hub.framing import Framing, prepared
from headway.hub.kind import Kind
from headway.hub.lingering import Lingering
from headway.hub.mirror import Means, Mirror, Phase
from headway.hub.passages import check
from headway.hub.surroundings import Timer
from headway.ports import Record
from headway.progress.state import State, View
from headway.protocol.events import Event
from headway.protocol.frames import (
    EndFrame,
    FrameGap,
    ProblemFrame,
    SnapshotFrame,
    TickFrame,
    WaitingFrame,
    encode_frame,
)
from headway.protocol.times import to_text

TOGETHER_S = 0.05
"""Cohorts whose ticks are due within this get them together."""


class Feed:
    """One run that is watched. For one thread.

    Args:
        run_id: The run.
        means: What all feeds share.
        lingering: Those that nobody needs any more.
        drop: Called when nobody needs it any more.

    Attributes:
        run_id: The run.
        mirror: The log.
        watchers: All who watch it.
        cohorts: These, by what they have in common.
        error: Why the log cannot be read, once that is so.
    """

    def __init__(self, run_id: str, means: Means, lingering: Lingering, drop: Callable[[Feed], object]) -> None:
        self.run_id = run_id
        self.watchers: dict[Watcher, None] = {}
        self.cohorts: dict[Kind, Cohort] = {}
        self._means = means
        self._lingering = lingering
        self._drop = drop
        self._holds = 0
        self._hearers: dict[Callable[[], object], None] = {}
        self._waiting: dict[Watcher, float] = {}
        self.error: HeadwayError | None = None
        self._ticking: Timer | None = None
        self._giving_up: Timer | None = None
        self._going: Timer | None = None
        self.mirror = Mirror(run_id, means, self)
        self._catching = Catching(self.mirror, means, self)
        self._rest()

    # Watchers

    def cohort(self, kind: Kind) -> Cohort:
        """The cohort of a kind.

        Raises:
            TooManyWays: There are too many kinds already.
        """
        found = self.cohorts.get(kind)
        if found is None:
            limit = self._means.settings.kinds_per_run
            self.cohorts = {kind: cohort for kind, cohort in self.cohorts.items() if cohort.watchers}
            if len(self.cohorts) >= limit:
                raise TooManyWays(
                    f"run {self.run_id} is watched in {limit} ways already: leave out 'types', or use the usual 'rate'"
                )
            found = self.cohorts[kind] = Cohort(kind, self.mirror, self, self._means.surroundings)
        return found

    def join(self, watcher: Watcher) -> None:
        """Begin to serve a watcher."""
        self.watchers[watcher] = None
        watcher.cohort.watchers += 1
        self._stay()
        if self.mirror.phase is Phase.ABSENT:
            self._wait_for_run(watcher)
        elif self.mirror.phase is Phase.OPEN and self._is_allowed(watcher):
            self.advance(watcher)

    def leave(self, watcher: Watcher) -> None:
        """A watcher watches no more; nothing if it does not."""
        if watcher not in self.watchers:
            return
        del self.watchers[watcher]
        self._waiting.pop(watcher, None)
        cohort = watcher.cohort
        cohort.leave(watcher)
        watcher.cursor = None  # nothing that is being read for it will be for its place
        cohort.watchers -= 1
        if not cohort.watchers:
            del self.cohorts[cohort.kind]
        self._rest()

    def finish(self, watcher: Watcher) -> None:
        """See ``Guide.finish``."""
        self.leave(watcher)
        watcher.connection.finished(self.run_id)

    def advance(self, watcher: Watcher) -> None:
        """See ``Guide.advance``."""
        if watcher in self.watchers and self.mirror.phase is Phase.OPEN:
            self._catching.advance(watcher)
            if watcher.level:
                self._keep_ticking()

    # Others who need it

    def hold(self) -> None:
        """Keep it although nobody watches; until ``release``."""
        self._holds += 1
        self._stay()

    def release(self) -> None:
        """The other end of ``hold``."""
        self._holds -= 1
        self._rest()

    def hear(self, callback: Callable[[], object]) -> None:
        """Call once, when the run's log or its phase has moved on."""
        self._hearers[callback] = None

    def unhear(self, callback: Callable[[], object]) -> None:
        """Do not call it; nothing if it was called."""
        self._hearers.pop(callback, None)

    def _tell_hearers(self) -> None:
        hearers, self._hearers = self._hearers, {}
        for callback in hearers:
            callback()

    def _rest(self) -> None:
        """Go if nobody needs it: in a while, or else not before those who are about to need it have said so."""
        if self.watchers or self._holds or self._going is not None:
            return
        if self.mirror.phase is Phase.OPEN:
            self._going = self._later(self._means.settings.linger_s, self.close)
            self._lingering.add(self)
        else:
            self._going = self._later(0.0, self.close)

    def hurry(self) -> None:
        """See ``Lingerer.hurry``."""
        self._stay()
        self._going = self._later(0.0, self.close)

    def _later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        return self._means.surroundings.call_at(self._means.surroundings.now() + seconds, callback)

    def _stay(self) -> None:
        self._lingering.discard(self)
        if self._going is not None:
            self._going.cancel()
            self._going = None

    def close(self) -> None:
        """Let go of everything."""
        self.mirror.close()
        self._lingering.discard(self)
        self._drop(self)
        for timer in (self._ticking, self._giving_up, self._going):
            if timer is not None:
                timer.cancel()
        for cohort in self.cohorts.values():
            cohort.reset()
        self._tell_hearers()

    # The log

    def take(self, record: Record) -> None:
        """What the follower brought; a call of ``moved`` follows when the batch is through."""
        self.mirror.take(record)

    def applied(self, event: Event, body: bytes) -> None:
        """See ``Listener.applied``."""
        for cohort in self.cohorts.values():
            cohort.feed(event, body)

    def moved(self) -> None:
        """See ``Listener.moved``."""
        if self.mirror.phase is not Phase.OPEN:
            return
        for cohort in tuple(self.cohorts.values()):
            cohort.pump()
        settled = min((cohort.settled.seq for cohort in self.cohorts.values()), default=self.mirror.head.seq)
        self.mirror.recent.trim(self._means.settings.recent_events, self._means.room(), settled)
        self._catching.forget()
        self._tell_hearers()

    def opened(self) -> None:
        """See ``Listener.opened``."""
        self._waiting.clear()
        for watcher in tuple(self.watchers):
            if self._is_allowed(watcher):
                self.advance(watcher)
        self._tell_hearers()

    def _is_allowed(self, watcher: Watcher) -> bool:
        may_watch = watcher.connection.may_watch
        if may_watch is None or may_watch(self.run_id, self.mirror.fold.short_state().kind):
            return True
        self._refuse(watcher, "not-found", f"there is no run {self.run_id!r} that you may watch")
        return False

    def absent(self) -> None:
        """See ``Listener.absent``."""
        for watcher in tuple(self.watchers):
            self._wait_for_run(watcher)
        self._tell_hearers()

    def diverged(self) -> None:
        """See ``Listener.diverged``."""
        for watcher in self.watchers:
            if watcher.place is not None:
                watcher.gap = FrameGap(after=cursor_text(watcher.place), reason="diverged")
        for cohort in self.cohorts.values():
            cohort.reset()
        for watcher in self.watchers:
            watcher.cursor, watcher.owed = None, False
        self._tell_hearers()

    def gone(self, error: HeadwayError | None) -> None:
        """See ``Listener.gone``."""
        self.error = error
        for watcher in tuple(self.watchers):
            if error is None:
                self._end_deleted(watcher)
            else:
                self._refuse(watcher, error.code, f"run {self.run_id!r} cannot be read")
        self.close()

    # Runs that are not there

    def _wait_for_run(self, watcher: Watcher) -> None:
        if not watcher.told:
            watcher.told = True
            if watcher.cursor is None:  # nothing may be missed, so a snapshot is not enough
                watcher.cursor, watcher.owed = BEGINNING, True
            self._waiting[watcher] = self._means.surroundings.now() + self._means.settings.waiting_s
            self._watch_patience()
            self._ask_if_deleted(watcher)
            self._tell(watcher, WaitingFrame(run_id=self.run_id))  # the last: it may be the end of the watcher

    def _watch_patience(self) -> None:
        if self._giving_up is None and self._waiting:
            until = next(iter(self._waiting.values()))
            self._giving_up = self._means.surroundings.call_at(until, self._give_up_waiting)

    def _give_up_waiting(self) -> None:
        self._giving_up = None
        now = self._means.surroundings.now()
        for watcher in [watcher for watcher, until in self._waiting.items() if until <= now]:
            self._refuse(watcher, "not-found", f"run {self.run_id!r} did not come to be")
        self._watch_patience()

    def _ask_if_deleted(self, watcher: Watcher) -> None:
        """Who brings a cursor of a run that is not there: was it deleted, or never here?"""
        cursor = watcher.cursor
        if cursor is not None and cursor.epoch:
            store, run_id = self._means.store, self.run_id
            self._means.surroundings.read(lambda: check(store, run_id, cursor), partial(self._hear_if_deleted, watcher))

    def _hear_if_deleted(self, watcher: Watcher, answer: HeadwayError | None) -> None:
        if not isinstance(answer, Gap) or answer.reason != "deleted" or self.mirror.phase is not Phase.ABSENT:
            return
        if watcher in self.watchers:
            after = cursor_text(watcher.cursor)
            now = to_text(self._means.surroundings.wall())
            frame = SnapshotFrame(
                run_id=self.run_id,
                cursor=after,
                state=msgspec.Raw(encode_frame(State(run_id=self.run_id))),
                view=msgspec.Raw(encode_frame(View(now=now))),
                gap=FrameGap(after=after, reason="deleted"),
            )
            self._tell(watcher, frame)
            self._end_deleted(watcher)

    # Frames for one

    def _end_deleted(self, watcher: Watcher) -> None:
        frame = EndFrame(run_id=self.run_id, status="deleted", cursor=cursor_text(watcher.place))
        watcher.connection.tell_end(self.run_id, watcher.cohort.kind.framing.wrap(prepared(frame)))
        self.finish(watcher)

    def _refuse(self, watcher: Watcher, code: str, message: str) -> None:
        self._tell(watcher, ProblemFrame(code=code, message=message, run_id=self.run_id))
        self.finish(watcher)

    def _tell(self, watcher: Watcher, frame: WaitingFrame | SnapshotFrame | ProblemFrame) -> None:
        watcher.connection.tell(watcher.cohort.kind.framing.wrap(prepared(frame)))

    # Ticks

    def _keep_ticking(self) -> None:
        if self._ticking is None and not self.mirror.ended:
            sent = [cohort.sent_at for cohort in self.cohorts.values() if cohort.members]
            if sent:
                until = min(sent) + self._means.settings.tick_s
                self._ticking = self._means.surroundings.call_at(until, self._tick)

    def _tick(self) -> None:
        self._ticking = None
        self._catching.forget()
        now = self._means.surroundings.now()
        texts: dict[Framing, bytes] = {}
        for cohort in tuple(self.cohorts.values()):
            if cohort.sent_at <= now - self._means.settings.tick_s + TOGETHER_S and not self.mirror.ended:
                framing = cohort.kind.framing
                if framing not in texts:
                    texts[framing] = framing.wrap(prepared(self._tick_frame()))
                cohort.tick(texts[framing], now)
        self._keep_ticking()

    def _tick_frame(self) -> TickFrame:
        mirror = self.mirror
        last = mirror.fold.short_state().last_event_at
        return TickFrame(run_id=self.run_id, view=msgspec.Raw(mirror.view()), last_event_at=last)
