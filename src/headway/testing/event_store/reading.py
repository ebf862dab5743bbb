"""Reads: after a cursor, filtered, and never silently partial."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

from headway.errors import Gap, InvalidInput, NotFound
from headway.ports.store import READ_LIMIT
from headway.protocol.cursor import Cursor
from headway.testing.event_store.case import StoreCase
from headway.testing.expectation import refused
from headway.testing.samples import completed, custom, decoded, new_run, note, notes, texts


class Reading(StoreCase):
    """What comes after a cursor."""

    def test_everything_from_the_beginning(self) -> None:
        self.report(*notes("a", "b"))
        page = self.store.read("run")
        assert texts(page.records) == ["run.created", "a", "b"]
        assert (page.cursor, page.complete, page.ended) == (self.cursor(), True, False)

    def test_records_say_what_they_are(self) -> None:
        self.report(custom("thing", {"a": 1}, priority="critical"))
        record = self.store.read("run", None, types=["x.thing"]).records[0]
        assert (record.run_id, record.seq, record.type, record.priority) == ("run", 2, "x.thing", "critical")
        assert record.nonce == self.cursor().nonce
        assert decoded(record)["data"] == {"a": 1}

    def test_what_follows_a_cursor(self) -> None:
        middle = self.report(note("a")).cursor
        self.report(*notes("b", "c"))
        assert texts(self.store.read("run", middle).records) == ["b", "c"]
        assert self.store.read("run", self.cursor()).records == ()

    def test_every_number_has_a_cursor_to_go_on_from(self) -> None:
        self.report(*notes("a", "b"))
        self.report(note("c"))
        for seq in range(5):
            cursor = self.store.cursor_at("run", seq)
            assert [record.seq for record in self.store.read("run", cursor).records] == list(range(seq + 1, 5))
        for seq in (5, -1, 2**70):
            with refused(NotFound):
                self.store.cursor_at("run", seq)
        with refused(NotFound):
            self.store.cursor_at("none", 1)

    def test_a_long_log_comes_in_pages(self) -> None:
        self.fill(READ_LIMIT + 10)
        first = self.store.read("run")
        second = self.store.read("run", first.cursor)
        assert (len(first.records), first.complete) == (READ_LIMIT, False)
        assert (len(second.records), second.complete) == (11, True)
        assert [record.seq for record in (*first.records, *second.records)] == list(range(1, READ_LIMIT + 12))

    def test_pages_may_be_short(self) -> None:
        self.report(*notes("a", "b", "c"))
        page = self.store.read("run", limit=3)
        assert (len(page.records), page.complete) == (3, False)
        page = self.store.read("run", page.cursor, limit=3)
        assert (texts(page.records), page.complete) == (["c"], True)

    def test_a_page_has_at_least_one_event(self) -> None:
        for limit in (0, -1):
            with refused(InvalidInput):
                self.store.read("run", limit=limit)

    def test_an_ended_log_says_so_on_its_last_page(self) -> None:
        self.report(*notes("a", "b"), completed())
        first = self.store.read("run", limit=2)
        last = self.store.read("run", first.cursor)
        assert (first.ended, last.ended, last.complete) == (False, True, True)

    def test_a_run_that_is_not_there_is_not_found(self) -> None:
        with refused(NotFound):
            self.store.read("none")
        with refused(NotFound):
            self.store.read("none", Cursor("epoch", 3, 5))


class Filtering(StoreCase):
    """Filters leave events out, and the cursor moves on all the same."""

    def test_by_type(self) -> None:
        self.report(note("a"), custom("one", {}), note("b"), custom("two", {}))
        assert texts(self.store.read("run", types=["note"]).records) == ["a", "b"]
        assert texts(self.store.read("run", types={"x.one", "x.two"}).records) == ["x.one", "x.two"]
        assert self.store.read("run", types=[]).records == ()

    def test_by_priority(self) -> None:
        self.report(note("low"), custom("m", {}), custom("h", {}, "high"), custom("c", {}, "critical"))
        found = [r.type for r in self.store.read("run", priorities=["critical", "high"]).records]
        assert found == ["run.created", "x.h", "x.c"]
        assert texts(self.store.read("run", priorities=["low"]).records) == ["low"]
        assert texts(self.store.read("run", priorities=["medium", "critical"]).records) == ["x.m", "x.c"]
        assert self.store.read("run", priorities=[]).records == ()

    def test_by_both(self) -> None:
        self.report(note("low"), custom("m", {}, "high"), custom("m", {}, "low"), custom("c", {}, "high"))
        found = self.store.read("run", types=["x.m", "note"], priorities=["high"]).records
        assert [(record.type, record.seq) for record in found] == [("x.m", 3)]

    def test_the_cursor_moves_past_what_was_left_out(self) -> None:
        self.report(note("a"), custom("one", {}), *notes(*range(50)))
        page = self.store.read("run", types=["x.one"])
        assert (page.cursor, page.complete) == (self.cursor(), True)
        assert self.store.read("run", page.cursor).records == ()

    def test_a_full_page_ends_behind_its_last_event(self) -> None:
        self.report(*[custom("one", {"n": n}) if n % 3 == 0 else note("x") for n in range(30)])
        numbers, cursor = [], None
        while True:
            page = self.store.read("run", cursor, types=["x.one"], limit=4)
            numbers += [decoded(record)["data"]["n"] for record in page.records]
            cursor = page.cursor
            if page.complete:
                break
        assert numbers == list(range(0, 30, 3))


class Diverging(StoreCase):
    """Cursors of other logs are recognised."""

    def __gap(self, cursor: Cursor, run_id: str = "run") -> str:
        with refused(Gap) as refusal:
            self.store.read(run_id, cursor)
        return refusal.error.reason

    def test_another_epoch(self) -> None:
        self.report(note("a"))
        now = self.cursor()
        assert self.__gap(Cursor("another", now.seq, now.nonce)) == "diverged"
        assert self.__gap(Cursor("another", 0, 0)) == "diverged"

    def test_another_nonce(self) -> None:
        self.report(*notes("a", "b"))
        now = self.cursor()
        assert self.__gap(Cursor(now.epoch, now.seq, now.nonce ^ 1)) == "diverged"
        assert self.__gap(Cursor(now.epoch, 1, now.nonce)) == "diverged", "of event 3, not of event 1"

    def test_numbers_that_the_log_does_not_have(self) -> None:
        now = self.cursor()
        for seq in (2, 10**15, 2**70, -1):
            assert self.__gap(Cursor(now.epoch, seq, now.nonce)) == "diverged"
        assert self.__gap(Cursor(now.epoch, 1, 2**70)) == "diverged"

    def test_the_oldest_cursor_can_be_read_from(self) -> None:
        with refused(Gap) as refusal:
            self.store.read("run", Cursor("another", 3, 4))
        assert refusal.error.oldest == str(self.store.cursor_at("run", 0))

    def test_a_deleted_run(self) -> None:
        self.report(completed())
        cursor = self.cursor()
        self.store.delete("run")
        assert self.__gap(cursor) == "deleted"
        with refused(NotFound):
            self.store.read("run")

    def test_a_run_that_was_deleted_and_made_again(self) -> None:
        self.report(completed())
        old = self.cursor()
        self.store.delete("run")
        self.store.create(new_run())
        assert self.__gap(old) == "diverged"
        assert texts(self.store.read("run").records) == ["run.created"]
