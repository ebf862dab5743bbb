"""Appends: numbered without a gap, idempotent, fenced, refused after the end, all or none."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from headway.errors import Fenced, HeadwayError, InvalidInput, NotFound, ReporterGap, RunEnded, RunTaken
from headway.ports import Batch, Digest, NewRun
from headway.protocol import events
from headway.protocol.events import Draft
from headway.testing.event_store.case import StoreCase
from headway.testing.expectation import refused
from headway.testing.samples import AT, OTHER, OWNER, batch, completed, decoded, failed, new_run, note, notes


class Creating(StoreCase):
    """Making a run's log."""

    def test_a_log_begins_with_its_creation_and_plan(self) -> None:
        stages = (events.PlannedStage(path="a", weight=2), events.PlannedStage(path="a/b"))
        run = NewRun(run_id="new", kind="k", at=AT, title="T", plan=stages, size=3, meta={"x": [1]}, variant="v")
        created = self.store.create(run)
        first, second = [decoded(record) for record in self.all_records("new")]
        assert not created.existed
        assert created.attempt == 0
        assert (created.cursor.epoch, created.cursor.seq) == (created.epoch, 2)
        assert first == {
            "seq": 1,
            "at": AT,
            "type": "run.created",
            "priority": "high",
            "data": {"kind": "k", "variant": "v", "title": "T", "size": 3, "meta": {"x": [1]}},
        }
        assert (second["seq"], second["type"]) == (2, "run.planned")
        assert second["data"]["stages"] == [{"path": "a", "weight": 2}, {"path": "a/b"}]

    def test_the_header_says_what_was_created(self) -> None:
        created = self.store.create(msgspec.structs.replace(new_run("new"), title="T", parent="run", retry_of="run"))
        header = self.store.header("new")
        assert (header.run_id, header.kind, header.title, header.status) == ("new", "sample", "T", "pending")
        assert (header.parent, header.retry_of, header.created_at, header.last_event_at) == ("run", "run", AT, AT)
        assert (header.epoch, header.cursor, header.attempt, header.owner) == (created.epoch, created.cursor, 0, None)

    def test_the_same_creation_again_changes_nothing(self) -> None:
        self.report(note("a"))
        again = self.store.create(new_run())
        assert again.existed
        assert again.cursor == self.cursor()
        assert self.all_texts() == ["a"]

    def test_the_same_creation_is_recognised_after_the_variant_was_set(self) -> None:
        self.store.create(msgspec.structs.replace(new_run("new"), variant="before"))
        self.report(events.draft(events.RunUpdated(variant="after"), at=AT), run_id="new")
        assert self.store.create(msgspec.structs.replace(new_run("new"), variant="before")).existed

    def test_an_id_of_another_run_is_taken(self) -> None:
        for other in (new_run(kind="other"), msgspec.structs.replace(new_run(), parent="p")):
            with refused(RunTaken):
                self.store.create(other)
        assert self.store.header("run").kind == "sample"

    def test_bad_names_are_refused_and_nothing_is_made(self) -> None:
        for run in (
            new_run(""),
            new_run("a b"),
            new_run("x" * 129),
            new_run("ok", kind=""),
            new_run("ok", kind="a\x00"),
        ):
            with refused(InvalidInput):
                self.store.create(run)
        with refused(InvalidInput):
            self.store.create(msgspec.structs.replace(new_run("ok"), variant=""))
        assert [header.run_id for header in self.store.list_runs().headers] == ["run"]

    def test_odd_kinds_are_kept_as_they_are(self) -> None:
        for number, kind in enumerate(("a b", "%_\\", "'; DROP TABLE runs; --", "日本語", "👩‍🚀", "?1")):
            self.store.create(new_run(f"odd-{number}", kind=kind))
            assert self.store.header(f"odd-{number}").kind == kind
            assert kind in self.store.kinds()


