"""A mirror: what is kept in memory of one run's log, and how it follows the log.

Theory of operation: the mirror is opened by a job that folds what is stored; whatever the follower brings meanwhile is
put aside. From then on each record that is the next one is applied at once. Any other one (a hole, a mark that differs,
the announcement of a deletion) may mean that the log is another one by now, or only that the record is older than what
the job read. The store knows: it is asked for what follows our own cursor, and either goes on from there or says what
became of the log. Records that came before a look at the store began, be it an opening or a question, are in its
answer, or were never of this log, so they are forgotten, also when the look is one that failed and is tried again.

The looks at the store, openings and questions alike, are numbered. Who wants what is in the store by now is served by
the first one that begins from now on: another may be under way, which can be older, and one is at a time, so those who
come steadily share looks, and none waits for the others to stop.

While the store is out of reach the mirror stays as it is and asks again.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol

import msgspec

from headway.errors import Gap, HeadwayError, InvalidEvent, NotFound, StoreUnavailable
from headway.hub.aside import Aside
from headway.hub.history import KnownHistories
from headway.hub.opening import OpenedLog, open_log
from headway.hub.recent import Recent
from headway.hub.settings import HubSettings
from headway.hub.surroundings import Surroundings
from headway.hub.viewing import Viewer
from headway.ports import EventStore, Page, Record
from headway.progress.fold import Fold
from headway.progress.remaining import Estimator
from headway.progress.state import ShortState, View
from headway.progress.transitions import RUN_ENDED
from headway.protocol.codec import decode_event
from headway.protocol.cursor import Cursor
from headway.protocol.events import TERMINAL, Event

RETRY_S = 1.0
"""How long to wait for a store that is out of reach."""

VIEW_FRESH_S = 0.1
"""For how long a view is used again: a new one of a run with 1,000 stages costs three milliseconds."""

_encode = msgspec.json.Encoder().encode


class Means(NamedTuple):
    """What all mirrors of a hub share; ``room`` says how many bytes of events each may keep now."""

    store: EventStore
    surroundings: Surroundings
    histories: KnownHistories
    estimator: Estimator
    settings: HubSettings
    room: Callable[[], int]


class Phase(Enum):
    """How a mirror stands to its log."""

    OPENING = "it is being read"
    ABSENT = "there is none"
    OPEN = "it is followed"
    GONE = "it was deleted, or cannot be read; nothing happens any more"


class Listener(Protocol):
    """Who hears what happens to a mirror."""

    def opened(self) -> None:
        """The log is there as it is now; what follows it is applied."""

    def absent(self) -> None:
        """There is no such run; the mirror waits for it."""

    def applied(self, event: Event, body: bytes) -> None:
        """The next event of the log."""

    def moved(self) -> None:
        """Some events were applied that the follower did not bring."""

    def diverged(self) -> None:
        """The log is another one now, which will be ``opened``."""

    def gone(self, error: HeadwayError | None) -> None:
        """The log was deleted; or, with an error, it cannot be read. Nothing is heard any more."""


class Mirror:
    """One run's log, as far as it is kept in memory. For one thread.

    Attributes:
        run_id: The run.
        phase: How it stands.
        looked: The number of the newest look at the store whose answer is here.
        recent: The newest events, when it is open.
        fold: The state, when it is open.
        ended: The newest event is the log's last.
    """

    __slots__ = (
        "_aside",
        "_begun",
        "_listener",
        "_means",
        "_short",
        "_state",
        "_view",
        "_viewed_at",
        "_viewer",
        "_wanted",
        "ended",
        "fold",
        "looked",
        "phase",
        "recent",
        "run_id",
    )

    def __init__(self, run_id: str, means: Means, listener: Listener) -> None:
        self.run_id = run_id
        self.phase = Phase.OPENING
        self.recent = Recent(Cursor("", 0, 0))
        self.fold = Fold(run_id)
        self.ended = False
        self._means = means
        self._listener = listener
        self._viewer = Viewer(means.histories, means.estimator)
        self._view, self._viewed_at = (View(now=""), b""), float("-inf")
        self._short = self._state = b""
        self._aside = Aside()
        self.looked = self._begun = self._wanted = 0
        self._open()

    @property
    def head(self) -> Cursor:
        """Behind the newest event."""
        return self.recent.head

    @property
    def _is_looking(self) -> bool:
        return self.looked < self._begun

    def close(self) -> None:
        """Hear and say nothing any more."""
        self.phase = Phase.GONE
        self._aside.clear()

    # Opening

    def _open(self) -> None:
        if self.phase is Phase.GONE:
            return
        self._begin_look()
        self._means.surroundings.read(self._read_log, self._take_log)

    def _read_log(self) -> OpenedLog:
        """In a thread that reads."""
        if self.phase is Phase.GONE:
            raise NotFound("nobody waits for it any more")  # and a thousand others may wait behind it
        return open_log(self._means.store, self.run_id, keep_bytes=self._means.settings.recent_bytes)

    def _take_log(self, result: OpenedLog | HeadwayError) -> None:
        if self.phase is Phase.GONE:
            return
        if isinstance(result, NotFound):
            self._take_absence()
        elif isinstance(result, HeadwayError):
            self._fail(result, self._open)
        else:
            run = result.fold.short_state()
            self._means.histories.read(run.kind, run.variant, lambda: self._begin(result))

    def _take_absence(self) -> None:
        if self._aside:
            self._open()  # it may have been made while the job looked
            return
        self.looked = self._begun
        self.phase = Phase.ABSENT
        self._listener.absent()
        self._look_if_wanted()

    def _begin(self, opened: OpenedLog) -> None:
        if self.phase is Phase.GONE:
            return
        self.looked = self._begun
        self.phase = Phase.OPEN
        self.fold = opened.fold
        self.recent = Recent(opened.cursor)
        if opened.newest:
            self.recent.fill(opened.newest)
        self.ended = opened.fold.short().status in RUN_ENDED
        self._viewed_at = float("-inf")
        self._short = self._state = b""
        self._listener.opened()
        self._settle_aside()
        self._listener.moved()

    def _fail(self, error: HeadwayError, again: Callable[[], None]) -> None:
        """Ask again later if that can help; nothing else is done meanwhile."""
        if isinstance(error, StoreUnavailable):
            surroundings = self._means.surroundings
            surroundings.call_at(surroundings.now() + RETRY_S, again)
        else:
            self.close()
            self._listener.gone(error)

    # Following

    def take(self, record: Record) -> None:
        """What the follower brought."""
        if self._is_looking:
            self._put_aside(record)
        elif self.phase is Phase.ABSENT:
            self._open()
        elif self.phase is Phase.OPEN and record.seq == self.head.seq + 1:
            self._apply(record)
        elif self.phase is Phase.OPEN and not self._is_known(record):
            self.mend()

    def _is_known(self, record: Record) -> bool:
        known = self.recent.cursor_at(record.seq) if record.seq else None
        return known is not None and known.nonce == record.nonce

    def _put_aside(self, record: Record) -> None:
        if not self._aside.put(record):
            self._wanted = self._begun + 1

    def _apply(self, record: Record) -> None:
        try:
            event = decode_event(record.body)
            self.fold.apply(event)
        except InvalidEvent as error:
            self.close()
            self._listener.gone(error)
            return
        self.recent.append(record)
        self._short = self._state = b""
        if event.type in TERMINAL:
            self.ended = True
        if event.type.startswith("run."):  # what a view says of the run as a whole is what the state beside it says
            self._viewed_at = float("-inf")
        self._listener.applied(event, record.body)

    # Asking the store

    def mend(self) -> int:
        """Ask the store for what follows the head; behind what is being read now, which may be older.

        Returns:
            The number of that look. Once ``looked`` is as high, all is here that was in the store before this call.
        """
        self._wanted = self._begun + 1
        self._look_if_wanted()
        return self._wanted

    def _look_if_wanted(self) -> None:
        if self._is_looking or self._wanted <= self._begun:
            return
        if self.phase is Phase.OPEN:
            self._ask()
        elif self.phase is Phase.ABSENT:
            self._open()

    def _ask(self) -> None:
        if self.phase is Phase.GONE:
            return
        self._begin_look()
        self._read_on()

    def _begin_look(self) -> None:
        self._begun += 1
        self._aside.clear()  # what came before is in the answer, or was never of this log

    def _read_on(self) -> None:
        store, run_id, head = self._means.store, self.run_id, self.head
        self._means.surroundings.read(lambda: store.read(run_id, head), self._take_page)

    def _take_page(self, result: Page | HeadwayError) -> None:
        if self.phase is Phase.GONE:
            return
        if isinstance(result, NotFound) or (isinstance(result, Gap) and result.reason == "deleted"):
            self.close()
            self._listener.gone(None)
        elif isinstance(result, Gap):
            self.phase = Phase.OPENING
            self._listener.diverged()
            self._open()
        elif isinstance(result, HeadwayError):
            self._fail(result, self._ask)
        else:
            self._take_records(result)

    def _take_records(self, page: Page) -> None:
        for record in page.records:
            if self.phase is Phase.OPEN:
                self._apply(record)
        if self.phase is not Phase.OPEN:
            return
        if page.complete:
            self.looked = self._begun
            self._settle_aside()
        else:
            self._read_on()
        self._listener.moved()

    def _settle_aside(self) -> None:
        """Take what was put aside while something was read, or leave it to a look that one of these calls for."""
        for record in self._aside.take():
            if self._is_looking:
                break
            self.take(record)
        self._look_if_wanted()

    # Showing

    def short(self) -> bytes:
        """The JSON of the run's ``Short`` as it is now."""
        if not self._short:
            self._short = _encode(self.fold.short())
        return self._short

    def state(self) -> bytes:
        """The JSON of the run's ``State`` as it is now."""
        if not self._state:
            self._state = _encode(self.fold.state())
        return self._state

    def view(self) -> bytes:
        """The JSON of the run's ``View``, a tenth of a second old at most, and as new as the last ``run.`` event."""
        return self._current_view()[1]

    def short_state(self) -> ShortState:
        """The run as lists show it."""
        return msgspec.structs.replace(self.fold.short_state(), view=self._current_view()[0])

    def _current_view(self) -> tuple[View, bytes]:
        now = self._means.surroundings.now()
        if now - self._viewed_at >= VIEW_FRESH_S:
            view = self._viewer.view(self.fold.state(), self._means.surroundings.wall())
            self._view, self._viewed_at = (view, _encode(view)), now
        return self._view
