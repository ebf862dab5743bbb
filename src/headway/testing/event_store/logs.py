"""Log text: its offsets, its newest lines, and the cutting of its oldest."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

from headway.errors import InvalidInput, NotFound
from headway.ports import LogQuery, LogSlice, Snapshot
from headway.progress.fold import Fold
from headway.protocol import codec, events
from headway.protocol.limits import EVENT_BYTES
from headway.testing.event_store.case import StoreCase
from headway.testing.expectation import refused
from headway.testing.samples import AT, batch, decoded, log, note


def lines_of(slice_: LogSlice) -> list[str]:
    """The lines of a slice."""
    return [line for record in slice_.records for line in decoded(record)["data"].get("lines", [])]


class Logging(StoreCase):
    """Offsets and queries."""

    def __read(self, **query: object) -> LogSlice:
        return self.store.read_log("run", LogQuery(**query))  # type: ignore[arg-type]

    def __offsets(self) -> list[int]:
        return [decoded(record)["data"]["offset"] for record in self.__read().records]

    def test_offsets_count_bytes_of_utf8_and_line_ends(self) -> None:
        self.report(log("abc", "é"), log("😀"), log(""), log("x"))
        assert self.__offsets() == [0, 7, 12, 13]
        assert self.__read().total_bytes == 15

    def test_offsets_are_counted_per_stage_and_stream(self) -> None:
        self.report(log("aa"), log("b", stage="s"), log("c", stream="stderr"), log("d"), log("e", stage="s"))
        assert self.__offsets() == [0, 0, 0, 3, 2]
        self.report(log("f", stream="stderr"))
        assert self.__offsets()[-1] == 2

    def test_a_part_of_a_line_has_no_end(self) -> None:
        self.report(log("abc", partial=True), log("def"), log("g"))
        assert self.__offsets() == [0, 3, 7]

    def test_an_event_without_lines_has_an_offset_too(self) -> None:
        self.report(log("a"), log(), log("b"))
        assert self.__offsets() == [0, 2, 2]
        assert lines_of(self.__read()) == ["a", "b"]

    def test_duplicates_do_not_move_offsets(self) -> None:
        self.store.append(batch("run", 1, (log("aa"),)))
        self.store.append(batch("run", 1, (log("aa"), log("bb"))))
        assert self.__offsets() == [0, 3]

    def test_only_log_events_are_read(self) -> None:
        self.report(log("a"), note("n"), log("b"))
        found = self.__read()
        assert lines_of(found) == ["a", "b"]
        assert [record.seq for record in found.records] == [2, 4]
        with refused(NotFound):
            self.store.read_log("none", LogQuery())

    def test_by_stage_and_stream(self) -> None:
        self.report(
            log("run"), log("s", stage="s"), log("err", stream="stderr"), log("s-err", stage="s", stream="stderr")
        )
        assert lines_of(self.__read(stage="")) == ["run", "err"]
        assert lines_of(self.__read(stage="s")) == ["s", "s-err"]
        assert lines_of(self.__read(stream="stderr")) == ["err", "s-err"]
        assert lines_of(self.__read(stage="s", stream="stderr")) == ["s-err"]
        assert lines_of(self.__read(stage="none")) == []

    def test_in_pages(self) -> None:
        self.report(*(log(str(n)) for n in range(10)))
        first = self.__read(limit=4)
        second = self.__read(limit=4, after_seq=first.records[-1].seq)
        assert (lines_of(first), lines_of(second)) == (list("0123"), list("4567"))
        with refused(InvalidInput):
            self.__read(limit=0)

    def test_the_newest_lines(self) -> None:
        self.report(*(log(f"{n}a", f"{n}b") for n in range(5)))
        assert lines_of(self.__read(tail=2)) == ["4a", "4b"]
        assert lines_of(self.__read(tail=3)) == ["3a", "3b", "4a", "4b"], "at least so many, whole events"
        assert len(lines_of(self.__read(tail=1_000))) == 10
        assert lines_of(self.__read(tail=0)) == []

    def test_the_newest_lines_of_a_stage(self) -> None:
        self.report(log("a", stage="s"), log("b"), log("c", stage="s"), log("d"))
        assert lines_of(self.__read(tail=1, stage="s")) == ["c"]
        assert lines_of(self.__read(tail=5, stage="s")) == ["a", "c"]


class Eliding(StoreCase):
    """The oldest text is cut; numbers and offsets stay."""

    LIMIT = 1_000

    def setup_method(self) -> None:
        """Begin with a store that keeps little."""
        super().setup_method()
        self.store.close()
        self.use(self.make_store(self.clock, log_limit_bytes=self.LIMIT))

    def __log_much(self, lines: int = 50) -> None:
        for n in range(lines):
            self.report(log(f"{n:049}"))

    def test_little_more_than_the_limit_is_kept(self) -> None:
        self.__log_much()
        found = self.store.read_log("run", LogQuery())
        kept = sum(len(line) + 1 for line in lines_of(found))
        assert found.total_bytes == 2_500
        assert found.cut_bytes == 2_500 - kept
        assert self.LIMIT * 0.9 <= kept <= self.LIMIT * 1.05

    def test_the_newest_lines_are_those_that_stay(self) -> None:
        self.__log_much()
        kept = lines_of(self.store.read_log("run", LogQuery()))
        assert kept == [f"{n:049}" for n in range(50)][-len(kept) :]

    def test_cut_events_keep_their_place_and_say_what_was_cut(self) -> None:
        self.__log_much()
        records = self.all_records()[1:]
        assert [record.seq for record in records] == list(range(2, 52))
        for n, record in enumerate(records):
            event = decoded(record)
            assert (event["seq"], event["at"], event["type"]) == (n + 2, AT, "log")
            assert event["data"]["offset"] == n * 50
            assert ("elided" in event["data"]) != bool(event["data"].get("lines"))
        cut = [decoded(record)["data"].get("elided", 0) for record in records]
        assert sum(cut) == self.store.read_log("run", LogQuery()).cut_bytes

    def test_who_has_read_the_text_before_learns_that_it_was_cut(self) -> None:
        fold, follower = Fold("run"), self.store.follow(from_beginning=True)
        for n in range(50):
            self.report(log(f"{n:049}"), note("between"))
            for record in follower.read():
                fold.apply(codec.decode_event(record.body))
            now = Fold("run")
            for record in self.all_records():
                now.apply(codec.decode_event(record.body))
            assert fold.state() == now.state()
        follower.close()
        assert fold.state().log.truncated

    def test_an_event_of_the_largest_size_tells_of_it_too(self) -> None:
        self.__log_much(20)
        room = EVENT_BYTES - len(codec.encode_tail(log("")))
        self.report(log("x" * room))
        assert decoded(self.all_records()[-1])["data"]["eliding"] is True

    def test_cursors_stay_good(self) -> None:
        self.report(log("x" * 100))
        cursor = self.cursor()
        self.__log_much()
        assert len(self.store.read("run", cursor).records) == 50

    def test_other_events_are_not_cut(self) -> None:
        self.report(note("keep"))
        self.__log_much()
        assert self.all_texts()[0] == "keep"

    def test_one_append_may_be_more_than_the_limit(self) -> None:
        self.report(*(log("x" * 99) for _ in range(100)))
        found = self.store.read_log("run", LogQuery())
        assert len(lines_of(found)) == 10
        assert found.cut_bytes == 9_000
        assert lines_of(self.store.read_log("run", LogQuery(tail=3))) == ["x" * 99] * 3

    def test_every_stream_is_cut_in_the_order_of_the_log(self) -> None:
        for n in range(30):
            self.report(log(f"{n:049}", stream="out" if n % 2 else "err", stage="s" if n % 3 else None))
        kept = lines_of(self.store.read_log("run", LogQuery()))
        assert kept == [f"{n:049}" for n in range(30)][-len(kept) :]

    def test_the_size_of_the_run_shrinks(self) -> None:
        big = events.draft(events.Log(lines=("x" * 5_000,)), at=AT)
        self.report(big)
        self.report(log("y" * self.LIMIT))
        assert self.store.header("run").size_bytes < self.LIMIT + 1_000

    def test_the_newest_text_stays_however_large_its_event_is(self) -> None:
        lines = [f"{n:099}" for n in range(200)]
        self.report(log(*lines[:100]))
        assert lines_of(self.store.read_log("run", LogQuery())) == lines[:100]
        self.report(log(*lines[100:]))
        assert lines_of(self.store.read_log("run", LogQuery())) == lines[100:]
        self.report(log("stderr", stream="stderr"))
        assert lines_of(self.store.read_log("run", LogQuery())) == [*lines[100:], "stderr"]

    def test_a_stored_state_is_given_with_what_became_of_the_log(self) -> None:
        self.report(log("x" * self.LIMIT))
        self.store.put_snapshot("run", Snapshot(fold=1, cursor=self.cursor(), body=b"{}"))
        found = self.store.snapshot("run", fold=1)
        assert found is not None
        assert not found.log_cut
        self.report(log("y" * self.LIMIT))
        found = self.store.snapshot("run", fold=1)
        assert found is not None
        assert found.log_cut