class Numbering(StoreCase):
    """What an append makes of a batch."""

    def test_events_are_numbered_from_where_the_log_ends(self) -> None:
        first = self.report(*notes("a", "b"))
        second = self.report(note("c"))
        assert (first.first_seq, first.accepted, first.next, first.cursor.seq) == (2, 2, 3, 3)
        assert (second.first_seq, second.accepted, second.next, second.cursor.seq) == (4, 1, 4, 4)
        assert [record.seq for record in self.all_records()] == [1, 2, 3, 4]
        assert [decoded(record)["seq"] for record in self.all_records()] == [1, 2, 3, 4]

    def test_reporters_number_their_own_events(self) -> None:
        assert self.report(note("a"), reporter="one").next == 2
        assert self.report(*notes("b", "c"), reporter="two").next == 3
        assert self.report(note("d"), reporter="one").next == 3
        assert self.all_texts() == ["a", "b", "c", "d"]

    def test_runs_do_not_disturb_each_other(self) -> None:
        self.store.create(new_run("second"))
        self.report(note("a"))
        self.report(note("b"), run_id="second")
        self.report(note("c"))
        assert (self.all_texts("run"), self.all_texts("second")) == (["a", "c"], ["b"])

    def test_an_empty_batch_tells_where_the_reporter_is(self) -> None:
        self.report(*notes("a", "b"))
        answer = self.store.append(batch("run", 1, ()))
        assert (answer.first_seq, answer.accepted, answer.next, answer.cursor) == (None, 0, 3, self.cursor())

    def test_a_run_that_is_not_there_takes_nothing(self) -> None:
        with refused(NotFound):
            self.store.append(batch("none", 1, notes("a")))
        with refused(NotFound):
            self.store.header("none")

    def test_an_answer_says_whether_a_cancel_was_asked_for(self) -> None:
        assert not self.report(note("a")).cancel_requested
        assert self.report(events.draft(events.RunCancelRequested(by="me"), at=AT), reporter="watcher").cancel_requested
        assert self.report(note("b")).cancel_requested
        assert self.store.header("run").cancel_requested

    def test_threads_append_side_by_side(self) -> None:
        errors = _in_threads(8, lambda number: self.__report_slowly(f"thread-{number}"))
        records = self.all_records()
        assert errors == []
        assert [record.seq for record in records] == list(range(1, 162))
        for number in range(8):
            mine = [text for text in self.all_texts() if text.startswith(f"thread-{number}:")]
            assert mine == [f"thread-{number}:{n}" for n in range(20)]

    def __report_slowly(self, reporter: str) -> None:
        for n in range(20):
            self.store.append(batch("run", n + 1, notes(f"{reporter}:{n}"), reporter))


class Repeating(StoreCase):
    """Batches that come again, in whatever pieces."""

    def test_a_duplicate_is_answered_and_not_stored(self) -> None:
        first = self.store.append(batch("run", 1, notes("a", "b")))
        again = self.store.append(batch("run", 1, notes("a", "b")))
        assert (again.first_seq, again.accepted, again.next) == (None, 0, 3)
        assert again.cursor == first.cursor
        assert self.all_texts() == ["a", "b"]

    def test_of_an_overlapping_batch_only_what_is_new_is_stored(self) -> None:
        self.store.append(batch("run", 1, notes("a", "b")))
        answer = self.store.append(batch("run", 2, notes("b", "c", "d")))
        assert (answer.first_seq, answer.accepted, answer.next) == (4, 2, 5)
        assert self.all_texts() == ["a", "b", "c", "d"]

    def test_a_batch_inside_what_is_known_is_skipped(self) -> None:
        self.store.append(batch("run", 1, notes("a", "b", "c", "d")))
        assert self.store.append(batch("run", 2, notes("b", "c"))).accepted == 0
        assert self.store.append(batch("run", 1, notes("a"))).next == 5
        assert self.all_texts() == ["a", "b", "c", "d"]

    def test_a_number_too_high_is_refused_with_the_one_expected(self) -> None:
        self.store.append(batch("run", 1, notes("a", "b")))
        with refused(ReporterGap) as refusal:
            self.store.append(batch("run", 4, notes("d")))
        assert refusal.error.expected == 3
        assert self.all_texts() == ["a", "b"]

    def test_numbers_begin_at_one(self) -> None:
        for first in (0, -1, -(2**40), 2**70):
            with refused(InvalidInput):
                self.store.append(batch("run", first, notes("a", "b")))
        assert self.all_texts() == []

    def test_a_reporter_has_a_name(self) -> None:
        for reporter in ("", "x" * 200, "\ud800", "a\nb"):
            with refused(InvalidInput):
                self.store.append(batch("run", 1, notes("a"), reporter))
        assert self.all_texts() == []


