"""Lists of runs: every filter, and pages that neither repeat nor miss a run."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

import msgspec

from headway.errors import InvalidInput
from headway.ports import RunFilter
from headway.protocol import events
from headway.testing.event_store.case import StoreCase
from headway.testing.expectation import refused
from headway.testing.samples import AT, OWNER, completed, failed, new_run


class Listing(StoreCase):
    """Which runs are listed."""

    def __ids(self, filter_: RunFilter | None = None) -> list[str]:
        return [header.run_id for header in self.store.list_runs(filter_).headers]

    def __create(self, run_id: str, kind: str = "sample", title: str | None = None, at: str = AT) -> None:
        self.store.create(msgspec.structs.replace(new_run(run_id, kind, at), title=title))

    def test_newest_first(self) -> None:
        self.__create("b")
        self.__create("a")
        assert self.__ids() == ["a", "b", "run"]

    def test_headers_are_those_of_the_runs(self) -> None:
        self.__create("b", title="T")
        assert list(self.store.list_runs().headers) == [self.store.header("b"), self.store.header("run")]

    def test_by_kind(self) -> None:
        self.__create("b", kind="other")
        assert self.__ids(RunFilter(kind="other")) == ["b"]
        assert self.__ids(RunFilter(kind="none")) == []

    def test_by_status(self) -> None:
        for run_id in ("done", "bad", "busy"):
            self.__create(run_id)
        self.report(completed(), run_id="done")
        self.report(failed(), run_id="bad")
        self.store.take_over("busy", OWNER, AT, 30)
        for status, found in (("completed", "done"), ("failed", "bad"), ("running", "busy"), ("pending", "run")):
            assert self.__ids(RunFilter(status=status)) == [found]
        assert self.__ids(RunFilter(status="cancelled")) == []

    def test_by_text_in_id_kind_and_title(self) -> None:
        self.__create("alpha", kind="x", title="First run")
        self.__create("beta", kind="Alphabet", title=None)
        self.__create("gamma", kind="x", title="second ALPHA")
        self.__create("delta", kind="x", title="nothing")
        assert self.__ids(RunFilter(text="alpha")) == ["gamma", "beta", "alpha"]
        assert self.__ids(RunFilter(text="ALPHA")) == ["gamma", "beta", "alpha"]
        assert self.__ids(RunFilter(text="")) == ["delta", "gamma", "beta", "alpha", "run"]

    def test_text_is_not_a_pattern(self) -> None:
        self.__create("a", title="100% done")
        self.__create("b", title="1000 done")
        self.__create("c", title="under_score \\ 'quote' [set] *")
        for text, found in (("0%", ["a"]), ("r_s", ["c"]), ("\\", ["c"]), ("'quote'", ["c"]), ("*", ["c"]), ("?", [])):
            assert self.__ids(RunFilter(text=text)) == found

    def test_text_has_no_case_in_any_alphabet(self) -> None:
        self.__create("a", title="ÄRGER и БОРЩ")
        for text in ("ärger", "Ärger", "борщ"):
            assert self.__ids(RunFilter(text=text)) == ["a"]

    def test_text_may_be_long(self) -> None:
        assert self.__ids(RunFilter(text="x" * 100_000)) == []

    def test_by_the_time_of_creation(self) -> None:
        self.__create("old", at="2025-01-01T00:00:00.000Z")
        self.__create("new", at="2027-01-01T00:00:00.000Z")
        assert self.__ids(RunFilter(since=AT)) == ["new", "run"]

    def test_by_prefixes_of_ids(self) -> None:
        for run_id in ("team-1", "team-2", "other-1", "te_m-1"):
            self.__create(run_id)
        assert self.__ids(RunFilter(runs=("team-",))) == ["team-2", "team-1"]
        assert self.__ids(RunFilter(runs=("team-1", "other"))) == ["other-1", "team-1"]
        assert self.__ids(RunFilter(runs=("te_m",))) == ["te_m-1"]
        assert self.__ids(RunFilter(runs=("TEAM",))) == []
        assert self.__ids(RunFilter(runs=())) == []
        assert len(self.__ids(RunFilter(runs=("",)))) == 5
        assert self.__ids(RunFilter(runs=(*(f"none-{n}" for n in range(2_000)), "team-1"))) == ["team-1"]

    def test_all_that_is_given_must_fit(self) -> None:
        self.__create("a", kind="x", title="match")
        self.__create("b", kind="y", title="match")
        assert self.__ids(RunFilter(kind="x", text="match", status="pending", runs=("a", "b"), since=AT)) == ["a"]

    def test_what_changed_is_listed_as_it_is_now(self) -> None:
        self.report(events.draft(events.RunUpdated(title="T", variant="v", size={"pages": 3}), at=AT))
        header = self.store.list_runs().headers[0]
        assert (header.title, header.variant) == ("T", "v")
        self.report(events.draft(events.RunUpdated(title="U"), at=AT))
        header = self.store.list_runs().headers[0]
        assert (header.title, header.variant) == ("U", "v")

    def test_a_run_that_waits_is_listed_with_its_place(self) -> None:
        def place() -> bytes | None:
            header = self.store.list_runs().headers[0]
            return None if header.queue is None else bytes(header.queue)

        assert place() is None
        for position in (3, 2):
            self.report(events.draft(events.RunQueued(position=position, of=9), at=AT))
            assert place() == b'{"position":%d,"of":9}' % position
        self.store.take_over("run", OWNER, AT, 30)
        self.report(events.draft(events.RunQueued(position=1), at=AT))
        assert place() is None, "it waits no more"
        self.__create("next")
        self.report(events.draft(events.RunQueued(position=1), at=AT), failed(), run_id="next")
        assert place() is None

    def test_a_run_is_listed_with_the_error_that_its_state_has(self) -> None:
        def error() -> bytes | None:
            header = self.store.list_runs().headers[0]
            return None if header.error is None else bytes(header.error)

        for recoverable in (None, True):
            self.report(events.draft(events.Error(message="m", recoverable=recoverable), at=AT))
            assert error() is None
        self.report(events.draft(events.Error(message="m", recoverable=False), at=AT))
        assert error() == b'{"code":"error","message":"m","recoverable":false}'
        self.report(events.draft(events.Error(code="c", message="n", recoverable=False), at=AT))
        assert error() == b'{"code":"c","message":"n","recoverable":false}'
        self.report(completed())
        assert error() is None, "it came to a good end"


class Paging(StoreCase):
    """Long lists."""

    def test_pages_neither_repeat_nor_miss_though_runs_come(self) -> None:
        for n in range(25):
            self.store.create(new_run(f"r{n:02}"))
        found: list[str] = []
        page: str | None = None
        while True:
            answer = self.store.list_runs(limit=10, page=page)
            found += [header.run_id for header in answer.headers]
            self.store.create(new_run(f"later-{len(found)}"))
            page = answer.next
            if page is None:
                break
        assert found == [*(f"r{n:02}" for n in reversed(range(25))), "run"]

    def test_pages_are_filtered_too(self) -> None:
        for n in range(9):
            self.store.create(new_run(f"r{n}", kind="odd" if n % 2 else "even"))
        first = self.store.list_runs(RunFilter(kind="odd"), limit=3)
        second = self.store.list_runs(RunFilter(kind="odd"), limit=3, page=first.next)
        assert [header.run_id for header in (*first.headers, *second.headers)] == ["r7", "r5", "r3", "r1"]
        assert second.next is None

    def test_a_page_that_is_full_at_the_end_is_the_last(self) -> None:
        self.store.create(new_run("second"))
        assert self.store.list_runs(limit=2).next is None

    def test_what_is_no_page_is_refused(self) -> None:
        for page in ("", "x", "-1", "1.5", "9" * 40, "٣", "1 "):
            with refused(InvalidInput):
                self.store.list_runs(page=page)

    def test_a_page_has_at_least_one_run(self) -> None:
        for limit in (0, -1):
            with refused(InvalidInput):
                self.store.list_runs(limit=limit)
