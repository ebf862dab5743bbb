"""A machine that reports, repeats, loses, fences, expires, deletes, crashes and restores, beside a plain model."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from headway.errors import Gap, HeadwayError, NotFound
from headway.ports import Batch, EventStore, Lease, PrunePolicy, Snapshot, SweepRules
from headway.ports.store import Follower
from headway.protocol.cursor import Cursor
from headway.protocol.events import Draft, ReporterInfo
from headway.stores.memory import MemoryEventStore
from headway.stores.sqlite import SqliteEventStore
from headway.testing import FakeClock, refused
from headway.testing.event_store.case import drained
from headway.testing.model import Model, ModelRun
from headway.testing.samples import AT, completed, new_run, note, texts

RULES = SweepRules(lost_to_failed_s=50, unowned_to_failed_s=80)
RUNS = st.sampled_from(["a", "b"])
REPORTERS = st.sampled_from(["one", "two"])
TTL_S = st.sampled_from([10.0, 30.0])
MEMORY_DISK = Path("/dev/shm")
SOAK = bool(os.environ.get("HEADWAY_SOAK"))


def _outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except HeadwayError as error:
        return type(error), getattr(error, "expected", None)


class Known:
    """A cursor, and the log up to it as it was when the cursor was given."""

    def __init__(self, run_id: str, name: int, cursor: Cursor, log: list[str]) -> None:
        self.run_id = run_id
        self.name = name
        self.cursor = cursor
        self.log = log

    def is_of(self, run: ModelRun | None) -> bool:
        return run is not None and run.name == self.name and run.log[: len(self.log)] == self.log


class StoreMachine(RuleBasedStateMachine):
    """What any store must do."""

    cursors = Bundle("cursors")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.model = Model(self.clock, RULES)
        self.store = self.make_store()
        self.follow()
        self.written = 0

    def make_store(self) -> EventStore:
        raise NotImplementedError

    def follow(self) -> None:
        self.follower: Follower = self.store.follow(from_beginning=True)
        self.followed: dict[str, list[str]] = {}

    def teardown(self) -> None:
        self.follower.close()
        self.store.close()

    def both(self, model: Callable[[], object], store: Callable[[], object]) -> None:
        """The same call on both sides: the same answer, or the same refusal."""
        wanted, got = _outcome(model), _outcome(store)
        assert got == wanted

    def new_texts(self, count: int) -> list[str]:
        self.written += count
        return [f"{n}" for n in range(self.written - count, self.written)]

    def append(
        self,
        run_id: str,
        reporter: str,
        first: int,
        new: list[str],
        attempt: int | None = None,
        lost: tuple[int, int] | None = None,
    ) -> None:
        def stored() -> tuple[int, int]:
            batch = Batch(
                run_id=run_id,
                reporter=reporter,
                first=first,
                events=tuple(_draft(text) for text in new),
                attempt=attempt,
                lost=lost,
            )
            answer = self.store.append(batch)
            assert answer.cursor == self.store.header(run_id).cursor
            return answer.accepted, answer.next

        self.both(lambda: self.model.append(run_id, reporter, first, new, attempt=attempt, lost=lost), stored)

    def expected(self, run_id: str, reporter: str) -> int:
        run = self.model.runs.get(run_id)
        return 1 if run is None else run.next.get(reporter, 1)

    @rule(run_id=RUNS, remote=st.booleans())
    def create(self, run_id: str, remote: bool) -> None:
        run = msgspec.structs.replace(new_run(run_id), remote=remote)
        self.both(lambda: self.model.create(run_id, remote=remote), lambda: self.store.create(run).existed)

    @rule(run_id=RUNS, reporter=REPORTERS, count=st.integers(0, 5), bound=st.booleans())
    def report(self, run_id: str, reporter: str, count: int, bound: bool) -> None:
        run = self.model.runs.get(run_id)
        attempt = run.attempt if run is not None and bound else None
        self.append(run_id, reporter, self.expected(run_id, reporter), self.new_texts(count), attempt)

    @rule(run_id=RUNS, reporter=REPORTERS, back=st.integers(1, 6), count=st.integers(0, 8))
    def repeat(self, run_id: str, reporter: str, back: int, count: int) -> None:
        first = max(1, self.expected(run_id, reporter) - back)
        self.append(run_id, reporter, first, self.new_texts(count))

    @rule(run_id=RUNS, reporter=REPORTERS, ahead=st.integers(1, 3), count=st.integers(0, 3))
    def skip_numbers(self, run_id: str, reporter: str, ahead: int, count: int) -> None:
        self.append(run_id, reporter, self.expected(run_id, reporter) + ahead, self.new_texts(count))

    @rule(run_id=RUNS, reporter=REPORTERS, low=st.integers(-2, 2), high=st.integers(-1, 3), after=st.integers(-1, 4))
    def lose(self, run_id: str, reporter: str, low: int, high: int, after: int) -> None:
        expected = self.expected(run_id, reporter)
        lost = (expected + low, expected + high)
        self.append(run_id, reporter, max(1, expected + after), self.new_texts(1), lost=lost)

    @rule(run_id=RUNS, reporter=REPORTERS, attempt=st.integers(0, 4))
    def report_in_some_attempt(self, run_id: str, reporter: str, attempt: int) -> None:
        self.append(run_id, reporter, self.expected(run_id, reporter), self.new_texts(1), attempt)

    @rule(run_id=RUNS, reporter=REPORTERS)
    def complete(self, run_id: str, reporter: str) -> None:
        self.append(run_id, reporter, self.expected(run_id, reporter), ["run.completed"])

    @rule(run_id=RUNS, reporter=REPORTERS, ttl_s=TTL_S, remote=st.booleans())
    def take_over(self, run_id: str, reporter: str, ttl_s: float, remote: bool) -> None:
        self.both(
            lambda: self.model.take_over(run_id, reporter, ttl_s, remote=remote),
            lambda: self.store.take_over(run_id, ReporterInfo(id=reporter), AT, ttl_s, remote=remote).attempt,
        )

    @rule(run_id=RUNS, reporter=REPORTERS, ttl_s=TTL_S, owner=st.booleans(), remote=st.booleans())
    def renew(self, run_id: str, reporter: str, ttl_s: float, owner: bool, remote: bool) -> None:
        lease = Lease(run_id=run_id, reporter=ReporterInfo(id=reporter), ttl_s=ttl_s, owner=owner, remote=remote)
        self.both(
            lambda: self.model.renew(run_id, reporter, ttl_s, owner=owner, remote=remote),
            lambda: self.store.renew(lease),
        )

    @rule(run_id=RUNS, reporter=REPORTERS, attempt=st.none() | st.integers(0, 3))
    def release(self, run_id: str, reporter: str, attempt: int | None) -> None:
        self.both(
            lambda: self.model.release(run_id, reporter, attempt),
            lambda: self.store.release(run_id, reporter, attempt=attempt),
        )

    @rule()
    def grant_grace(self) -> None:
        self.model.grant_grace()
        self.store.grant_grace()

    @rule(seconds=st.sampled_from([5.0, 20.0, 45.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.clock.jump_wall(-2 * seconds)

    @rule(remote=st.booleans())
    def sweep(self, remote: bool) -> None:
        wanted, got = self.model.sweep(remote=remote), self.store.sweep(RULES, remote=remote)
        assert (set(got.lost), set(got.failed)) == (set(wanted.lost), set(wanted.failed))

    @rule(run_id=RUNS)
    def delete(self, run_id: str) -> None:
        self.both(lambda: self.model.delete(run_id), lambda: self.store.delete(run_id))

    @rule(kept=st.integers(0, 2))
    def prune(self, kept: int) -> None:
        self.both(lambda: self.model.prune(kept), lambda: set(self.store.prune(PrunePolicy(max_runs=kept)).runs))

    @rule(target=cursors, run_id=RUNS, part=st.floats(0, 1))
    def keep_cursor(self, run_id: str, part: float) -> object:
        run = self.model.runs.get(run_id)
        if run is None:
            return multiple()
        seq = round(part * len(run.log))
        return Known(run_id, run.name, self.store.cursor_at(run_id, seq), run.log[:seq])

    @rule(known=cursors)
    def resume(self, known: Known) -> None:
        run = self.model.runs.get(known.run_id)
        if known.is_of(run):
            assert run is not None
            assert known.log + texts(self.store.read(known.run_id, known.cursor).records) == run.log
        elif run is not None or (known.run_id, known.name) in self.model.removed:
            with refused(Gap) as refusal:
                self.store.read(known.run_id, known.cursor)
            assert refusal.error.reason == ("deleted" if run is None else "diverged")
        else:
            with refused(NotFound):
                self.store.read(known.run_id, known.cursor)

    @rule(known=consumes(cursors), fold=st.integers(1, 2))
    def store_state(self, known: Known, fold: int) -> None:
        run = self.model.runs.get(known.run_id)
        snapshot = Snapshot(fold=fold, cursor=known.cursor, body=b"{}")
        taken = self.store.put_snapshot(known.run_id, snapshot)
        assert known.is_of(run) or not taken
        if taken:
            assert self.store.snapshot(known.run_id, fold=fold) == snapshot

    @invariant()
    def logs_are_equal(self) -> None:
        listed = self.store.list_runs().headers
        assert [header.run_id for header in listed] == list(reversed(self.model.runs))
        for header in listed:
            run = self.model.runs[header.run_id]
            records = self.store.read(header.run_id).records
            assert texts(records) == run.log
            assert [record.seq for record in records] == list(range(1, len(run.log) + 1))
            assert (header.status, header.attempt, header.owner) == (run.status, run.attempt, run.owner)
            assert (header.cursor.seq, header.cursor.nonce) == (records[-1].seq, records[-1].nonce)
        assert [past.run_id for past in self.store.past_runs("sample")] == self.model.remembered

    @invariant()
    def the_follower_has_seen_it_all(self) -> None:
        for record in drained(self.follower):
            if record.seq == 0:
                self.followed.pop(record.run_id, None)
            else:
                seen = self.followed.setdefault(record.run_id, [])
                assert record.seq == len(seen) + 1
                seen += texts([record])
        assert self.followed == {run_id: run.log for run_id, run in self.model.runs.items()}


def _draft(text: str) -> Draft:
    return completed(1.0) if text == "run.completed" else note(text)


class MemoryMachine(StoreMachine):
    def make_store(self) -> EventStore:
        return MemoryEventStore(clock=self.clock)


class SqliteMachine(StoreMachine):
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None))
        self.kept: Model | None = None
        super().__init__()

    def make_store(self) -> EventStore:
        return SqliteEventStore(self.folder / "log.db", clock=self.clock)

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.folder)

    @rule()
    def crash(self) -> None:
        """The object is dropped without being closed, as by a process that dies."""
        self.store = self.make_store()

    @rule()
    def restart_machine(self) -> None:
        self.clock.reboot()
        self.crash()

    @rule()
    def keep_copy(self) -> None:
        with (
            closing(apsw.Connection(str(self.folder / "log.db"))) as source,
            closing(apsw.Connection(str(self.folder / "copy.db"))) as copy,
            copy.backup("main", source, "main") as backup,
        ):
            backup.step()
        self.kept = self.model.copy()

    @precondition(lambda self: self.kept is not None)
    @rule()
    def restore_copy(self) -> None:
        assert self.kept is not None
        self.follower.close()
        self.store.close()
        (self.folder / "log.db-wal").unlink(missing_ok=True)
        (self.folder / "log.db-shm").unlink(missing_ok=True)
        shutil.copy(self.folder / "copy.db", self.folder / "restored.db")
        (self.folder / "restored.db").rename(self.folder / "log.db")
        self.model.restore(self.kept)
        self.store = self.make_store()
        self.follow()


_settings = settings(max_examples=2_000 if SOAK else 60, stateful_step_count=60 if SOAK else 30, deadline=None)
TestMemory = MemoryMachine.TestCase
TestMemory.settings = _settings
TestSqlite = SqliteMachine.TestCase
TestSqlite.settings = _settings