class Losing(StoreCase):
    """Events that are gone for good before they were durable."""

    def __lose(self, first: int, lost: tuple[int, int], *texts: str) -> int:
        answer = self.store.append(Batch(run_id="run", reporter="job", first=first, events=notes(*texts), lost=lost))
        return answer.next

    def __gaps(self) -> list[tuple[int, int]]:
        found = [decoded(record)["data"] for record in self.all_records(types=["log.gap"])]
        assert all(data["reporter"] == "job" and data["reason"] for data in found)
        return [(data["from"], data["to"]) for data in found]

    def test_what_is_lost_is_said_in_its_place(self) -> None:
        self.report(*notes("a", "b"))
        assert self.__lose(6, (3, 5), "f") == 7
        assert self.all_texts() == ["a", "b", "log.gap", "f"]
        assert self.__gaps() == [(3, 5)]

    def test_a_loss_may_be_told_without_an_event(self) -> None:
        assert self.__lose(4, (1, 3)) == 4
        assert self.__gaps() == [(1, 3)]
        assert self.__lose(4, (1, 3)) == 4
        assert self.__gaps() == [(1, 3)], "told again, it is not stored again"

    def test_only_what_the_log_does_not_have_counts_as_lost(self) -> None:
        self.report(*notes("a", "b", "c"))
        assert self.__lose(6, (2, 5), "f") == 7
        assert self.__gaps() == [(4, 5)]

    def test_a_loss_that_is_known_is_no_loss(self) -> None:
        self.report(*notes("a", "b", "c"))
        assert self.__lose(4, (2, 3), "d") == 5
        assert self.all_texts() == ["a", "b", "c", "d"]

    def test_a_loss_that_does_not_explain_the_gap_is_refused(self) -> None:
        self.report(note("a"))
        for lost in ((3, 4), (2, 3), (4, 2)):
            with refused(ReporterGap) as refusal:
                self.__lose(5, lost, "e")
            assert refusal.error.expected == 2
        assert self.all_texts() == ["a"]

    def test_a_duplicate_of_a_loss_is_answered_after_the_end(self) -> None:
        end = Batch(run_id="run", reporter="job", first=3, events=(completed(),), lost=(1, 2))
        accepted = self.store.append(end)
        again = self.store.append(end)
        assert (again.accepted, again.next, again.cursor) == (0, 4, accepted.cursor)


