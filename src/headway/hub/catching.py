"""Catching up: serving each watcher that is not level, from memory or from the store, until it is.

What to do next is decided in ``session``; here it is done. What is read or weighed for one watcher is given to all who
are at the same place and want the same: after a restart thousands come back at once, and the store is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple, cast

import msgspec

from headway.errors import Gap, HeadwayError
from headway.hub.cohort import Guide, Watcher, cursor_text
from headway.hub.framing import Framing, prepared
from headway.hub.kind import Kind
from headway.hub.mirror import RETRY_S, Means, Mirror
from headway.hub.passages import check, read_deep, read_newest, read_weighed, read_whole
from headway.hub.session import Log, Place, Step, next_step
from headway.hub.stretch import Stretch, wanted, weighed, whole
from headway.ports import Record
from headway.protocol.cursor import Cursor
from headway.protocol.frames import EndFrame, FrameGap, GapReason, SnapshotFrame

WEIGHED_AT_ONCE = 500
"""So many events are weighed for a paced watcher within the loop; more of them elsewhere."""

SHARED_S = 0.25
"""For how long what was made for one is given to others who are at the same place."""

Frames = list[tuple[Cursor, bytes]]
"""Frames as they are written, and where each leads."""


class Flight(NamedTuple):
    """Something that is being read: what it is for, and from where on."""

    step: Step
    kind: Kind | None
    after: Cursor | None


class Catching:
    """Serves the watchers of one run who are not level. For one thread."""

    __slots__ = ("_flights", "_guide", "_made", "_means", "_mirror", "_snapshots")

    def __init__(self, mirror: Mirror, means: Means, guide: Guide) -> None:
        self._mirror = mirror
        self._means = means
        self._guide = guide
        self._flights: dict[Flight, list[Watcher]] = {}
        self._made: dict[tuple[Kind, Cursor, Cursor], tuple[float, Frames]] = {}
        self._snapshots: dict[Framing, tuple[Cursor, float, bytes]] = {}

    def advance(self, watcher: Watcher) -> None:
        """Do what can be done for a watcher now."""
        going = True
        while going and _can_be_served(watcher):
            step = next_step(self._place(watcher), self._log_facts(watcher))
            going = _ACTIONS[step](self, watcher)

    def forget(self) -> None:
        """Let go of what was made for one and may not be given to others any more."""
        if self._made or self._snapshots:
            since = self._means.surroundings.now() - SHARED_S
            self._made = {key: made for key, made in self._made.items() if made[0] >= since}
            self._snapshots = {key: made for key, made in self._snapshots.items() if made[1] >= since}

    def _place(self, watcher: Watcher) -> Place:
        cursor = watcher.cursor
        if cursor is None:
            return Place(None)
        if not cursor.epoch:
            cursor = watcher.cursor = Cursor(self._mirror.head.epoch, 0, 0)
        if watcher.trusted is None:
            watcher.trusted = self._judge(cursor)
        return Place(cursor.seq, watcher.trusted, watcher.owed, watcher.cohort.kind.skims)

    def _judge(self, cursor: Cursor) -> bool | None:
        """Whether a cursor is of this log, as far as memory knows."""
        if cursor.epoch != self._mirror.head.epoch:
            return False
        known = self._mirror.recent.cursor_at(cursor.seq)
        return None if known is None else cursor.seq == 0 or known == cursor

    def _log_facts(self, watcher: Watcher) -> Log:
        recent = self._mirror.recent
        return Log(
            head=recent.head.seq,
            settled=watcher.cohort.settled.seq,
            kept_after=recent.kept_after,
            full=self._means.settings.full_events,
            filled=recent.filled,
            ended=self._mirror.ended,
        )

    # The steps; true if there may be another one at once

    def _wait(self, watcher: Watcher) -> bool:
        watcher.cohort.stand_aside(watcher)
        return False

    def _join(self, watcher: Watcher) -> bool:
        watcher.cohort.join(watcher)
        return False

    def _diverge(self, watcher: Watcher) -> bool:
        _announce(watcher, "diverged")
        return True

    def _snapshot(self, watcher: Watcher) -> bool:
        head = self._mirror.head
        framing = watcher.cohort.kind.framing
        data = self._snapshot_for_all(framing) if watcher.gap is None else self._make_snapshot(framing, watcher.gap)
        watcher.gap, watcher.owed = None, False
        return _write_at(watcher, head, data)

    def _snapshot_for_all(self, framing: Framing) -> bytes:
        head, now = self._mirror.head, self._means.surroundings.now()
        known = self._snapshots.get(framing)
        if known is None or known[0] != head or now - known[1] > SHARED_S:
            known = self._snapshots[framing] = (head, now, self._make_snapshot(framing, None))
        return known[2]

    def _make_snapshot(self, framing: Framing, gap: FrameGap | None) -> bytes:
        mirror = self._mirror
        frame = SnapshotFrame(
            run_id=mirror.run_id,
            cursor=str(mirror.head),
            state=msgspec.Raw(mirror.state()),
            view=msgspec.Raw(mirror.view()),
            gap=gap,
        )
        return framing.wrap(prepared(frame))

    def _end(self, watcher: Watcher) -> bool:
        status = self._mirror.fold.short().status
        frame = EndFrame(run_id=self._mirror.run_id, status=status, cursor=str(self._mirror.head))  # type: ignore[arg-type]
        watcher.connection.tell_end(self._mirror.run_id, watcher.cohort.kind.framing.wrap(prepared(frame)))
        self._guide.finish(watcher)
        return False

    def _serve_from_memory(self, watcher: Watcher) -> bool:
        after, kind = watcher.cursor, watcher.cohort.kind
        assert after is not None
        upto = self._mirror.head if watcher.owed else watcher.cohort.settled
        now = self._means.surroundings.now()
        made_at, frames = self._made.get((kind, after, upto), (float("-inf"), []))
        if now - made_at > SHARED_S:
            records = wanted(self._mirror.recent.since(after.seq, upto.seq), kind.types)
            if kind.mode == "paced" and len(records) > WEIGHED_AT_ONCE:
                job = partial(_in_full, weighed, records, after.seq, upto)
                return self._take_off(watcher, Flight(Step.MEMORY, kind, after), job)
            cut = weighed if kind.mode == "paced" else whole
            frames = self._encode(watcher, cut(records, after.seq, upto))
            self._made[kind, after, upto] = (now, frames)
        return _deliver(watcher, frames)

    def _encode(self, watcher: Watcher, stretches: Iterable[Stretch]) -> Frames:
        return [(stretch.to, watcher.cohort.encode(stretch)) for stretch in stretches]

    # Reading elsewhere

    def _check(self, watcher: Watcher) -> bool:
        store, run_id, cursor = self._means.store, self._mirror.run_id, watcher.cursor
        assert cursor is not None
        return self._take_off(watcher, Flight(Step.CHECK, None, cursor), lambda: check(store, run_id, cursor))

    def _fill(self, watcher: Watcher) -> bool:
        store, run_id, upto = self._means.store, self._mirror.run_id, self._mirror.recent.kept_after
        settings = self._means.settings
        events, size = settings.recent_events, settings.recent_bytes
        return self._take_off(
            watcher,
            Flight(Step.FILL, None, None),
            lambda: read_newest(store, run_id, upto, events=events, size=size),
        )

    def _serve_from_store(self, watcher: Watcher) -> bool:
        store, run_id, after, kind = self._means.store, self._mirror.run_id, watcher.cursor, watcher.cohort.kind
        assert after is not None
        read = read_weighed if kind.mode == "paced" else read_whole
        return self._take_off(watcher, Flight(Step.STORE, kind, after), lambda: read(store, run_id, after, kind.types))

    def _serve_what_matters(self, watcher: Watcher) -> bool:
        store, run_id, after, kind = self._means.store, self._mirror.run_id, watcher.cursor, watcher.cohort.kind
        assert after is not None
        bound = self._mirror.head.seq - self._means.settings.full_events
        return self._take_off(
            watcher, Flight(Step.DEEP, kind, after), lambda: read_deep(store, run_id, after, bound, kind.types)
        )

    def _take_off(self, watcher: Watcher, flight: Flight, job: Callable[[], object]) -> bool:
        watcher.busy = True
        passengers = self._flights.get(flight)
        if passengers is not None:
            passengers.append(watcher)
        else:
            self._flights[flight] = [watcher]
            self._means.surroundings.read(job, partial(self._land, flight))
        return False

    def _land(self, flight: Flight, result: object) -> None:
        passengers = self._flights.pop(flight)
        if isinstance(result, HeadwayError):
            self._mirror.mend()  # the run may be gone, or another one by now
        lost = isinstance(result, HeadwayError) and not _is_of_cursor(result)
        frames = (
            self._encode(passengers[0], result) if flight.step in _BRING_FRAMES and isinstance(result, list) else []
        )
        if lost or (flight.step in _BRING_FRAMES and not frames and not isinstance(result, Gap)):
            surroundings = self._means.surroundings
            surroundings.call_at(surroundings.now() + RETRY_S, partial(self._let_go_on, passengers))
            return
        if flight.step is Step.FILL and isinstance(result, list):
            self._mirror.recent.fill(result)
            self._mirror.recent.filled = True
        for watcher in passengers:
            if watcher.cursor is not None and watcher.cursor == flight.after:  # else it left, or the log is another one
                self._arrive(watcher, flight, result if isinstance(result, Gap) else frames)
        self._let_go_on(passengers)

    def _arrive(self, watcher: Watcher, flight: Flight, result: Gap | Frames) -> None:
        if isinstance(result, Gap):
            _announce(watcher, result.reason)
            return
        watcher.trusted = True
        watcher.owed = watcher.owed or flight.step is Step.DEEP
        _deliver(watcher, result)

    def _let_go_on(self, passengers: list[Watcher]) -> None:
        for watcher in passengers:
            watcher.busy = False
            self._guide.advance(watcher)


_BRING_FRAMES = (Step.MEMORY, Step.STORE, Step.DEEP)

_ACTIONS: dict[Step, Callable[[Catching, Watcher], bool]] = {
    Step.WAIT: Catching._wait,
    Step.CHECK: Catching._check,
    Step.DIVERGE: Catching._diverge,
    Step.SNAPSHOT: Catching._snapshot,
    Step.FILL: Catching._fill,
    Step.MEMORY: Catching._serve_from_memory,
    Step.STORE: Catching._serve_from_store,
    Step.DEEP: Catching._serve_what_matters,
    Step.JOIN: Catching._join,
    Step.END: Catching._end,
}


def _is_of_cursor(error: HeadwayError) -> bool:
    """Whether the error says something about the cursor, not about the store or the run."""
    return isinstance(error, Gap) and error.reason != "deleted"


def _can_be_served(watcher: Watcher) -> bool:
    connection = watcher.connection
    return not (watcher.level or watcher.busy or watcher.held or connection.paused or connection.closed)


def _announce(watcher: Watcher, reason: str) -> None:
    """What its cursor was for cannot be delivered: a snapshot will say so."""
    reason = reason if reason in ("expired", "deleted") else "diverged"
    watcher.gap = FrameGap(after=cursor_text(watcher.cursor), reason=cast(GapReason, reason))
    watcher.cursor = None


def _deliver(watcher: Watcher, frames: Frames) -> bool:
    """Write as much of it as the transport takes; whether it took all."""
    for cursor, data in frames:
        if not _write_at(watcher, cursor, data):
            break
    return not watcher.connection.paused


def _write_at(watcher: Watcher, cursor: Cursor, data: bytes) -> bool:
    """Write what leads to a cursor; not if the transport is full."""
    connection = watcher.connection
    if connection.paused or connection.closed:
        return False
    watcher.cursor, watcher.trusted = cursor, True
    connection.put(data)
    return True


def _in_full(
    cut: Callable[..., Iterable[Stretch]], records: Sequence[Record], after: int, upto: Cursor
) -> list[Stretch]:
    return list(cut(records, after, upto))
