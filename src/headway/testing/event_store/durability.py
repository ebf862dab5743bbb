"""What holds of a store that outlives the object and the process it was used through."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

from headway.errors import Fenced, Gap
from headway.ports import Clock, EventStore, Lease, LogQuery, PrunePolicy, RunFilter, Snapshot, SweepRules, Swept
from headway.protocol.events import ReporterInfo
from headway.testing.event_store.case import StoreCase, drained
from headway.testing.expectation import refused
from headway.testing.samples import AT, OTHER, OWNER, batch, completed, log, new_run, note, notes, started, texts

RULES = SweepRules(lost_to_failed_s=300, unowned_to_failed_s=600)


class DurableCase(StoreCase):
    """A store that can be opened a second time, beside the first or after it."""

    def reopen(self, store: EventStore, clock: Clock) -> EventStore:
        """Another object for the same data; the first one may still be open, or may just have been dropped."""
        raise NotImplementedError

    def second(self) -> EventStore:
        """The same data, as another process sees them."""
        return self.reopen(self.store, self.clock)

    def restart(self) -> None:
        """Forget the store without closing it, and open it again."""
        self.store = self.reopen(self.store, self.clock)


class Enduring(DurableCase):
    """What was answered is still there."""

    def test_what_was_acknowledged_is_there_after_a_crash(self) -> None:
        answer = self.report(*notes("a", "b"), log("line", stage="s"))
        header, records = self.store.header("run"), self.all_records()
        self.restart()
        assert self.store.header("run") == header
        assert self.all_records() == records
        assert self.cursor() == answer.cursor
        assert self.store.read("run", answer.cursor).records == ()
        assert self.store.read_log("run", LogQuery()).total_bytes == 5

    def test_duplicates_are_recognised_after_a_crash(self) -> None:
        self.store.append(batch("run", 1, notes("a", "b")))
        self.restart()
        answer = self.store.append(batch("run", 2, notes("b", "c")))
        assert (answer.accepted, answer.next) == (1, 4)
        assert self.all_texts() == ["a", "b", "c"]

    def test_offsets_go_on_after_a_crash(self) -> None:
        self.report(log("abc"))
        self.restart()
        self.report(log("d"))
        assert self.store.read_log("run", LogQuery()).total_bytes == 6
        assert b'"offset":4' in self.all_records()[-1].body

    def test_the_rest_is_there_too(self) -> None:
        self.report(completed(3.0))
        self.store.put_snapshot("run", Snapshot(fold=1, cursor=self.cursor(), body=b"{}"))
        past = self.store.past_runs("sample")
        self.restart()
        assert self.store.past_runs("sample") == past
        assert self.store.snapshot("run", fold=1) is not None
        assert [header.run_id for header in self.store.list_runs(RunFilter(status="completed")).headers] == ["run"]

    def test_deletions_are_remembered(self) -> None:
        self.report(completed())
        cursor = self.cursor()
        self.store.delete("run")
        self.restart()
        with refused(Gap) as refusal:
            self.store.read("run", cursor)
        assert refusal.error.reason == "deleted"


class Restarting(DurableCase):
    """Several objects on the same data, and a machine that starts again."""

    def test_two_objects_see_each_others_appends(self) -> None:
        other = self.second()
        self.report(note("a"))
        assert other.append(batch("run", 1, notes("b"), "other")).cursor.seq == 3
        self.report(note("c"))
        assert texts(other.read("run").records) == ["run.created", "a", "b", "c"]
        other.close()
        assert self.all_texts() == ["a", "b", "c"]

    def test_a_follower_sees_what_another_object_appends(self) -> None:
        other = self.second()
        follower = other.follow()
        self.report(note("a"))
        assert follower.wait(30)
        while not (records := drained(follower)):
            assert follower.wait(30)
        assert texts(records) == ["a"]
        follower.close()
        other.close()

    def test_a_removal_by_another_object_is_seen(self) -> None:
        self.report(completed())
        other = self.second()
        follower = self.store.follow()
        assert other.prune(PrunePolicy(max_runs=0)).runs == ("run",)
        assert [record.seq for record in drained(follower)] == [0]
        assert self.store.list_runs().headers == ()
        follower.close()
        other.close()

    def test_fencing_holds_between_objects(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        other = self.second()
        other.take_over("run", OTHER, AT, 30)
        with refused(Fenced):
            self.report(note("late"), attempt=1)
        other.close()

    def test_after_another_start_of_the_machine_all_leases_have_run_out(self) -> None:
        self.store.take_over("run", OWNER, AT, 1e6)
        self.clock.reboot()
        self.restart()
        assert self.store.sweep(RULES) == Swept(lost=("run",))
        self.clock.advance(301)
        assert self.store.sweep(RULES) == Swept(failed=("run",))

    def test_after_another_start_a_helpers_stages_have_failed(self) -> None:
        self.store.take_over("run", OWNER, AT, 1e6)
        self.store.renew(Lease(run_id="run", reporter=ReporterInfo(id="helper"), ttl_s=1e6, owner=False))
        self.report(started("a"), reporter="helper")
        self.clock.reboot()
        self.restart()
        assert self.store.sweep(RULES) == Swept(lost=("run",), helpers=("run",))

    def test_grace_outlives_a_start_of_the_machine(self) -> None:
        self.store.take_over("run", OWNER, AT, 30, remote=True)
        self.clock.reboot()
        self.restart()
        assert self.store.sweep(RULES) == Swept()
        self.store.grant_grace()
        self.clock.advance(29)
        assert self.store.sweep(RULES, remote=True) == Swept()
        self.clock.advance(1)
        assert self.store.sweep(RULES, remote=True).lost == ("run",)

    def test_after_another_start_waiting_begins_anew(self) -> None:
        self.store.create(new_run("waiting"))
        self.clock.advance(599)
        self.clock.reboot()
        self.restart()
        assert self.store.sweep(RULES) == Swept()
        self.clock.advance(599)
        assert self.store.sweep(RULES) == Swept()
        self.clock.advance(2)
        assert set(self.store.sweep(RULES).failed) == {"run", "waiting"}

    def test_an_owner_that_lived_through_it_recovers_its_run(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.clock.reboot()
        self.restart()
        self.store.sweep(RULES)
        self.store.renew(Lease(run_id="run", reporter=OWNER, ttl_s=30, owner=True, attempt=1))
        assert self.store.header("run").status == "running"
