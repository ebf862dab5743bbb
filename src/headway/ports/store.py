"""The store: where logs live. One contract for SQLite, Redis and memory; ``headway.testing`` has its tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from headway.ports.log import (
    Appended,
    Batch,
    Created,
    Header,
    Lease,
    LogQuery,
    LogSlice,
    NewRun,
    Notice,
    Page,
    Record,
    Snapshot,
)
from headway.ports.upkeep import PastRun, Pruned, PrunePolicy, RunFilter, RunPage, SweepRules, Swept
from headway.protocol.cursor import Cursor
from headway.protocol.events import Priority, ReporterInfo

READ_LIMIT = 500
"""Events in one read: a reader that stays longer in its transaction keeps the write-ahead log from shrinking."""


HEARD = ("run.cancel_requested", "input.given")
"""Types of events that a run's job acts on, in whatever process it is."""


class Follower(Protocol):
    """Reads what is appended to any run of a store, in the order of the appends. For one thread."""

    def read(self, limit: int = READ_LIMIT) -> Sequence[Record]:
        """The next records, none when there is nothing new; each is handed out once.

        A record with ``seq`` 0 says that its run was deleted, or is a notice if it has none. Never waits.

        Raises:
            Gap: Another store has taken the place of the one that was followed (``diverged``). Said once; the follower
                goes on from what is the newest now, so read anew what you follow.
        """

    def wait(self, timeout_s: float) -> bool:
        """Wait until there may be something to read: true at once, or false after ``timeout_s`` seconds."""

    def wake(self) -> None:
        """End a ``wait`` in another thread."""

    def close(self) -> None:
        """Stop following."""


class Listener(Protocol):
    """Is woken when something that one run's job must hear is appended, by whatever process. For one thread."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until there may be something to hear: true, or false after ``timeout_s`` seconds at most.

        A ring can be lost. Look at the log whatever this says, and at least every half second.
        """

    def wake(self) -> None:
        """End a ``wait`` in another thread."""

    def close(self) -> None:
        """Stop listening."""


