"""What stays and what goes: the history of durations, removal by policy, artifacts in use."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

import msgspec

from headway.errors import NotFound, RunActive
from headway.ports import PAST_RUNS_KEPT, Lifetime, PastRun, Pruned, PrunePolicy
from headway.protocol import events, times
from headway.protocol.events import Draft
from headway.testing.event_store.case import StoreCase
from headway.testing.expectation import refused
from headway.testing.samples import AT, batch, completed, failed, new_run, note


class Remembering(StoreCase):
    """Durations of completed runs."""

    def __complete(self, run_id: str, duration: float | None = 1.0, variant: str | None = None) -> None:
        self.store.create(msgspec.structs.replace(new_run(run_id), variant=variant))
        self.report(completed(duration), run_id=run_id)

    def __remembered(self, variant: str | None = None) -> list[str]:
        return [past.run_id for past in self.store.past_runs("sample", variant)]

    def test_a_completed_run_is_remembered(self) -> None:
        self.store.create(msgspec.structs.replace(new_run("new"), size={"pages": 3}))
        spans: dict[str, tuple[float | int, float | int]] = {"a": (0, 1.5), "a/b": (1, 1.25)}
        end = events.draft(events.RunCompleted(duration=2, spans=spans), at=AT)
        self.report(end, run_id="new")
        stages = {"a": (0.0, 1.5), "a/b": (1.0, 1.25)}
        wanted = PastRun(run_id="new", ended_at=AT, duration=2.0, stages=stages, size={"pages": 3})
        assert self.store.past_runs("sample") == [wanted]

    def test_only_completed_runs_are_remembered(self) -> None:
        self.report(failed())
        self.store.create(new_run("cancelled"))
        self.report(events.draft(events.RunCancelled(duration=3), at=AT), run_id="cancelled")
        self.__complete("unknown", duration=None)
        assert self.__remembered() == []

    def test_oldest_first_and_by_variant(self) -> None:
        for run_id, variant in (("a", None), ("b", "v"), ("c", None)):
            self.__complete(run_id, variant=variant)
        assert (self.__remembered(), self.__remembered("v"), self.__remembered("none")) == (["a", "c"], ["b"], [])
        assert self.store.past_runs("none") == []

    def test_the_newest_hundred_are_kept(self) -> None:
        for n in range(PAST_RUNS_KEPT + 5):
            self.__complete(f"r{n}")
        self.__complete("variant", variant="v")
        assert self.__remembered() == [f"r{n}" for n in range(5, PAST_RUNS_KEPT + 5)]
        assert self.__remembered("v") == ["variant"]

    def test_history_survives_removal(self) -> None:
        self.__complete("a")
        self.store.delete("a")
        assert self.__remembered() == ["a"]
        self.store.create(new_run("other", kind="other"))
        assert self.store.kinds() == ["other", "sample"]
        self.report(failed())
        self.store.prune(PrunePolicy(max_runs=0))
        assert self.store.kinds() == ["other", "sample"]

    def test_the_end_reported_twice_is_remembered_once(self) -> None:
        for _ in range(2):
            self.store.append(batch("run", 1, (completed(5.0),)))
        assert self.__remembered() == ["run"]


class Deleting(StoreCase):
    """Removing one run."""

    def test_a_run_that_has_not_ended_stays(self) -> None:
        with refused(RunActive):
            self.store.delete("run")
        with refused(NotFound):
            self.store.delete("none")
        assert self.store.header("run").status == "pending"

    def test_an_ended_run_is_gone_everywhere(self) -> None:
        self.report(events.draft(events.Artifact(name="a", sha256="0" * 64), at=AT), completed())
        self.store.delete("run")
        for gone in (self.store.header, self.store.read, self.store.delete):
            with refused(NotFound):
                gone("run")
        assert self.store.list_runs().headers == ()
        assert self.store.artifact_digests() == set()
        assert self.store.kinds() == []

    def test_the_id_is_free_again(self) -> None:
        self.report(note("a"), completed())
        before = self.store.header("run").epoch
        self.store.delete("run")
        created = self.store.create(new_run(kind="other"))
        assert not created.existed
        assert created.epoch != before
        assert self.all_texts() == []
        self.next_numbers.clear()
        assert self.report(note("b")).next == 2, "reporters begin anew"

    def test_others_stay(self) -> None:
        self.store.create(new_run("second"))
        self.report(note("a"), run_id="second")
        self.report(completed())
        self.store.delete("run")
        assert self.all_texts("second") == ["a"]


class Pruning(StoreCase):
    """Removing by a policy."""

    def __end(self, run_id: str, end: Draft | None = None, kind: str = "sample", text: str = "") -> None:
        self.store.create(new_run(run_id, kind))
        at = times.to_text(self.clock.wall())
        self.report(note(text), end or completed(1.0, at=at), run_id=run_id)

    def __ids(self) -> set[str]:
        return {header.run_id for header in self.store.list_runs(limit=1_000).headers}

    def test_an_empty_policy_removes_nothing(self) -> None:
        self.__end("a")
        assert self.store.prune(PrunePolicy()) == Pruned(runs=(), size_bytes=0)

    def test_by_age(self) -> None:
        self.__end("old")
        self.clock.advance(100)
        self.__end("new")
        self.clock.advance(50)
        size = self.store.header("old").size_bytes
        assert self.store.prune(PrunePolicy(older_than_s=100)) == Pruned(runs=("old",), size_bytes=size)
        assert self.__ids() == {"run", "new"}

    def test_by_a_lifetime_of_its_own(self) -> None:
        for kind in ("usual", "audit", "brief"):
            self.__end(kind, kind=kind)
            self.__end(f"{kind}-failed", failed(), kind=kind)
        lifetimes = (
            Lifetime(kind="audit", kept_s=300),
            Lifetime(kind="brief", kept_s=10),
            Lifetime(status="failed", kept_s=200),
            Lifetime(kind="usual", status="failed", kept_s=None),
        )
        policy = PrunePolicy(older_than_s=100, lifetimes=lifetimes)
        gone = []
        for seconds in (11, 90, 100, 100, 1e9):
            self.clock.advance(seconds)
            gone.append(sorted(self.store.prune(policy).runs))
        assert gone == [["brief"], ["usual"], ["brief-failed"], ["audit", "audit-failed"], []]

    def test_a_span_before_all_calendars_removes_nothing(self) -> None:
        self.__end("a")
        policy = PrunePolicy(older_than_s=1e18, lifetimes=(Lifetime(kind="other", kept_s=1e18),))
        assert self.store.prune(policy).runs == ()

    def test_what_was_imported_is_kept_from_then_on(self) -> None:
        old = "2001-02-03T04:05:06.789Z"
        self.store.create(new_run("imported", at=old))
        self.report(completed(1.0, at=old), run_id="imported")
        self.clock.advance(100)
        assert self.store.prune(PrunePolicy(older_than_s=100)).runs == ()
        self.clock.advance(1)
        assert self.store.prune(PrunePolicy(older_than_s=100)).runs == ("imported",)

    def test_by_count(self) -> None:
        for n in range(5):
            self.__end(f"r{n}")
        assert set(self.store.prune(PrunePolicy(max_runs=2)).runs) == {"r0", "r1", "r2"}
        assert self.__ids() == {"run", "r3", "r4"}

    def test_by_bytes(self) -> None:
        for n in range(5):
            self.__end(f"r{n}", text="x" * 10_000)
        sizes = {header.run_id: header.size_bytes for header in self.store.list_runs().headers}
        assert all(size > 10_000 for run_id, size in sizes.items() if run_id != "run")
        removed = self.store.prune(PrunePolicy(max_bytes=sizes["run"] + 2 * sizes["r0"] + 100))
        assert set(removed.runs) == {"r0", "r1", "r2"}
        assert removed.size_bytes == sum(sizes[run_id] for run_id in removed.runs)

    def test_a_removal_that_is_stopped_is_completed_by_the_next(self) -> None:
        for n in range(5):
            self.__end(f"r{n}")
        removed = self.store.prune(PrunePolicy(max_runs=2), stop=lambda: True).runs
        assert self.__ids() == {"run", *(f"r{n}" for n in range(5))} - set(removed)
        removed += self.store.prune(PrunePolicy(max_runs=2)).runs
        assert sorted(removed) == ["r0", "r1", "r2"]
        assert self.__ids() == {"run", "r3", "r4"}

    def test_by_kind_and_status(self) -> None:
        self.__end("a", kind="x")
        self.__end("b", failed(), kind="x")
        self.__end("c", failed(), kind="y")
        assert self.store.prune(PrunePolicy(max_runs=0, kind="x", status="failed")).runs == ("b",)
        assert self.store.prune(PrunePolicy(max_runs=0, status="failed")).runs == ("c",)
        assert self.__ids() == {"run", "a"}

    def test_whichever_rule_fits(self) -> None:
        self.__end("old")
        self.clock.advance(1_000)
        for n in range(3):
            self.__end(f"r{n}")
        assert set(self.store.prune(PrunePolicy(older_than_s=500, max_runs=2)).runs) == {"old", "r0"}

    def test_what_has_not_ended_is_never_removed(self) -> None:
        self.clock.advance(1e8)
        assert self.store.prune(PrunePolicy(older_than_s=0, max_runs=0, max_bytes=0)).runs == ()
        assert self.__ids() == {"run"}

    def test_a_trial_removes_nothing(self) -> None:
        for n in range(3):
            self.__end(f"r{n}")
        trial = self.store.prune(PrunePolicy(max_runs=1), dry_run=True)
        assert len(self.__ids()) == 4
        assert self.store.prune(PrunePolicy(max_runs=1)) == trial
        assert len(self.__ids()) == 2

    def test_many_runs_at_once(self) -> None:
        for n in range(150):
            self.__end(f"r{n}")
        assert len(self.store.prune(PrunePolicy(max_bytes=0)).runs) == 150
        assert self.__ids() == {"run"}


class UsingArtifacts(StoreCase):
    """Which content is still in use."""

    def __name(self, name: str, digest: str | None, run_id: str = "run") -> None:
        self.report(events.draft(events.Artifact(name=name, sha256=digest), at=AT), run_id=run_id)

    def test_what_logs_name_is_in_use(self) -> None:
        self.store.create(new_run("second"))
        self.__name("a", "a" * 64)
        self.__name("b", "b" * 64)
        self.__name("a", "a" * 64, run_id="second")
        self.__name("c", None)
        assert self.store.artifact_digests() == {"a" * 64, "b" * 64}

    def test_what_was_replaced_under_its_name_is_not(self) -> None:
        self.__name("a", "a" * 64)
        self.__name("a", "b" * 64)
        assert self.store.artifact_digests() == {"b" * 64}

    def test_what_another_run_names_stays_in_use(self) -> None:
        self.store.create(new_run("second"))
        self.__name("a", "a" * 64)
        self.__name("a", "a" * 64, run_id="second")
        self.report(completed())
        self.store.delete("run")
        assert self.store.artifact_digests() == {"a" * 64}
