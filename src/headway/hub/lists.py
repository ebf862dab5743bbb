"""Lists of runs that are watched: what changed, a few times a second, made once for all who watch the same list.

Theory of operation: every record of the follower marks its run as changed. A round looks at the marked runs as they
are now (in memory if they are watched, else their headers in the store), numbers itself, and sends each cohort what is
in its list, or no longer. The rounds of the last while are remembered by the ids that changed in them: who was not
there for some rounds (its transport was full, or it was away) gets what changed in them, as it is now. Who was away for
longer, or comes from another server, begins anew with the newest runs.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import msgspec

from headway.errors import HeadwayError, NotFound
from headway.hub.carrier import Carrier
from headway.hub.framing import Framing, prepared
from headway.hub.listing import short_state
from headway.hub.mirror import RETRY_S
from headway.hub.settings import HubSettings
from headway.hub.sink import RunScope
from headway.hub.surroundings import Surroundings, Timer
from headway.ports import EventStore, Record, RunFilter
from headway.progress.backlog import ENVELOPE_BYTES, FRAME_BYTES
from headway.progress.state import ShortState
from headway.protocol import cursor as cursors
from headway.protocol.events import TERMINAL
from headway.protocol.frames import RunsFrame, encode_frame

ROUNDS_KEPT = 2_000
"""Rounds that are remembered, a quarter of an hour of a busy server."""

CHANGES_KEPT = 50_000
"""Runs that changed in them, all together; one that changed in two counts twice."""

IN_ONE_ROUND = 500
"""Runs in one round; the others are in the next one."""

MOVES = TERMINAL | {"run.created", "run.started", "run.lost", "run.recovered"}
"""The events after which a run may be in another status."""

PAGES_TRIED = 5
"""Pages of runs that are looked through for a list which only some kinds may be in."""


class Change(NamedTuple):
    """A run that changed; ``short`` is None when it is gone. ``moved``: its status may be another one."""

    run_id: str
    short: ShortState | None
    moved: bool


class _Round(NamedTuple):
    number: int
    moved: dict[str, bool]


class ListWatcher:
    """One connection's interest in a list; ``number`` is the last round that it got, None before the first."""

    __slots__ = ("busy", "cohort", "connection", "level", "number")

    def __init__(self, connection: Carrier, cohort: ListCohort, number: int | None) -> None:
        self.connection = connection
        self.cohort = cohort
        self.number = number
        self.level = self.busy = False


class ListCohort:
    """Those who watch the same list over the same transport."""

    __slots__ = ("framing", "level", "scope", "watchers")

    def __init__(self, framing: Framing, scope: RunScope) -> None:
        self.framing = framing
        self.scope = scope
        self.watchers: dict[ListWatcher, None] = {}
        self.level: dict[ListWatcher, None] = {}

    def frames(self, changes: Iterable[Change], before: str, cursor: str, *, reset: bool = False) -> list[bytes]:
        """What these changes are in this list, as it is written; nothing if it is not concerned.

        Only the last frame has the ``cursor``: who got some of them is still where it was ``before``.
        """
        changed, removed = list[bytes](), list[str]()
        for change in changes:
            if change.short is None:
                removed += [change.run_id] if self._may_tell_removal(change.run_id) else []
            elif self.scope.has(change.run_id, change.short.kind, change.short.status):
                changed.append(encode_frame(change.short))
            elif change.moved and self.scope.may_have(change.run_id, change.short.kind):
                removed.append(change.run_id)
        if not changed and not removed and not reset:
            return []
        *parts, last = _in_parts(changed, sum(map(len, removed)))
        frames = [RunsFrame(changed=part, removed=(), cursor=before) for part in parts]
        frames.append(RunsFrame(changed=last, removed=tuple(removed), cursor=cursor))
        if reset:
            frames[0] = msgspec.structs.replace(frames[0], reset=True)
        return [self.framing.wrap(prepared(frame)) for frame in frames]

    def _may_tell_removal(self, run_id: str) -> bool:
        """A run that is gone has no kind any more; its id alone must allow to speak of it."""
        return self.scope.kinds is None and (self.scope.runs is None or run_id.startswith(self.scope.runs))


def _in_parts(bodies: Iterable[bytes], size: int) -> list[tuple[msgspec.Raw, ...]]:
    """So that each fits into a frame of 256 KiB."""
    parts: list[list[msgspec.Raw]] = [[]]
    for body in bodies:
        size += len(body) + 1
        if parts[-1] and size > FRAME_BYTES - ENVELOPE_BYTES:
            parts.append([])
            size = len(body) + 1
        parts[-1].append(msgspec.Raw(body))
    return [tuple(part) for part in parts]


class Lists:
    """All lists of runs that are watched. For one thread.

    Args:
        store: Where the runs are.
        surroundings: Time, timers, and somebody who reads.
        settings: How often, and how many.
        known: The short state of a run that is in memory, or None.

    Attributes:
        cohorts: Those who watch, by what they watch.
    """

    def __init__(
        self,
        store: EventStore,
        surroundings: Surroundings,
        settings: HubSettings,
        known: Callable[[str], ShortState | None],
    ) -> None:
        self.cohorts: dict[tuple[Framing, RunScope], ListCohort] = {}
        self._store = store
        self._surroundings = surroundings
        self._settings = settings
        self._known = known
        self._session = secrets.token_hex(4)
        self._number = 0
        self._marked: dict[str, bool] = {}
        self._rounds: deque[_Round] = deque()
        self._changes_kept = 0
        self._forgotten = 0
        self._timer: Timer | None = None
        self._looking = False
        self._looked_at = float("-inf")
        self._flights: dict[tuple[ListCohort, int | None], list[ListWatcher]] = {}

    # What changes

    def note(self, record: Record) -> None:
        """What the follower brought; a call of ``moved`` follows when the batch is through."""
        moved = record.seq == 0 or record.type in MOVES
        self._marked[record.run_id] = moved or self._marked.get(record.run_id, False)

    def moved(self) -> None:
        """See to it that a round looks at what is marked."""
        if len(self._marked) > CHANGES_KEPT:
            self.restart()
        if self._marked and self.cohorts and self._timer is None and not self._looking:
            when = max(self._surroundings.now(), self._looked_at + self._settings.list_s)
            self._timer = self._surroundings.call_at(when, self._look)

    def restart(self) -> None:
        """It is not known what changed: everybody begins anew."""
        self._marked.clear()
        self._rounds.clear()
        self._changes_kept = 0
        level = [watcher for cohort in self.cohorts.values() for watcher in cohort.level]
        for watcher in level:
            self._step_back(watcher)  # to a round that is forgotten from now on
        self._number += 1
        self._forgotten = self._number
        for watcher in level:
            self.advance(watcher)

    def _look(self) -> None:
        self._timer = None
        self._looking = True
        self._looked_at = self._surroundings.now()
        run_ids = list(self._marked)[:IN_ONE_ROUND]
        marks = {run_id: self._marked.pop(run_id) for run_id in run_ids}
        self._look_at(marks, partial(self._end_round, marks))

    def _look_at(self, marks: dict[str, bool], then: Callable[[list[Change] | HeadwayError], object]) -> None:
        """Runs as they are now, from memory or from the store."""
        known = {run_id: self._known(run_id) for run_id in marks}
        unknown = [run_id for run_id, short in known.items() if short is None]
        store, now = self._store, self._surroundings.wall()

        def finish(read: dict[str, ShortState] | HeadwayError) -> None:
            if isinstance(read, HeadwayError):
                then(read)
            else:
                then([Change(run_id, known[run_id] or read.get(run_id), moved) for run_id, moved in marks.items()])

        if unknown:
            self._surroundings.read(lambda: _read_short_states(store, unknown, now), finish)
        else:
            finish({})

    def _end_round(self, marks: dict[str, bool], changes: list[Change] | HeadwayError) -> None:
        self._looking = False
        if isinstance(changes, HeadwayError):
            self._marked = {**marks, **self._marked}
            self._looked_at = self._surroundings.now() + RETRY_S
        else:
            self._number += 1
            self._remember(_Round(self._number, marks))
            for cohort in tuple(self.cohorts.values()):
                for data in cohort.frames(changes, self._cursor(self._number - 1), self._cursor(self._number)):
                    for watcher in tuple(cohort.level):
                        watcher.connection.put(data)
            self._advance_all()
        self.moved()

    def _close_round(self) -> None:
        """Nobody watched what is marked: it need not be looked at, only be remembered for those who come back."""
        if self._marked and not self._looking:
            self._number += 1
            self._remember(_Round(self._number, self._marked))
            self._marked = {}

    def _remember(self, round_: _Round) -> None:
        self._rounds.append(round_)
        self._changes_kept += len(round_.moved)
        while len(self._rounds) > ROUNDS_KEPT or self._changes_kept > CHANGES_KEPT:
            oldest = self._rounds.popleft()
            self._changes_kept -= len(oldest.moved)
            self._forgotten = oldest.number

    def _cursor(self, number: int) -> str:
        return f"{self._session}.{number}"

    # Who watches

    def join(self, connection: Carrier, framing: Framing, scope: RunScope, after: str | None) -> ListWatcher:
        """Begin to serve somebody who has read up to a cursor, or nothing."""
        if not self.cohorts:
            self._close_round()
        cohort = self.cohorts.setdefault((framing, scope), ListCohort(framing, scope))
        watcher = ListWatcher(connection, cohort, self._parse(after))
        cohort.watchers[watcher] = None
        self.advance(watcher)
        self.moved()
        return watcher

    def _parse(self, after: str | None) -> int | None:
        """The round that a cursor is of; None if it is of another session, which is answered by beginning anew."""
        session, _, number = (after or "").partition(".")
        known = session == self._session and number.isascii() and number.isdigit() and len(number) < 16
        return int(number) if known and self._forgotten <= int(number) <= self._number else None

    def leave(self, watcher: ListWatcher) -> None:
        """Somebody watches no more."""
        cohort = watcher.cohort
        cohort.level.pop(watcher, None)
        cohort.watchers.pop(watcher, None)
        if not cohort.watchers:
            self.cohorts.pop((cohort.framing, cohort.scope), None)

    def pause(self, watcher: ListWatcher) -> None:
        """Its transport is full: it is served when it has room again."""
        self._step_back(watcher)

    def _step_back(self, watcher: ListWatcher) -> None:
        if watcher.level:
            watcher.level, watcher.number = False, self._number
            del watcher.cohort.level[watcher]

    def _advance_all(self) -> None:
        for cohort in tuple(self.cohorts.values()):
            if len(cohort.level) < len(cohort.watchers):
                for watcher in tuple(cohort.watchers):
                    self.advance(watcher)

    def advance(self, watcher: ListWatcher) -> None:
        """Do what can be done for a watcher now."""
        connection, cohort = watcher.connection, watcher.cohort
        if watcher.level or watcher.busy or connection.paused or connection.closed or watcher not in cohort.watchers:
            return
        if watcher.number is not None and watcher.number < self._forgotten:
            watcher.number = None
        if watcher.number == self._number:
            watcher.level = True
            cohort.level[watcher] = None
        else:
            self._catch_up(watcher)

    def _catch_up(self, watcher: ListWatcher) -> None:
        watcher.busy = True
        flight = (watcher.cohort, watcher.number)
        passengers = self._flights.get(flight)
        if passengers is not None:
            passengers.append(watcher)
            return
        self._flights[flight] = [watcher]
        then = partial(self._land, flight, self._number)
        if watcher.number is None:
            store, scope, now = self._store, watcher.cohort.scope, self._surroundings.wall()
            limit = self._settings.list_runs
            self._surroundings.read(lambda: _read_newest(store, scope, limit, now), then)
        else:
            self._look_at(self._marked_since(watcher.number), then)

    def _marked_since(self, number: int) -> dict[str, bool]:
        """What changed in the rounds after one."""
        marks: dict[str, bool] = {}
        for round_ in self._rounds:
            for run_id, moved in round_.moved.items() if round_.number > number else ():
                marks[run_id] = moved or marks.get(run_id, False)
        return marks

    def _land(self, flight: tuple[ListCohort, int | None], upto: int, changes: list[Change] | HeadwayError) -> None:
        cohort, number = flight
        passengers = self._flights.pop(flight)
        if isinstance(changes, HeadwayError):
            when = self._surroundings.now() + RETRY_S
            self._surroundings.call_at(when, partial(self._let_go_on, passengers))
            return
        before = cursors.BEGINNING if number is None else self._cursor(number)
        current = [Change(run_id, self._known(run_id) or short, moved) for run_id, short, moved in changes]
        frames = cohort.frames(current, before, self._cursor(upto), reset=number is None)
        for watcher in passengers:
            if watcher in cohort.watchers and not watcher.connection.paused:
                watcher.number = upto
                for data in frames:
                    watcher.connection.put(data)
        self._let_go_on(passengers)

    def _let_go_on(self, passengers: list[ListWatcher]) -> None:
        for watcher in passengers:
            watcher.busy = False
            self.advance(watcher)


def _read_short_states(store: EventStore, run_ids: Sequence[str], now: float) -> dict[str, ShortState]:
    """Those of them that are there, from their headers; blocks."""
    found = {}
    for run_id in run_ids:
        with suppress(NotFound):
            found[run_id] = short_state(store.header(run_id), now)
    return found


def _read_newest(store: EventStore, scope: RunScope, limit: int, now: float) -> list[Change]:
    """The newest runs of a list, from their headers; blocks."""
    filter_ = RunFilter(kind=scope.kind, status=scope.status, runs=scope.runs)
    found: list[Change] = []
    page: str | None = None
    for _ in range(PAGES_TRIED):
        listed = store.list_runs(filter_, limit=limit, page=page)
        found += [
            Change(header.run_id, short_state(header, now), moved=False)
            for header in listed.headers
            if scope.may_have(header.run_id, header.kind)
        ]
        page = listed.next
        if page is None or len(found) >= limit:
            break
    return found[:limit]