class Fencing(StoreCase):
    """Who may not append any more."""

    def test_an_older_attempt_is_fenced(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.report(note("a"), attempt=1)
        self.store.take_over("run", OTHER, AT, 30)
        with refused(Fenced):
            self.report(note("b"), attempt=1)
        self.report(note("c"), reporter="second", attempt=2)
        assert self.all_texts() == ["run.started", "a", "run.started", "c"]

    def test_an_attempt_that_never_was_is_fenced(self) -> None:
        with refused(Fenced):
            self.report(note("a"), attempt=7)

    def test_another_log_is_fenced(self) -> None:
        with refused(Fenced):
            self.store.append(Batch(run_id="run", reporter="job", first=1, events=notes("a"), epoch="another"))
        epoch = self.store.header("run").epoch
        self.store.append(Batch(run_id="run", reporter="job", first=1, events=notes("b"), epoch=epoch))
        assert self.all_texts() == ["b"]

    def test_a_duplicate_of_what_was_accepted_is_answered_though_fenced(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.report(note("a"), attempt=1)
        self.store.take_over("run", OTHER, AT, 30)
        again = self.store.append(Batch(run_id="run", reporter="job", first=1, events=notes("a"), attempt=1))
        assert (again.accepted, again.next) == (0, 2)

    def test_whoever_is_bound_to_no_attempt_is_not_fenced(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.store.take_over("run", OTHER, AT, 30)
        assert self.report(note("a")).accepted == 1


class Ending(StoreCase):
    """The terminal event is the last one."""

    def test_nothing_is_appended_after_the_end(self) -> None:
        self.report(completed())
        with refused(RunEnded):
            self.report(note("late"))
        with refused(RunEnded):
            self.report(note("late"), reporter="watcher")
        assert self.all_texts() == ["run.completed"]

    def test_nothing_comes_after_the_end_in_the_same_batch(self) -> None:
        with refused(RunEnded):
            self.report(note("a"), completed(), note("late"))
        assert self.all_texts() == []
        assert self.store.header("run").status == "pending"

    def test_a_run_ends_once(self) -> None:
        with refused(RunEnded):
            self.report(completed(), failed())
        self.report(failed())
        with refused(RunEnded):
            self.report(completed())
        assert self.store.header("run").status == "failed"

    def test_duplicates_are_answered_after_the_end(self) -> None:
        first = self.store.append(batch("run", 1, (note("a"), completed())))
        again = self.store.append(batch("run", 1, (note("a"), completed())))
        assert (again.accepted, again.next, again.cursor) == (0, 3, first.cursor)

    def test_the_header_says_how_it_ended(self) -> None:
        self.report(completed())
        header = self.store.header("run")
        assert (header.status, header.ended, header.ended_at, header.progress) == ("completed", True, AT, 1_000_000)
        self.store.create(new_run("second"))
        self.report(failed(), run_id="second")
        error = self.store.header("second").error
        assert error is not None
        assert msgspec.json.decode(error) == {"code": "broken", "message": "it broke"}

    def test_an_ended_run_has_no_owner(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.report(completed(), attempt=1)
        assert self.store.header("run").owner is None


class Digesting(StoreCase):
    """What lists show of a run, as its owner folded it."""

    def __append(self, first: int, digest: Digest, *drafts: Draft, attempt: int | None = 1) -> None:
        reporter = "helper" if attempt is None else OWNER.id
        self.store.append(
            Batch(run_id="run", reporter=reporter, first=first, events=drafts, digest=digest, attempt=attempt)
        )

    def __shown(self) -> tuple[int, str | None, str | None]:
        header = self.store.header("run")
        return header.progress, header.stage, header.message

    def test_the_owners_digest_is_shown(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.__append(1, Digest(progress=250_000, stage="a", message="m"), note("x"))
        assert self.__shown() == (250_000, "a", "m")

    def test_progress_never_goes_back(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.__append(1, Digest(progress=250_000, stage="a"), note("x"))
        self.__append(2, Digest(progress=100_000, stage="b"), note("y"))
        assert self.__shown() == (250_000, "b", None)

    def test_a_helpers_digest_is_not_shown(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.__append(1, Digest(progress=900_000), note("x"), attempt=None)
        assert self.__shown() == (0, None, None)

    def test_the_digest_that_comes_with_the_end_is_shown(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.__append(1, Digest(progress=900_000, stage="last", message="done"), completed())
        assert self.__shown() == (1_000_000, "last", "done")

    def test_a_digest_may_come_without_events_and_after_the_end(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.__append(1, Digest(progress=100_000, stage="a"))
        assert self.__shown() == (100_000, "a", None)
        self.__append(1, Digest(progress=200_000), failed())
        self.__append(2, Digest(progress=300_000, stage="b"))
        assert self.__shown() == (300_000, "b", None)
        assert self.store.header("run").status == "failed"

    def test_a_digest_that_was_overtaken_is_not_shown(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.report(note("x"))
        batch = Batch(run_id="run", reporter="lists", first=1, events=(), attempt=1, as_of=self.cursor())
        self.__append(1, Digest(progress=250_000, stage="b"), completed())
        self.store.append(msgspec.structs.replace(batch, digest=Digest(progress=100_000, stage="a")))
        assert self.__shown() == (1_000_000, "b", None)
        batch = msgspec.structs.replace(batch, as_of=self.cursor())
        self.store.append(msgspec.structs.replace(batch, digest=Digest(progress=100_000, stage="c")))
        assert self.__shown() == (1_000_000, "c", None)

    def test_an_earlier_owners_digest_is_not_shown(self) -> None:
        self.store.take_over("run", OWNER, AT, 30)
        self.store.take_over("run", OTHER, AT, 30)
        self.__append(1, Digest(progress=900_000, stage="a"))
        assert self.__shown() == (0, None, None)


def _in_threads(count: int, action: Callable[[int], None]) -> list[HeadwayError]:
    errors: list[HeadwayError] = []

    def act(number: int) -> None:
        try:
            action(number)
        except HeadwayError as error:
            errors.append(error)

    threads = [threading.Thread(target=act, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors
