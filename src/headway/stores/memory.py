"""A store that lives and ends with its process: for tests, and for jobs whose progress nobody needs afterwards.

It keeps the same contract as the others, behind one lock and as plainly as it can be written.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from headway.errors import Gap, NotFound, RunActive, StoreUnavailable
from headway.ports import (
    PAST_RUNS_KEPT,
    Appended,
    Batch,
    Clock,
    Created,
    Header,
    Lease,
    LogQuery,
    LogSlice,
    NewRun,
    Notice,
    Page,
    PastRun,
    Pruned,
    PrunePolicy,
    Record,
    RunFilter,
    RunPage,
    Snapshot,
    SweepRules,
    Swept,
    SystemClock,
)
from headway.ports.store import READ_LIMIT
from headway.protocol import codec, events, names, times
from headway.protocol.cursor import Cursor, new_epoch, new_nonce
from headway.protocol.events import Draft, Priority, ReporterInfo
from headway.stores import ownership
from headway.stores.admission import Prepared, admit, check_limit, check_same, gap_event, prepare, prepare_batch
from headway.stores.digest import bring_up_to_date
from headway.stores.journal import EMPTY, MemoryFollower, MemoryListener, to_notice
from headway.stores.listing import fits, parse_page
from headway.stores.retention import EndedRun, choose, elided, eliding, pruned, too_much_log
from headway.stores.rows import Offsets, Row, RunRow, created_drafts, number, past_run

LOG_LIMIT_BYTES = 10_000_000


class _Held(msgspec.Struct):
    """A lease: until when on the clock that never jumps, and the time of its grace if it is a remote one."""

    until: float
    grace_s: float | None = None


class _Run:
    """Everything that is kept of one run."""

    def __init__(self, row: RunRow) -> None:
        self.row = row
        self.events: list[Row] = []
        self.next: dict[str, int] = {}
        self.leases: dict[str, _Held] = {}
        self.open_stages: dict[str, str] = {}
        self.offsets: Offsets = {}
        self.artifacts: dict[str, str] = {}
        self.snapshot: Snapshot | None = None


class MemoryEventStore:
    """See ``EventStore``. All methods may be called from any thread of the process."""

    def __init__(self, *, clock: Clock | None = None, log_limit_bytes: int = LOG_LIMIT_BYTES) -> None:
        self._clock = clock or SystemClock()
        self._log_limit = log_limit_bytes
        self._runs: dict[str, _Run] = {}
        self._removed: set[tuple[str, str]] = set()
        self._past: dict[tuple[str, str], list[PastRun]] = {}
        self._journal: list[Record] = []
        self._count = 0
        self._listeners: weakref.WeakSet[MemoryListener] = weakref.WeakSet()
        self._news = threading.Condition(threading.RLock())
        self._closed = False

    @contextmanager
    def _opened(self) -> Iterator[None]:
        with self._news:
            if self._closed:
                raise StoreUnavailable("the store was closed")
            yield

    def _find(self, run_id: str) -> _Run:
        try:
            return self._runs[run_id]
        except KeyError:
            raise NotFound(f"there is no run {run_id!r} in this store") from None

    def create(self, run: NewRun) -> Created:
        """See ``EventStore.create``."""
        names.run_id(run.run_id)
        prepared = prepare(tuple(created_drafts(run)))
        with self._opened():
            existing = self._runs.get(run.run_id)
            if existing is not None:
                check_same(existing.row, run)
                return existing.row.created(existed=True)
            row = self._new_row(run)
            self._runs[run.run_id] = _Run(row)
            self._store(self._runs[run.run_id], prepared, reporter="")
            return row.created(existed=False)

    def _new_row(self, run: NewRun) -> RunRow:
        self._count += 1
        return RunRow(
            id=self._count,
            run_id=run.run_id,
            epoch=new_epoch(),
            kind=run.kind,
            variant=run.variant,
            created_at=run.at,
            last_event_at=run.at,
            parent=run.parent,
            retry_of=run.retry_of,
            boot=self._clock.boot(),
            since=self._clock.elapsed(),
            arrived_at=times.to_text(self._clock.wall()),
            remote=run.remote,
        )

    def _store(self, run: _Run, new: Sequence[Prepared], *, reporter: str) -> None:
        run.row.nonce = new_nonce()
        before = run.row.seq
        for each in new:
            run.events.append(number(run.row, each.draft, each.data, each.tail, run.offsets))
            self._keep_beside(run, each, reporter)
        if too_much_log(run.row, self._log_limit):
            self._elide(run)
        self._journal += [_record(run.row.run_id, stored) for stored in run.events[before:]]
        self._news.notify_all()

    def _store_own(self, run: _Run, drafts: Sequence[Draft]) -> None:
        if drafts:
            self._store(run, prepare(tuple(drafts)), reporter="")

    def _keep_beside(self, run: _Run, each: Prepared, reporter: str) -> None:
        stage = each.draft.stage or ""
        match each.data:
            case events.StageStarted():
                run.open_stages[stage] = reporter
            case events.StageCompleted() | events.StageFailed() | events.StageSkipped():
                run.open_stages.pop(stage, None)
            case events.Artifact(name=name, sha256=str(sha256)):
                run.artifacts[name] = sha256
            case events.RunCancelRequested() | events.InputGiven():
                self._ring(run.row.run_id)
            case events.RunCompleted() as completed:
                self._end(run, past_run(run.row, completed))
            case events.RunFailed() | events.RunCancelled():
                self._end(run, None)

    def _ring(self, run_id: str) -> None:
        for listener in self._listeners:
            if listener.run_id == run_id:
                listener.wake()

    def _end(self, run: _Run, past: PastRun | None) -> None:
        run.open_stages.clear()
        run.leases.clear()
        if past is not None:
            kept = self._past.setdefault((run.row.kind, run.row.variant or ""), [])
            kept.append(past)
            del kept[:-PAST_RUNS_KEPT]

    def _elide(self, run: _Run) -> None:
        before = run.row.log_cut
        while self._elide_one(run):
            pass
        if run.row.log_cut > before:
            index = max(index for index, event in enumerate(run.events) if event.type == "log")
            newest = run.events[index]
            run.events[index] = msgspec.structs.replace(newest, body=eliding(run.row, newest.body))

    def _elide_one(self, run: _Run) -> bool:
        for index in range(run.row.log_elided, len(run.events)):
            event = run.events[index]
            if event.type == "log":
                shorter = elided(run.row, event.seq, event.body, self._log_limit)
                if shorter is not None:
                    run.events[index] = msgspec.structs.replace(event, body=shorter)
                return shorter is not None
        return False

    def take_over(self, run_id: str, reporter: ReporterInfo, at: str, ttl_s: float, *, remote: bool = False) -> Created:
        """See ``EventStore.take_over``."""
        with self._opened():
            run = self._find(run_id)
            previous = run.row.owner
            drafts = ownership.claim(run.row, reporter, at)
            run.row.remote = remote
            self._store_own(run, drafts)
            if drafts and previous is not None:
                run.leases.pop(previous, None)
            run.leases[reporter.id] = self._held(ttl_s, remote=remote)
            return run.row.created(existed=True)

    def append(self, batch: Batch) -> Appended:
        """See ``EventStore.append``."""
        prepared = prepare_batch(batch)
        with self._opened():
            run = self._find(batch.run_id)
            row, before = run.row, run.row.seq
            expected = run.next.get(batch.reporter, 1)
            known, lost = admit(row, expected, batch)
            new = prepared[known:]
            if lost is not None:
                new.insert(0, gap_event(batch.reporter, lost, self._clock))
            if new:
                self._store(run, new, reporter=batch.reporter)
                ownership.wait_for_more(row, self._clock)
                expected = run.next[batch.reporter] = max(expected, batch.first + len(batch.events))
            row.show(batch)
            return Appended(
                cursor=row.cursor,
                first_seq=before + 1 if new else None,
                accepted=row.seq - before,
                next=expected,
                cancel_requested=row.cancel_requested,
            )

    def header(self, run_id: str) -> Header:
        """See ``EventStore.header``."""
        with self._opened():
            return self._find(run_id).row.header()

    def read(
        self,
        run_id: str,
        after: Cursor | None = None,
        *,
        limit: int = READ_LIMIT,
        types: Collection[str] | None = None,
        priorities: Collection[Priority] | None = None,
    ) -> Page:
        """See ``EventStore.read``."""
        check_limit(limit)
        with self._opened():
            if run_id not in self._runs and after is not None and (run_id, after.epoch) in self._removed:
                raise Gap(f"run {run_id!r} was deleted", reason="deleted")
            run = self._find(run_id)
            seq = 0 if after is None else _check_cursor(run, after)
            fitting = (
                event
                for event in run.events[seq:]
                if (types is None or event.type in types) and (priorities is None or event.priority in priorities)
            )
            found = [event for event, _ in zip(fitting, range(limit), strict=False)]
            complete = len(found) < limit
            cursor = run.row.cursor if complete else Cursor(run.row.epoch, found[-1].seq, found[-1].nonce)
            records = tuple(_record(run_id, event) for event in found)
            return Page(records=records, cursor=cursor, complete=complete, ended=complete and run.row.ended)

    def cursor_at(self, run_id: str, seq: int) -> Cursor:
        """See ``EventStore.cursor_at``."""
        with self._opened():
            run = self._find(run_id)
            if not 0 <= seq <= run.row.seq:
                raise NotFound(f"run {run_id!r} has no event {seq}: its newest is {run.row.seq}")
            return Cursor(run.row.epoch, seq, run.events[seq - 1].nonce if seq else 0)

    def read_log(self, run_id: str, query: LogQuery) -> LogSlice:
        """See ``EventStore.read_log``."""
        check_limit(query.limit)
        with self._opened():
            run = self._find(run_id)
            logged = (event for event in run.events[query.after_seq :] if event.type == "log")
            records = tuple(_record(run_id, event) for event in _matching(logged, query))
            return LogSlice(records=records, total_bytes=run.row.log_bytes, cut_bytes=run.row.log_cut)

    def follow(self, *, from_beginning: bool = False) -> MemoryFollower:
        """See ``EventStore.follow``."""
        with self._opened():
            return MemoryFollower(self._journal, self._news, 0 if from_beginning else len(self._journal))

    def listen(self, run_id: str) -> MemoryListener:
        """See ``EventStore.listen``."""
        with self._opened():
            listener = MemoryListener(run_id)
            self._listeners.add(listener)
            return listener

    def snapshot(self, run_id: str, *, fold: int, at_most: int | None = None) -> Snapshot | None:
        """See ``EventStore.snapshot``."""
        with self._opened():
            run = self._find(run_id)
            found = run.snapshot
            if found is None or found.fold != fold or (at_most is not None and found.cursor.seq > at_most):
                return None
            return msgspec.structs.replace(found, log_cut=run.row.log_cut > 0)

    def put_snapshot(self, run_id: str, snapshot: Snapshot) -> bool:
        """See ``EventStore.put_snapshot``."""
        with self._opened():
            run = self._runs.get(run_id)
            if run is None or snapshot.cursor.seq < 1:
                return False
            try:
                _check_cursor(run, snapshot.cursor)
            except Gap:
                return False
            old = run.snapshot
            if old is not None and (old.fold, old.cursor.seq) > (snapshot.fold, snapshot.cursor.seq):
                return False
            run.snapshot = snapshot
            return True

    def list_runs(self, filter_: RunFilter | None = None, *, limit: int = 50, page: str | None = None) -> RunPage:
        """See ``EventStore.list_runs``."""
        check_limit(limit)
        before = None if page is None else parse_page(page)
        with self._opened():
            rows = [run.row for run in self._runs.values() if fits(run.row, filter_ or RunFilter())]
            rows = sorted(rows, key=lambda row: -row.id)
            rows = [row for row in rows if before is None or row.id < before]
            more = len(rows) > limit
            return RunPage(
                headers=tuple(row.header() for row in rows[:limit]),
                next=str(rows[limit - 1].id) if more else None,
            )

    def renew(self, lease: Lease) -> bool:
        """See ``EventStore.renew``."""
        with self._opened():
            run = self._find(lease.run_id)
            self._store_own(run, ownership.renewal(run.row, lease, self._clock))
            if lease.owner:
                run.row.remote = lease.remote
            run.leases[lease.reporter.id] = self._held(lease.ttl_s, remote=lease.remote)
            return run.row.cancel_requested

    def _held(self, ttl_s: float, *, remote: bool) -> _Held:
        return _Held(self._clock.elapsed() + ttl_s, ttl_s if remote else None)

    def release(self, run_id: str, reporter: str, *, attempt: int | None = None) -> None:
        """See ``EventStore.release``."""
        with self._opened():
            run = self._find(run_id)
            if ownership.leaves(run.row, reporter, attempt):
                run.leases[reporter] = self._held(0.0, remote=False)
            else:
                run.leases.pop(reporter, None)

    def helpers(self, run_id: str) -> tuple[str, ...]:
        """See ``EventStore.helpers``."""
        with self._opened():
            run = self._find(run_id)
            now = self._clock.elapsed()
            return tuple(
                sorted(name for name, held in run.leases.items() if held.until > now and name != run.row.owner)
            )

    def grant_grace(self) -> None:
        """See ``EventStore.grant_grace``."""
        with self._opened():
            now = self._clock.elapsed()
            for run in self._runs.values():
                if run.row.waits and run.row.remote:
                    run.row.since = now
                for held in run.leases.values():
                    if held.grace_s is not None:
                        held.until = max(held.until, now + held.grace_s)

    def sweep(self, rules: SweepRules | None = None, *, remote: bool = False) -> Swept:
        """See ``EventStore.sweep``."""
        lost, failed, helpers = list[str](), list[str](), list[str]()
        with self._opened():
            bring_up_to_date(self, self._overdue(rules or SweepRules(), remote=remote), self._clock)
            for run in self._runs.values():
                for reporter in self._silent(run, remote=remote):
                    del run.leases[reporter]
                    self._expire(run, reporter, lost, helpers)
                if run.row.waits_for(remote=remote):
                    drafts = ownership.end_of_patience(run.row, rules or SweepRules(), self._clock)
                    self._store_own(run, drafts)
                    failed += [run.row.run_id] if drafts else []
        return Swept(lost=tuple(lost), failed=tuple(failed), helpers=tuple(helpers))

    def _overdue(self, rules: SweepRules, *, remote: bool) -> list[str]:
        return [
            run_id
            for run_id, run in self._runs.items()
            if run.row.owner in self._silent(run, remote=remote)
            or (run.row.waits_for(remote=remote) and ownership.has_waited(run.row, rules, self._clock))
        ]

    def _silent(self, run: _Run, *, remote: bool) -> list[str]:
        now = self._clock.elapsed()
        return [name for name, held in run.leases.items() if held.until <= now and (remote or held.grace_s is None)]

    def _expire(self, run: _Run, reporter: str, lost: list[str], helpers: list[str]) -> None:
        if run.row.owner == reporter:
            drafts = ownership.loss(run.row, self._clock)
            self._store_own(run, drafts)
            lost += [run.row.run_id] if drafts else []
            return
        paths = [path for path, opener in run.open_stages.items() if opener == reporter]
        self._store_own(run, ownership.stage_failures(paths, self._clock))
        helpers += [run.row.run_id] if paths else []

    def past_runs(self, kind: str, variant: str | None = None) -> list[PastRun]:
        """See ``EventStore.past_runs``."""
        with self._opened():
            return list(self._past.get((kind, variant or ""), []))

    def kinds(self) -> list[str]:
        """See ``EventStore.kinds``."""
        with self._opened():
            return sorted({run.row.kind for run in self._runs.values()} | {kind for kind, _ in self._past})

    def delete(self, run_id: str) -> None:
        """See ``EventStore.delete``."""
        with self._opened():
            row = self._find(run_id).row
            if not row.ended:
                raise RunActive(f"run {run_id!r} has not ended ({row.status}): cancel it first")
            self._remove(row)

    def _remove(self, row: RunRow) -> None:
        del self._runs[row.run_id]
        self._removed.add((row.run_id, row.epoch))
        # Followers go on by their place in the journal, so the removed run's events leave empty places behind.
        self._journal[:] = [EMPTY if record.run_id == row.run_id else record for record in self._journal]
        self._journal.append(Record(row.run_id, 0, 0, "deleted", "critical", row.run_id.encode()))
        self._news.notify_all()

    def prune(self, policy: PrunePolicy, *, dry_run: bool = False, stop: Callable[[], bool] = lambda: False) -> Pruned:
        """See ``EventStore.prune``."""
        with self._opened():
            rows = sorted((run.row for run in self._runs.values()), key=lambda row: -row.id)
            ended = [_ended_run(row) for row in rows if row.ended]
            chosen = [] if stop() else choose(ended, sum(row.size_bytes for row in rows), policy, self._clock)
            for run in chosen if not dry_run else ():
                self._remove(self._runs[run.run_id].row)
            return pruned(chosen)

    def announce(self, notice: Notice) -> None:
        """See ``EventStore.announce``."""
        with self._opened():
            self._journal.append(to_notice(0, msgspec.json.encode(notice)))
            self._news.notify_all()

    def artifact_digests(self) -> set[str]:
        """See ``EventStore.artifact_digests``."""
        with self._opened():
            return {digest for run in self._runs.values() for digest in run.artifacts.values()}

    def close(self) -> None:
        """See ``EventStore.close``."""
        with self._news:
            self._closed = True
            self._news.notify_all()


def _record(run_id: str, event: Row) -> Record:
    return Record(run_id, event.seq, event.nonce, event.type, event.priority, event.body)


def _ended_run(row: RunRow) -> EndedRun:
    since = max(row.ended_at or "", row.arrived_at or "")
    return EndedRun(row.id, row.run_id, row.kind, row.status, since, row.size_bytes)


def _check_cursor(run: _Run, after: Cursor) -> int:
    same = after.epoch == run.row.epoch and 0 <= after.seq <= run.row.seq
    if not same or (after.seq > 0 and run.events[after.seq - 1].nonce != after.nonce):
        oldest = str(Cursor(run.row.epoch, 0, 0))
        raise Gap(f"the cursor is not of run {run.row.run_id!r}'s log", reason="diverged", oldest=oldest)
    return after.seq


def _matching(logged: Iterable[Row], query: LogQuery) -> list[Row]:
    found: list[tuple[Row, int]] = []
    for stored in logged:
        event = codec.decode_event(stored.body)
        data = codec.data_of(event)
        assert isinstance(data, events.Log)
        if query.stage in (None, event.stage or "") and query.stream in (None, data.stream):
            found.append((stored, len(data.lines)))
    if query.tail is None:
        return [stored for stored, _ in found[: query.limit]]
    lines, start = 0, len(found)
    while start > 0 and lines < query.tail:
        start -= 1
        lines += found[start][1]
    return [stored for stored, _ in found[start:]]
