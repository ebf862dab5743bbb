"""A connection: one transport, whatever it watches, and its share of frames.

There may be ten thousand that do nothing, so it is small: what most of them never need is made when it is needed.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from typing import Protocol

from headway.errors import LimitExceeded, TooManyRuns
from headway.hub.carrier import Held
from headway.hub.cohort import BEGINNING, Watcher, cursor_text
from headway.hub.feed import Feed
from headway.hub.framing import SSE_JOINED, Framing, prepared
from headway.hub.kind import Kind
from headway.hub.lists import Lists, ListWatcher
from headway.hub.settings import HubSettings
from headway.hub.sink import MayWatch, Peer, RunScope, Sink
from headway.hub.surroundings import Surroundings, Timer
from headway.progress.bucket import TokenBucket
from headway.protocol.cursor import Cursor, parse
from headway.protocol.events import Json
from headway.protocol.farewell import farewell
from headway.protocol.frames import CloseCode, Frame, PongFrame, ProblemFrame, Watch, WatchedRun
from headway.protocol.sse import END_SUFFIX
from headway.protocol.times import to_text

_log = logging.getLogger("headway.hub")

FASTEST = 10
"""The highest rate of frames of one run."""

COME_BACK_S = 4.0
"""Over how long clients are asked to spread their return, so that they do not all come at once; no longer than they
would wait by themselves."""

TOLD_BYTES = 2 * 1024 * 1024
"""What a full transport is told of what becomes of its runs, and of what is refused. Of a run with the longest name
these are 1,400 bytes: that it is not there, that it was deleted, and its end. Who asks for a thousand of them again and
again is told no more."""


class House(Protocol):
    """The hub, as its connections see it."""

    @property
    def surroundings(self) -> Surroundings:
        """Time and timers."""

    @property
    def settings(self) -> HubSettings:
        """The bounds."""

    @property
    def lists(self) -> Lists:
        """The lists of runs."""

    def feed(self, run_id: str) -> Feed:
        """The feed of a run; made if there is none."""

    def paused(self, connection: Connection) -> None:
        """Its transport is full."""

    def resumed(self, connection: Connection) -> None:
        """It has room again."""

    def left(self, connection: Connection) -> None:
        """It is closed."""


class Connection:
    """One transport. All methods are for the hub's thread, and none of them waits.

    Attributes:
        framing: How frames become what its transport writes.
        peer: Who is behind it.
        since: Seconds since 1970.
        watchers: What it watches, by run.
        paused: Its transport is full.
        closed: Nothing is sent any more.
        limited: Its runs together could be more than it may be sent.
        place: Where it stands among those who are called in turn.
        may_watch: Which runs it may watch; None for all.
        write: Sends bytes.
    """

    __slots__ = (
        "_bucket",
        "_close_on_end",
        "_echo",
        "_held",
        "_house",
        "_list",
        "_places",
        "_releasing",
        "_sink",
        "_told",
        "closed",
        "framing",
        "limited",
        "may_watch",
        "paused",
        "peer",
        "place",
        "since",
        "watchers",
        "write",
    )

    def __init__(self, house: House, sink: Sink, framing: Framing, peer: Peer, may_watch: MayWatch | None) -> None:
        self._house = house
        self._sink = sink
        self.framing = framing
        self.peer = peer
        self.may_watch = may_watch
        self.since = house.surroundings.wall()
        self.place = self._told = 0
        self.watchers: dict[str, Watcher] = {}
        self.paused = self.closed = self.limited = self._close_on_end = False
        self._bucket: TokenBucket | None = None
        self._held: dict[Held, None] | None = None
        self._releasing: Timer | None = None
        self._list: ListWatcher | None = None
        self._echo: tuple[Json] | None = None
        self._places: dict[str, str] | None = {} if framing is SSE_JOINED else None
        self.write: Callable[[bytes], object] = sink.write if self._places is None else self._write_joined

    # What it watches

    def expect(self, runs: Iterable[WatchedRun]) -> None:
        """Say from where runs will be watched, before anything is written.

        A stream of several runs has the places of all of them in each of its ids: one that had none yet, in the first
        frame, would make a browser forget where it was.
        """
        if self._places is not None:
            self._places |= {run.run_id: run.after or "" for run in runs}

    def watch(self, message: Watch) -> None:
        """Watch runs, as the message says; one that is watched already begins anew. Nothing once it is closed.

        What cannot be done for one run is told in a ``problem``. An ``after`` may have ``.end`` behind it, as the id
        of an ``end`` has: then nothing of that run is sent.

        Raises:
            InvalidCursor: An ``after`` is not a cursor; nothing is watched.
            TooManyRuns: It names more of them than one connection may watch; nothing is watched.
        """
        if self.closed:
            return
        wanted = message.watched
        self._house.settings.check_runs(len(wanted), joined=self._places is not None)
        _check_places(wanted)
        self.expect(wanted)
        self._close_on_end = self._close_on_end or message.close_on_end
        rate = float(message.rate) if message.mode == "paced" else 0.0
        types = None if message.types is None else frozenset(message.types)
        kind = Kind(self.framing, message.mode, rate, types)
        # All of them first: one that comes to its end at once must not close a connection that has others.
        begun = [(run.run_id, self._begin(run, kind)) for run in wanted]
        self._limit()
        for run_id, watcher in begun:
            if watcher is not None and self.watchers.get(run_id) is watcher:
                watcher.cohort.guide.join(watcher)
        self._close_if_done()

    def _begin(self, run: WatchedRun, kind: Kind) -> Watcher | None:
        """A watcher that is not served yet; None if all was had, or, with a ``problem``, if there may be no other."""
        self._drop(run.run_id)
        if self.closed or (run.after is not None and run.after.endswith(END_SUFFIX)):
            return None
        try:
            self._check_room()
            cohort = self._house.feed(run.run_id).cohort(kind)
        except LimitExceeded as error:
            self.refuse(error.code, str(error), run.run_id)
            return None
        watcher = self.watchers[run.run_id] = Watcher(self, cohort, _cursor(run.after))
        return watcher

    def _check_room(self) -> None:
        most = self._house.settings.runs_per_connection
        if len(self.watchers) >= most:
            raise TooManyRuns(f"this connection watches {most:,} runs already: open another one")

    def unwatch(self, run_ids: Iterable[str]) -> None:
        """Watch these runs no more; nothing happens for those that are not watched."""
        for run_id in run_ids:
            self._drop(run_id)
            if self._places is not None:
                self._places.pop(run_id, None)
        self._limit()
        self._close_if_done()

    def _drop(self, run_id: str) -> None:
        watcher = self.watchers.pop(run_id, None)
        if watcher is not None:
            self.unhold(watcher)
            watcher.cohort.guide.leave(watcher)

    def snapshot(self, run_id: str) -> None:
        """Send a snapshot of a run that is watched, as it is now, and from then on what follows it."""
        watcher = self.watchers.get(run_id)
        if watcher is None:
            self.refuse("not-found", f"run {run_id!r} is not watched", run_id)
            return
        if not watcher.owed:
            watcher.owed = True
            watcher.cohort.leave(watcher)
            watcher.cohort.guide.advance(watcher)

    def watch_runs(self, scope: RunScope, after: str | None = None) -> None:
        """Watch a list of runs, from a cursor of it on; instead of the one that was watched."""
        self.unwatch_runs()
        if not self.closed:
            self._list = self._house.lists.join(self, self.framing, scope, after)

    def unwatch_runs(self) -> None:
        """Watch no list any more."""
        if self._list is not None:
            self._house.lists.leave(self._list)
            self._list = None

    # What the transport says

    def pause(self) -> None:
        """The transport is full; nothing is written until ``resume``, but the ends of things and what is refused."""
        if self.paused or self.closed:
            return
        self.paused, self._told = True, 0
        for watcher in self.watchers.values():
            self.unhold(watcher)
            watcher.cohort.leave(watcher)
        if self._list is not None:
            self._house.lists.pause(self._list)
        self._house.paused(self)

    def resume(self) -> None:
        """The transport has room again: everybody gets what was missed."""
        if not self.paused or self.closed:
            return
        self.paused = False
        self._house.resumed(self)
        if self._echo is not None:
            (echo,), self._echo = self._echo, None
            self.pong(echo)
        for watcher in tuple(self.watchers.values()):
            watcher.cohort.guide.advance(watcher)
        if self._list is not None:
            self._house.lists.advance(self._list)

    def close(self) -> None:
        """The transport is gone; a second time does nothing."""
        if self.closed:
            return
        self.closed = True
        if self._releasing is not None:
            self._releasing.cancel()
        for run_id in tuple(self.watchers):
            self._drop(run_id)
        self.unwatch_runs()
        self._house.left(self)

    # What it is sent

    def send(self, frame: Frame) -> None:
        """Send a frame to this one alone; not while its transport is full."""
        if not self.paused:
            self.put(self.framing.wrap(prepared(frame)))

    def pong(self, echo: Json) -> None:
        """Answer a ping: at once, or when the transport has room again, and then only the newest one."""
        if self.paused:
            self._echo = (echo,)
        else:
            self.send(PongFrame(at=to_text(self._house.surroundings.wall()), echo=echo))

    def refuse(self, code: str, message: str, run_id: str | None = None) -> None:
        """Say that something cannot be done, full or not; who asks for too much of that is closed, as by ``tell``."""
        self.tell(self.framing.wrap(prepared(ProblemFrame(code=code, message=message, run_id=run_id))))

    def put(self, data: bytes) -> None:
        """See ``Carrier.put``."""
        if self.closed:
            return
        try:
            self.write(data)
        except Exception as error:
            self.give_up(error)

    def tell(self, data: bytes) -> None:
        """See ``Carrier.tell``."""
        if self.paused:
            self._told += len(data)
            if self._told > TOLD_BYTES:
                self.end(CloseCode.OVERLOAD, "it asks for more than it takes")
        self.put(data)

    def tell_end(self, run_id: str, data: bytes) -> None:
        """See ``Carrier.tell_end``."""
        if self._places is not None and not self.closed:
            self._places[run_id] = cursor_text(self.watchers[run_id].place) + END_SUFFIX
        self.tell(data)

    def _write_joined(self, data: bytes) -> None:
        """Every frame has the places of all runs, in the order in which they were first watched."""
        assert self._places is not None
        self._places = {run_id: self._newest_place(run_id, known) for run_id, known in self._places.items()}
        id_ = ",".join(self._places.values())
        # An empty id is not none: it would make a browser forget the one that it has.
        self._sink.write(b"id: %b\n%b" % (id_.encode(), data) if id_ else data)

    def _newest_place(self, run_id: str, known: str) -> str:
        """Where a run's watcher is; where it was, if there is none any more."""
        watcher = self.watchers.get(run_id)
        place = None if watcher is None or known.endswith(END_SUFFIX) else watcher.place
        return known if place is None else cursor_text(place)

    def beat(self) -> None:
        """It is time for a sign of life."""
        self._sink.beat()

    # How it ends

    def finished(self, run_id: str) -> None:
        """See ``Carrier.finished``."""
        watcher = self.watchers.pop(run_id, None)
        if watcher is not None:
            self.unhold(watcher)
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._close_on_end and not self.watchers and self._list is None:
            self.end(CloseCode.ALL_ENDED, "all runs have ended")

    def give_up(self, error: Exception) -> None:
        """See ``Carrier.give_up``."""
        if not isinstance(error, OSError):  # that a peer is gone is nothing to write home about
            _log.error("a transport failed; its connection is given up", exc_info=error)
        self.end(CloseCode.GOING_AWAY, "the transport failed")

    def end(self, code: CloseCode, reason: str) -> None:
        """Close the transport, and forget it; who is to come back is told when, at random."""
        if not self.closed:
            if code in (CloseCode.GOING_AWAY, CloseCode.OVERLOAD):
                reason = farewell(reason, random.uniform(0.0, COME_BACK_S))  # noqa: S311 -- it only spreads load
            self.close()
            try:
                self._sink.close(code, reason)
            except Exception as error:
                _log.error("a transport could not be closed", exc_info=error)

    # Its share of frames

    def _limit(self) -> None:
        """A bucket is needed only if all runs together could be more than the connection may have."""
        most = self._house.settings.connection_rate
        if self._bucket is not None or len(self.watchers) * FASTEST <= most:
            return
        if sum(watcher.cohort.kind.rate for watcher in self.watchers.values()) > most:
            self._bucket = TokenBucket(most, most)
            self.limited = True
            for watcher in self.watchers.values():
                watcher.cohort.limited = True

    def share(self, now: float) -> bool:
        """See ``Carrier.share``."""
        return self._bucket is None or (not self._held and self._bucket.take(now))

    def hold(self, waiting: Held) -> None:
        """See ``Carrier.hold``."""
        if self._held is None:
            self._held = {}
        self._held[waiting] = None
        self._watch_share()

    def unhold(self, waiting: Held) -> None:
        """See ``Carrier.unhold``."""
        waiting.held = False
        if self._held is not None:
            self._held.pop(waiting, None)

    def _watch_share(self) -> None:
        if self._held and self._releasing is None and self._bucket is not None:
            surroundings = self._house.surroundings
            self._releasing = surroundings.call_at(self._bucket.ready_at(surroundings.now()), self._release)

    def _release(self) -> None:
        self._releasing = None
        if self._held and self._bucket is not None and self._bucket.take(self._house.surroundings.now()):
            waiting = next(iter(self._held))
            self.unhold(waiting)
            waiting.let_go()
        self._watch_share()


def _check_places(runs: Iterable[WatchedRun]) -> None:
    for run in runs:
        if run.after is not None:
            parse(run.after.removesuffix(END_SUFFIX))


def _cursor(after: str | None) -> Cursor | None:
    return None if after is None else parse(after) or BEGINNING