class EventStore(Protocol):
    """Append-only logs, one per run, and the little that is kept beside them.

    All methods block and may be called from any thread. What an append or a creation has answered is durable.
    Any method may raise StoreUnavailable (or one of its kinds: StoreFull, StoreReadOnly) and StoreCorrupt.
    """

    def create(self, run: NewRun) -> Created:
        """Make a run's log, with ``run.created`` and, if there is a plan, ``run.planned``.

        The same creation again answers with what exists.

        Raises:
            RunTaken: The id is another run's: its kind, parent or ``retry_of`` differ.
            InvalidInput: A name, the plan or something else in it is not fit for a log.
        """

    def take_over(self, run_id: str, reporter: ReporterInfo, at: str, ttl_s: float, *, remote: bool = False) -> Created:
        """Become the owner, for the first time or after another one: appends ``run.started`` with the next attempt.

        After a ``run.lost`` it appends ``run.recovered`` before it. The owner has a lease of ``ttl_s`` from now on (see
        ``Lease.remote`` for ``remote``), and earlier attempts are fenced. The reporter that is the owner already gets
        its attempt again, with no ``run.started``.

        Raises:
            NotFound, RunEnded
        """

    def append(self, batch: Batch) -> Appended:
        """Number the batch's events without a gap and store them, all or none.

        Events whose reporter's number is known already are skipped, whatever the batches' lengths. One that ends the
        run and is too large is shortened.

        Raises:
            NotFound: No such run.
            Fenced: ``epoch`` or ``attempt`` is not the run's any more. Attempt 1 is, also before it has begun.
            RunEnded: The run has ended, and something in the batch is new; or something follows the event that
                ends it.
            ReporterGap: ``first`` is past the next number, and ``lost`` does not explain it.
            InvalidInput: An event, the reporter's id or ``first`` is not fit for a log: ``BatchTooLarge``,
                ``EventTooLarge``, ``TooDeep``, ``InvalidEvent``, ``UnknownEventType``, ``InvalidName``.
        """

    def header(self, run_id: str) -> Header:
        """The run's header. Raises NotFound."""

    def read(
        self,
        run_id: str,
        after: Cursor | None = None,
        *,
        limit: int = READ_LIMIT,
        types: Collection[str] | None = None,
        priorities: Collection[Priority] | None = None,
    ) -> Page:
        """Events past a cursor (None: from the beginning), in order, ``limit`` (at least 1) of them at most.

        Raises:
            InvalidInput: ``limit`` is below 1.
            NotFound: No such run, and the cursor is of none that was here.
            Gap: They cannot be given whole: ``expired``, ``diverged`` or ``deleted``.
        """

    def cursor_at(self, run_id: str, seq: int) -> Cursor:
        """The cursor behind event ``seq``. Raises NotFound for a run or an event that is not there."""

    def read_log(self, run_id: str, query: LogQuery) -> LogSlice:
        """``log`` events, in order. Raises NotFound, and InvalidInput for a limit below 1."""

    def follow(self, *, from_beginning: bool = False) -> Follower:
        """Follow all runs from now on, or with everything that is there first."""

    def listen(self, run_id: str) -> Listener:
        """Listen for events of the types ``HEARD`` in a run, which need not be there yet.

        Other appends do not wake the listener, and cost no more for its being there.
        """

    def snapshot(self, run_id: str, *, fold: int, at_most: int | None = None) -> Snapshot | None:
        """The stored state of this fold's version, None if there is none (or none up to event ``at_most``).

        With it the store says whether it has cut text of the run's log.
        """

    def put_snapshot(self, run_id: str, snapshot: Snapshot) -> bool:
        """Store a state. False, and nothing is changed, when the log is another one or a newer state is there."""

    def list_runs(self, filter_: RunFilter | None = None, *, limit: int = 50, page: str | None = None) -> RunPage:
        """Runs that fit, newest first.

        Raises:
            InvalidInput: ``page`` is not what a page's ``next`` was, or ``limit`` is below 1.
        """

    def renew(self, lease: Lease) -> bool:
        """Take or renew a lease; true if the run's cancellation was requested.

        The owner's renewal of a ``lost`` run appends ``run.recovered``. An owner's lease of a run that has no owner
        takes it over, as ``take_over`` does, unless it names another attempt than the one that begins so.

        Raises:
            NotFound, RunEnded
            Fenced: Another owner took the run over.
        """

    def release(self, run_id: str, reporter: str, *, attempt: int | None = None) -> None:
        """Give a lease back.

        An owner that leaves a run which has not ended has let its lease run out: the next sweep says ``lost``.
        A helper's open stages are left as they are; it said what became of them.

        Raises:
            NotFound
            Fenced: The owner's lease is that of another attempt.
        """

    def helpers(self, run_id: str) -> tuple[str, ...]:
        """The ids of the reporters, other than the owner, whose leases hold now. Raises NotFound."""

    def grant_grace(self) -> None:
        """Have every remote lease hold for its whole time from now on, also one that has run out and was not swept.

        And let remote runs that wait for an owner do so from now on: those that were created through a server, or whose
        last owner's lease was remote. For a server that begins, or could not be reached: those who report through it
        could neither renew nor take a run over meanwhile.
        """

    def sweep(self, rules: SweepRules | None = None, *, remote: bool = False) -> Swept:
        """Append what silence means, by the store's own clock; any number of readers may do it at any time.

        Remote leases, and remote runs that wait (see ``grant_grace``), are looked at by servers only (``remote``):
        while there is none, nobody can know of silence.

        An owner's lease that ran out: ``run.lost``. Lost for too long, or no owner since the creation:
        ``run.failed`` (``lost``, ``never-started``). No owner here since the newest event of a run that has started,
        as when it was imported: ``run.failed`` (``lost``). A helper's lease: ``stage.failed`` (``reporter-lost``) for
        its open stages. Before a run is lost or fails its header is brought up to date with its log, as a digest would.
        """

    def past_runs(self, kind: str, variant: str | None = None) -> list[PastRun]:
        """The newest completed runs of a kind and variant, oldest first, at most ``PAST_RUNS_KEPT``."""

    def kinds(self) -> list[str]:
        """All kinds that have runs or history, sorted."""

    def delete(self, run_id: str) -> None:
        """Remove an ended run's log. Raises NotFound and RunActive."""

    def prune(self, policy: PrunePolicy, *, dry_run: bool = False, stop: Callable[[], bool] = lambda: False) -> Pruned:
        """Remove ended runs; the history of durations stays.

        Args:
            policy: Which.
            dry_run: Remove nothing, and say what would be removed.
            stop: Asked now and then; once it says so the rest is left, runs or only their space, for another call.
        """

    def announce(self, notice: Notice) -> None:
        """Have all followers read a notice, in whatever process they are. It is no part of any log.

        Who begins to follow later from the beginning may read it, too: the newest are kept.
        """

    def artifact_digests(self) -> set[str]:
        """The SHA-256 of every artifact that some run's log names."""

    def close(self) -> None:
        """Let go of everything; a second time does nothing."""
