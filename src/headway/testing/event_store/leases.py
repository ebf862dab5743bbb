"""Owners, helpers and their leases: who is alive, and what silence means."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

import msgspec

from headway.errors import Fenced, NotFound, RunEnded
from headway.ports import Lease, Snapshot, SweepRules, Swept
from headway.progress.fold import Fold
from headway.progress.state import FOLD_VERSION
from headway.protocol import codec, events
from headway.protocol.events import ReporterInfo
from headway.testing.event_store.case import StoreCase
from headway.testing.expectation import refused
from headway.testing.samples import AT, OTHER, OWNER, completed, decoded, ended, new_run, note, started

HELPER = ReporterInfo(id="helper")
RULES = SweepRules(lost_to_failed_s=300, unowned_to_failed_s=600)


class LeaseCase(StoreCase):
    """What the lease tests share."""

    def owner_lease(self, attempt: int | None = 1, ttl_s: float = 30) -> Lease:
        """The owner's lease of the run."""
        return Lease(run_id="run", reporter=OWNER, ttl_s=ttl_s, owner=True, attempt=attempt)

    def helper_lease(self, ttl_s: float = 30) -> Lease:
        """The helper's."""
        return Lease(run_id="run", reporter=HELPER, ttl_s=ttl_s, owner=False)

    def status(self) -> str:
        """The run's status."""
        return self.store.header("run").status

    def lose(self) -> None:
        """Take the run over, and let the owner fall silent."""
        self.store.take_over("run", OWNER, AT, 30)
        self.clock.advance(31)
        assert self.store.sweep(RULES).lost == ("run",)


class TakingOver(LeaseCase):
    """Becoming the owner."""

    def test_the_first_owner_starts_the_run(self) -> None:
        answer = self.store.take_over("run", OWNER, AT, 30)
        event = decoded(self.all_records()[1])
        assert (answer.attempt, answer.existed, answer.cursor) == (1, True, self.cursor())
        assert (event["type"], event["data"]["attempt"], event["data"]["reporter"]) == (
            "run.started",
            1,
            {"id": "owner", "host": "here", "pid": 1},
        )
        header = self.store.header("run")
        assert (header.status, header.owner, header.attempt, header.started_at) == ("running", "owner", 1, AT)

    def test_another_owner_is_another_attempt(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        answer = self.store.take_over("run", OTHER, "2026-11-20T20:00:00.000Z", 30)
        header = self.store.header("run")
        assert (answer.attempt, header.owner, header.attempt, header.started_at) == (2, "other", 2, AT)

    def test_the_owner_gets_its_attempt_again(self) -> None:
        first = self.store.take_over("run", OWNER, AT, 30)
        again = self.store.take_over("run", OWNER, AT, 30)
        assert (again.attempt, again.cursor) == (1, first.cursor)
        assert self.all_texts() == ["run.started"]

    def test_a_lost_run_is_recovered_by_another(self) -> None:
        self.lose()
        assert self.store.take_over("run", OTHER, AT, 30).attempt == 2
        assert self.all_texts() == ["run.started", "run.lost", "run.recovered", "run.started"]
        assert self.status() == "running"

    def test_a_lost_run_is_recovered_by_its_owner(self) -> None:
        self.lose()
        assert self.store.take_over("run", OWNER, AT, 30).attempt == 1
        assert self.all_texts() == ["run.started", "run.lost", "run.recovered"]
        assert self.status() == "running"
        self.clock.advance(29)
        assert self.store.sweep(RULES) == Swept()

    def test_the_first_attempt_is_the_runs_before_it_has_begun(self) -> None:
        self.report(note("before"), attempt=1)
        self.store.take_over("run", OWNER, AT, 30)
        self.report(note("after"), attempt=1)
        assert self.all_texts() == ["before", "run.started", "after"]
        with refused(Fenced):
            self.report(note("too early"), attempt=2)

    def test_an_owners_lease_takes_a_run_over_that_has_no_owner(self) -> None:
        for attempt in (None, 1):
            self.store.close()
            self.use(self.make_store(self.clock))
            self.store.renew(self.owner_lease(attempt=attempt))
            header = self.store.header("run")
            assert (header.status, header.owner, header.attempt) == ("running", "owner", 1)
            self.report(note("a"), attempt=1)
            self.store.renew(self.owner_lease(attempt=attempt))
            assert self.all_texts() == ["run.started", "a"]
            self.clock.advance(31)
            assert self.store.sweep(RULES).lost == ("run",)

    def test_an_owners_lease_takes_a_run_over_that_was_imported(self) -> None:
        self.report(events.draft(events.RunStarted(attempt=1, reporter=OTHER), at=AT))
        with refused(Fenced):
            self.store.renew(self.owner_lease(attempt=1))
        self.store.renew(self.owner_lease(attempt=None))
        assert self.store.header("run").attempt == 2

    def test_an_ended_run_is_not_taken_over(self) -> None:
        self.report(completed())
        with refused(RunEnded):
            self.store.take_over("run", OWNER, AT, 30)
        with refused(NotFound):
            self.store.take_over("none", OWNER, AT, 30)

    def test_the_earlier_owners_silence_means_nothing(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.store.take_over("run", OTHER, AT, 100)
        self.clock.advance(31)
        assert self.store.sweep(RULES) == Swept()
        assert self.status() == "running"


class Renewing(LeaseCase):
    """The owner's signs of life."""

    def test_a_renewed_lease_does_not_run_out(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        for _ in range(5):
            self.clock.advance(29)
            assert not self.store.renew(self.owner_lease())
            assert self.store.sweep(RULES) == Swept()
        assert self.all_texts() == ["run.started"]

    def test_a_silent_owner_loses_the_run(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.clock.advance(29)
        assert self.store.sweep(RULES) == Swept()
        self.clock.advance(1)
        assert self.store.sweep(RULES) == Swept(lost=("run",))
        assert self.store.sweep(RULES) == Swept()
        assert self.all_texts() == ["run.started", "run.lost"]
        assert self.status() == "lost"

    def test_an_owner_that_comes_back_recovers_the_run(self) -> None:
        self.lose()
        self.store.renew(self.owner_lease())
        self.store.renew(self.owner_lease())
        assert self.all_texts() == ["run.started", "run.lost", "run.recovered"]
        assert self.status() == "running"
        self.clock.advance(31)
        assert self.store.sweep(RULES).lost == ("run",), "and may be lost again"

    def test_a_lost_owner_may_still_append(self) -> None:
        self.lose()
        self.report(note("a"), reporter=OWNER.id, attempt=1)
        assert self.status() == "lost", "a lease says that it is back, not an event"

    def test_only_the_owner_renews_as_owner(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.store.take_over("run", OTHER, AT, 30)
        with refused(Fenced):
            self.store.renew(self.owner_lease())
        with refused(Fenced):
            self.store.renew(self.owner_lease(attempt=None))
        with refused(NotFound):
            self.store.renew(Lease(run_id="none", reporter=OWNER, ttl_s=30, owner=True))

    def test_an_ended_run_has_no_leases(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.store.renew(self.helper_lease())
        self.report(completed(), attempt=1)
        with refused(RunEnded):
            self.store.renew(self.owner_lease())
        self.clock.advance(10_000)
        assert self.store.sweep(RULES) == Swept()

    def test_a_renewal_tells_of_a_cancel(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.report(events.draft(events.RunCancelRequested(), at=AT), reporter="watcher")
        assert self.store.renew(self.owner_lease())

    def test_the_wall_clock_does_not_matter(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.clock.jump_wall(100_000)
        assert self.store.sweep(RULES) == Swept()
        self.clock.jump_wall(-200_000)
        self.clock.advance(31)
        assert self.store.sweep(RULES).lost == ("run",)

    def test_an_owner_that_gives_its_lease_back_has_left_the_run(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.store.release("run", OWNER.id)
        assert self.store.sweep(RULES).lost == ("run",)

    def test_an_earlier_attempt_does_not_give_the_owners_lease_back(self) -> None:
        for reporter in (OWNER, OTHER, OWNER):
            self.store.take_over("run", reporter, AT, 30)
        with refused(Fenced):
            self.store.release("run", OWNER.id, attempt=1)
        self.store.release("run", OTHER.id, attempt=2)
        assert self.store.sweep(RULES) == Swept()
        self.store.release("run", OWNER.id, attempt=3)
        assert self.store.sweep(RULES).lost == ("run",)


class RunningOutOfPatience(LeaseCase):
    """Runs that nobody comes back to, and runs that nobody took on."""

    def test_a_lost_run_fails_in_the_end(self) -> None:
        self.lose()
        self.clock.advance(300)
        assert self.store.sweep(RULES) == Swept()
        self.clock.advance(1)
        assert self.store.sweep(RULES) == Swept(failed=("run",))
        last = decoded(self.all_records()[-1])
        assert (last["type"], last["data"]["error"]["code"]) == ("run.failed", "lost")
        assert self.status() == "failed"
        with refused(RunEnded):
            self.store.renew(self.owner_lease())

    def test_a_run_that_nobody_took_on_fails(self) -> None:
        self.clock.advance(600)
        assert self.store.sweep(RULES) == Swept()
        self.clock.advance(1)
        assert self.store.sweep(RULES) == Swept(failed=("run",))
        assert decoded(self.all_records()[-1])["data"]["error"]["code"] == "never-started"

    def test_a_run_that_was_imported_and_nobody_took_on_fails(self) -> None:
        self.report(events.draft(events.RunStarted(attempt=1, reporter=OWNER), at=AT))
        self.clock.advance(600)
        self.report(note("more of it"))
        self.clock.advance(600)
        assert self.store.sweep(RULES) == Swept(), "it may be imported in parts"
        self.clock.advance(1)
        assert self.store.sweep(RULES) == Swept(failed=("run",))
        assert decoded(self.all_records()[-1])["data"]["error"]["code"] == "lost"

    def test_a_run_that_was_imported_may_be_taken_on(self) -> None:
        self.report(events.draft(events.RunStarted(attempt=1, reporter=OWNER), at=AT))
        assert self.store.take_over("run", OTHER, AT, 1e9).attempt == 2
        self.clock.advance(1e6)
        assert self.store.sweep(RULES) == Swept()

    def test_a_recovered_run_has_its_patience_back(self) -> None:
        self.lose()
        self.clock.advance(299)
        self.store.renew(self.owner_lease())
        self.clock.advance(31)
        assert self.store.sweep(RULES).lost == ("run",)
        self.clock.advance(299)
        assert self.store.sweep(RULES) == Swept()

    def test_a_running_run_never_fails_by_itself(self) -> None:
        self.store.take_over("run", OWNER, AT, 1e9)
        self.clock.advance(1e6)
        assert self.store.sweep(RULES) == Swept()

    def test_a_long_silence_is_told_step_by_step(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.clock.advance(10_000)
        assert self.store.sweep(RULES) == Swept(lost=("run",)), "it may come back for as long as the rules say"
        self.clock.advance(301)
        assert self.store.sweep(RULES) == Swept(failed=("run",))


class Shown(LeaseCase):
    """What lists show of a run whose owner is gone, whatever it had said of that."""

    def __shown(self) -> tuple[str, int, str | None, str | None]:
        header = self.store.header("run")
        return header.status, header.progress, header.stage, header.message

    def __progress(self, progress: float, message: str) -> None:
        data = events.StageProgress(progress=progress, message=message)
        self.report(events.draft(data, at=AT, stage="a"), reporter=OWNER.id, attempt=1)

    def test_a_lost_run_is_shown_as_its_log_is(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.__progress(0.25, "at it")
        assert self.__shown() == ("running", 0, None, None)
        self.clock.advance(31)
        assert self.store.sweep(RULES).lost == ("run",)
        assert self.__shown() == ("lost", 250_000, "a", "at it")
        assert self.all_texts()[-1] == "run.lost", "nothing is added for that"

    def test_so_is_one_that_failed(self) -> None:
        self.lose()
        self.__progress(0.5, "not dead yet")
        self.clock.advance(301)
        assert self.store.sweep(RULES) == Swept(failed=("run",))
        assert self.__shown() == ("failed", 500_000, "a", "not dead yet")

    def test_so_is_one_that_was_imported_in_part(self) -> None:
        self.report(events.draft(events.RunStarted(attempt=1, reporter=OWNER), at=AT), reporter="import")
        self.report(events.draft(events.StageProgress(progress=0.5), at=AT, stage="a"), reporter="import")
        self.clock.advance(601)
        assert self.store.sweep(RULES) == Swept(failed=("run",))
        assert self.__shown() == ("failed", 500_000, "a", None)

    def test_the_state_that_was_stored_is_gone_on_from(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.__progress(0.25, "at it")
        fold = Fold("run")
        for record in self.all_records():
            fold.apply(codec.decode_event(record.body))
        body = msgspec.json.encode(fold.state())
        self.store.put_snapshot("run", Snapshot(fold=FOLD_VERSION, cursor=self.cursor(), body=body))
        self.__progress(0.75, "nearly")
        self.clock.advance(31)
        assert self.store.sweep(RULES).lost == ("run",)
        assert self.__shown() == ("lost", 750_000, "a", "nearly")


class Helping(LeaseCase):
    """Helpers, whose death fails their own stages."""

    def test_a_silent_helpers_open_stages_fail(self) -> None:
        self.store.take_over("run", OWNER, AT, 1e6)
        self.store.renew(self.helper_lease())
        self.report(started("a"), started("a/b"), started("done"), ended("done"), reporter=HELPER.id)
        self.report(started("mine"), reporter=OWNER.id)
        self.clock.advance(31)
        assert self.store.sweep(RULES) == Swept(helpers=("run",))
        failed = [decoded(record) for record in self.all_records(types=["stage.failed"])]
        assert [(event["stage"], event["data"]["error"]["code"]) for event in failed] == [
            ("a/b", "reporter-lost"),
            ("a", "reporter-lost"),
        ]
        assert self.status() == "running"
        assert self.store.sweep(RULES) == Swept()

    def test_helpers_are_those_whose_leases_hold(self) -> None:
        self.store.take_over("run", OWNER, AT, 1e6)
        assert self.store.helpers("run") == ()
        self.store.renew(self.helper_lease())
        assert self.store.helpers("run") == ("helper",)
        self.store.release("run", "helper")
        assert self.store.helpers("run") == ()
        self.store.renew(self.helper_lease(ttl_s=30))
        self.clock.advance(31)
        assert self.store.helpers("run") == ()
        with refused(NotFound):
            self.store.helpers("another")

    def test_a_helper_without_open_stages_goes_unnoticed(self) -> None:
        self.store.take_over("run", OWNER, AT, 1e6)
        self.store.renew(self.helper_lease())
        self.report(started("a"), ended("a"), reporter=HELPER.id)
        self.clock.advance(31)
        assert self.store.sweep(RULES) == Swept()
        assert self.all_texts()[-1] == "stage.completed"

    def test_a_helper_that_gave_its_lease_back_fails_nothing(self) -> None:
        self.store.take_over("run", OWNER, AT, 1e6)
        self.store.renew(self.helper_lease())
        self.report(started("a"), reporter=HELPER.id)
        self.store.release("run", HELPER.id)
        self.clock.advance(31)
        assert self.store.sweep(RULES) == Swept()
        self.store.release("run", "nobody")
        with refused(NotFound):
            self.store.release("none", HELPER.id)

    def test_a_stage_that_another_reporter_opened_again_is_its_own(self) -> None:
        self.store.take_over("run", OWNER, AT, 1e6)
        self.store.renew(self.helper_lease())
        self.report(started("a"), reporter=HELPER.id)
        self.report(started("a"), reporter=OWNER.id)
        self.clock.advance(31)
        assert self.store.sweep(RULES) == Swept()

    def test_helpers_may_help_a_run_that_has_no_owner_yet(self) -> None:
        assert not self.store.renew(self.helper_lease())
        assert self.status() == "pending"


class Serving(LeaseCase):
    """Leases that are held through a server, which may be away for a while."""

    def __take_over(self, ttl_s: float = 30) -> None:
        self.store.take_over("run", OWNER, AT, ttl_s, remote=True)

    def test_only_servers_know_of_silence(self) -> None:
        self.__take_over()
        self.clock.advance(31)
        assert self.store.sweep(RULES) == Swept()
        assert self.store.sweep(RULES, remote=True).lost == ("run",)

    def test_a_server_that_begins_gives_everybody_the_whole_time_again(self) -> None:
        self.__take_over(ttl_s=30)
        self.store.renew(msgspec.structs.replace(self.helper_lease(ttl_s=60), remote=True))
        self.report(started("a"), reporter=HELPER.id)
        self.clock.advance(1_000)
        self.store.grant_grace()
        assert self.store.helpers("run") == ("helper",)
        self.clock.advance(29)
        assert self.store.sweep(RULES, remote=True) == Swept()
        self.clock.advance(1)
        assert self.store.sweep(RULES, remote=True) == Swept(lost=("run",))
        self.clock.advance(30)
        assert self.store.sweep(RULES, remote=True) == Swept(helpers=("run",))

    def test_no_lease_becomes_shorter(self) -> None:
        self.__take_over(ttl_s=30)
        for _ in range(3):
            self.clock.advance(10)
            self.store.grant_grace()
        self.clock.advance(29)
        assert self.store.sweep(RULES, remote=True) == Swept()

    def test_leases_on_the_store_itself_get_none(self) -> None:
        self.__take_over()
        self.store.renew(self.owner_lease())
        self.clock.advance(31)
        self.store.grant_grace()
        assert self.store.sweep(RULES).lost == ("run",)

    def test_what_was_never_beyond_a_server_gets_none(self) -> None:
        self.clock.advance(RULES.unowned_to_failed_s)
        self.store.grant_grace()
        self.clock.advance(1)
        assert self.store.sweep(RULES, remote=True) == Swept(failed=("run",))

    def test_who_was_to_begin_it_has_the_whole_time_again(self) -> None:
        self.__create_through_a_server()
        self.__wait_anew(RULES.unowned_to_failed_s, "far")

    def test_who_may_take_an_imported_run_on_has_the_whole_time_again(self) -> None:
        self.__create_through_a_server()
        self.report(events.draft(events.RunStarted(attempt=1, reporter=OWNER), at=AT), run_id="far")
        self.__wait_anew(RULES.unowned_to_failed_s, "far")

    def test_who_was_lost_has_the_whole_time_to_come_back_again(self) -> None:
        self.__take_over()
        self.clock.advance(31)
        assert self.store.sweep(RULES, remote=True).lost == ("run",)
        self.__wait_anew(RULES.lost_to_failed_s)

    def __create_through_a_server(self) -> None:
        self.report(completed())  # the other one, which would fail meanwhile
        self.store.create(msgspec.structs.replace(new_run("far"), remote=True))

    def __wait_anew(self, limit_s: float, run_id: str = "run") -> None:
        self.clock.advance(2 * limit_s)
        assert self.store.sweep(RULES) == Swept(), "who is no server cannot know"
        self.store.grant_grace()
        self.clock.advance(limit_s)
        assert self.store.sweep(RULES, remote=True) == Swept()
        self.clock.advance(1)
        assert self.store.sweep(RULES) == Swept()
        assert self.store.sweep(RULES, remote=True) == Swept(failed=(run_id,))

    def test_who_takes_it_over_on_the_store_itself_needs_no_server(self) -> None:
        self.__create_through_a_server()
        self.store.take_over("far", OWNER, AT, 30)
        self.clock.advance(31)
        assert self.store.sweep(RULES).lost == ("far",)
        self.clock.advance(RULES.lost_to_failed_s + 1)
        assert self.store.sweep(RULES).failed == ("far",)

    def test_an_owner_may_go_on_through_a_server(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.store.renew(msgspec.structs.replace(self.owner_lease(), remote=True))
        self.clock.advance(31)
        assert self.store.sweep(RULES, remote=True).lost == ("run",)
        self.__wait_anew(RULES.lost_to_failed_s)

    def test_what_was_given_back_gets_none(self) -> None:
        self.__take_over()
        self.store.renew(msgspec.structs.replace(self.helper_lease(), remote=True))
        for reporter in (OWNER, HELPER):
            self.store.release("run", reporter.id)
        self.store.grant_grace()
        assert self.store.helpers("run") == ()
        assert self.store.sweep(RULES, remote=True).lost == ("run",)
        self.store.grant_grace()
        assert self.status() == "lost"
