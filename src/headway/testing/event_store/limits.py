"""What an append refuses because of what is in it: each with its own error, and nothing is changed."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

import msgspec

from headway.errors import (
    BatchTooLarge,
    EventTooLarge,
    HeadwayError,
    InvalidEvent,
    InvalidInput,
    InvalidName,
    LimitExceeded,
    TooDeep,
    TooManyStages,
    UnknownEventType,
)
from headway.ports import NewRun
from headway.protocol import events
from headway.protocol.events import Draft, JsonObject
from headway.protocol.limits import BATCH_BYTES, BATCH_EVENTS, EVENT_BYTES, JSON_DEPTH, STAGES_PER_RUN, THUMBNAIL_BYTES
from headway.testing.event_store.case import StoreCase
from headway.testing.expectation import refused
from headway.testing.samples import AT, custom, decoded, new_run, note, notes


class Refusing(StoreCase):
    """Events and batches that are not fit for a log."""

    def __refused(self, kind: type[HeadwayError], *drafts: Draft) -> None:
        before = self.store.header("run")
        with refused(kind):
            self.report(note("good"), *drafts)
        assert self.store.header("run") == before
        assert self.all_texts() == []

    def __raw(self, type_: str, data: JsonObject, stage: str | None = None) -> Draft:
        return Draft(at=AT, type=type_, priority="low", stage=stage, data=data)

    def test_an_event_that_is_too_large(self) -> None:
        self.__refused(EventTooLarge, note("x" * EVENT_BYTES))

    def test_the_end_of_a_run_is_shortened_and_not_refused(self) -> None:
        self.report(self.__raw("run.completed", {"result": "x" * EVENT_BYTES, "duration": 2.5}))
        assert decoded(self.all_records()[-1])["data"] == {"duration": 2.5, "truncated": True}
        assert self.store.header("run").status == "completed"
        assert [run.duration for run in self.store.past_runs("sample")] == [2.5]

    def test_a_batch_of_too_many_events(self) -> None:
        self.__refused(BatchTooLarge, *notes(*range(BATCH_EVENTS)))

    def test_a_batch_of_too_many_bytes(self) -> None:
        large = note("x" * (EVENT_BYTES - 200))
        self.__refused(BatchTooLarge, *[large] * (BATCH_BYTES // (EVENT_BYTES - 200) + 1))

    def test_the_largest_batch_is_taken(self) -> None:
        assert self.report(*notes(*range(BATCH_EVENTS))).accepted == BATCH_EVENTS

    def test_an_event_that_nests_too_deep(self) -> None:
        # The event itself is the first level.
        self.__refused(TooDeep, custom("deep", _nested(JSON_DEPTH)))
        assert self.report(custom("deep", _nested(JSON_DEPTH - 1))).accepted == 1

    def test_data_that_contain_themselves(self) -> None:
        data: JsonObject = {}
        data["self"] = data
        self.__refused(InvalidInput, custom("loop", data))

    def test_a_type_that_is_not_known(self) -> None:
        for type_ in ("", "nothing", "x.", "x", "x. ", "run.exploded", "x." + "y" * 100, "deleted"):
            self.__refused(UnknownEventType, self.__raw(type_, {}))

    def test_data_of_the_wrong_type(self) -> None:
        for type_, data in (("note", {}), ("note", {"text": 1}), ("finding", {"id": "a", "severity": "bad"})):
            self.__refused(InvalidEvent, self.__raw(type_, data))

    def test_a_thumbnail_that_is_too_large(self) -> None:
        url = "data:image/png;base64,".ljust(THUMBNAIL_BYTES, "A")
        self.__refused(InvalidEvent, self.__raw("screenshot", {"artifact": "a", "thumbnail": url + "A"}))
        assert self.report(self.__raw("screenshot", {"artifact": "a", "thumbnail": url})).accepted == 1

    def test_data_that_belong_to_another_type(self) -> None:
        self.__refused(InvalidEvent, Draft(at=AT, type="log", priority="low", data=events.Note(text="x")))
        self.__refused(InvalidEvent, Draft(at=AT, type="x.note", priority="low", data=events.Note(text="x")))

    def test_data_that_json_cannot_say(self) -> None:
        for value in (object(), "\ud800", {(1, 2): 3}):
            self.__refused(InvalidEvent, custom("odd", {"value": value}))

    def test_a_stage_event_without_a_stage(self) -> None:
        self.__refused(InvalidEvent, self.__raw("stage.started", {}))

    def test_names_that_break_their_rules(self) -> None:
        for path in ("", "/", "a//b", " ", "a/ /b", "/".join("abcdefghi"), "x" * 257, "a\nb"):
            self.__refused(InvalidName, self.__raw("stage.started", {}, stage=path))
        for name in ("", "../up", "a/../b", "a//b", "a\\b", "a\x00b"):
            self.__refused(InvalidName, self.__raw("artifact", {"name": name}))
        self.__refused(InvalidName, self.__raw("finding", {"id": ""}))

    def test_a_weight_out_of_range(self) -> None:
        for weight in (-1, 8001, float("inf"), float("nan")):
            self.__refused(LimitExceeded, events.draft(events.StageStarted(weight=weight), at=AT, stage="a"))

    def test_what_only_the_store_may_give(self) -> None:
        for given in (events.Log(lines=("a",), offset=0), events.Log(lines=("a",), eliding=True)):
            self.__refused(InvalidEvent, events.draft(given, at=AT))
        for said in ({"offset": None}, {"offset": 3}, {"eliding": False}, {"eliding": True}):
            self.__refused(InvalidEvent, self.__raw("log", {"lines": ["a"], **said}))

    def test_a_plan_in_a_creation(self) -> None:
        plan = (events.PlannedStage(path="a//b"),)
        with refused(InvalidName):
            self.store.create(NewRun(run_id="new", kind="k", at=AT, plan=plan))
        assert len(self.store.list_runs().headers) == 1

    def test_a_plan_of_too_many_stages(self) -> None:
        plan = tuple([events.PlannedStage(path=f"{number}") for number in range(STAGES_PER_RUN + 1)])
        self.__refused(TooManyStages, events.draft(events.RunPlanned(stages=plan), at=AT))
        with refused(TooManyStages):
            self.store.create(NewRun(run_id="new", kind="k", at=AT, plan=plan))
        assert len(self.store.list_runs().headers) == 1
        self.store.create(NewRun(run_id="new", kind="k", at=AT, plan=plan[1:]))

    def test_members_that_are_not_known_are_kept(self) -> None:
        self.report(self.__raw("note", {"text": "a", "later": {"version": 2}}))
        assert decoded(self.all_records()[1])["data"] == {"text": "a", "later": {"version": 2}}

    def test_custom_events_pass_untouched(self) -> None:
        data = {"n": 1, "f": 0.1, "t": "é\u2028\x00😀", "l": [None, True, {"": []}], "big": 2**63}
        self.report(custom("page-scrolled", data, priority="critical"))
        event = decoded(self.all_records()[1])
        assert event["data"] == data
        assert (event["type"], event["priority"]) == ("x.page-scrolled", "critical")

    def test_a_run_with_data_that_json_cannot_say(self) -> None:
        with refused(InvalidInput):
            self.store.create(msgspec.structs.replace(new_run("new"), title="\ud800"))
        assert len(self.store.list_runs().headers) == 1


def _nested(depth: int) -> JsonObject:
    value: JsonObject = {}
    for _ in range(depth - 1):
        value = {"in": value}
    return value
