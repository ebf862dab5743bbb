"""What comes from strangers: an error of its own for each thing that can be wrong, and rules for what is right."""

from __future__ import annotations

from typing import Any

import pytest

from headway.errors import (
    BatchTooLarge,
    EventTooLarge,
    HeadwayError,
    InvalidEvent,
    InvalidJson,
    InvalidName,
    LimitExceeded,
    TooDeep,
    TooManyStages,
    UnknownEventType,
)
from headway.protocol import incoming, limits
from headway.protocol.events import RunCancelled
from headway.testing.samples import AT


def event(type_: str = "note", data: object = None, **members: object) -> dict[str, Any]:
    return {"at": AT, "type": type_, "data": {"text": "a"} if data is None else data, **members}


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


def plan(form: str, count: int) -> dict[str, Any]:
    """So many stages, with their numbers in the place of the braces."""
    return {"stages": [{"path": form.format(number)} for number in range(count)]}


def shot(begin: str, length: int) -> dict[str, Any]:
    """A screenshot with a thumbnail of this length."""
    return {"artifact": "a.png", "thumbnail": begin + "x" * (length - len(begin))}


WRONG: dict[str, tuple[object, type[HeadwayError]]] = {
    "no object": ([], InvalidEvent),
    "nothing": ({}, InvalidEvent),
    "no time": ({"type": "note", "data": {"text": "a"}}, InvalidEvent),
    "a time in another zone": (event(at="2026-11-20T19:41:03.120+01:00"), InvalidEvent),
    "a time without milliseconds": (event(at="2026-11-20T19:41:03Z"), InvalidEvent),
    "a day that is not": (event(at="2026-02-30T19:41:03.120Z"), InvalidEvent),
    "digits of another script": (event(at="\u0662\u0660\u0662\u0666-11-20T19:41:03.120Z"), InvalidEvent),
    "a number as type": (event(type=1), InvalidEvent),
    "no type of ours": (event("run.exploded"), UnknownEventType),
    "a custom type without a name": (event("x."), UnknownEventType),
    "a custom type with a line end": (event("x.a\n"), UnknownEventType),
    "no priority of ours": (event("x.a", priority="urgent"), InvalidEvent),
    "data that are no object": (event(data=[1]), InvalidEvent),
    "data without what they need": (event(data={"txt": "a"}), InvalidEvent),
    "data of the wrong type": (event(data={"text": 1}), InvalidEvent),
    "true as a number": (event("stage.progress", {"current": True}, stage="a"), InvalidEvent),
    "a severity that is none": (event("finding", {"id": "a", "severity": "awful"}), InvalidEvent),
    "no stage where one is needed": (event("stage.started", {}), InvalidEvent),
    "a stage that is no path": (event(stage="a//b"), InvalidName),
    "a stage with a control character": (event(stage="a\x1b[31m"), InvalidName),
    "a plan with a bad path": (event("run.planned", {"stages": [{"path": "/a"}]}), InvalidName),
    "a plan with a weight below zero": (event("run.planned", {"stages": [{"path": "a", "weight": -1}]}), LimitExceeded),
    "a plan of too many stages": (event("run.planned", plan("{}", 1_001)), TooManyStages),
    "a plan of too many with the stages above them": (event("run.planned", plan("{}/a", 501)), TooManyStages),
    "a weight too high": (event("stage.started", {"weight": 8_001}, stage="a"), LimitExceeded),
    "a kind with a control character": (event("run.created", {"kind": "a\x00"}), InvalidName),
    "a variant that is empty": (event("run.created", {"kind": "a", "variant": ""}), InvalidName),
    "a variant that becomes too long": (event("run.updated", {"variant": "v" * 129}), InvalidName),
    "a finding without an id": (event("finding", {"id": ""}), InvalidName),
    "a thumbnail that is too large": (event("screenshot", shot("DATA:,", 16_385)), InvalidEvent),
    "an artifact that leads upwards": (event("artifact", {"name": "../a"}), InvalidName),
    "too deep": (event("x.a", deep(limits.JSON_DEPTH)), TooDeep),
    "too large": (event(data={"text": "x" * limits.EVENT_BYTES}), EventTooLarge),
}


@pytest.mark.parametrize(("value", "error"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_has_its_own_error(value: object, error: type[HeadwayError]) -> None:
    with pytest.raises(error) as refusal:
        incoming.parse_draft(value)
    assert type(refusal.value) is error
    assert refusal.value.code == error.code


@pytest.mark.parametrize(
    ("type_", "data", "given", "wanted"),
    [
        ("note", {"text": "a"}, None, "low"),
        ("note", {"text": "a"}, "critical", "low"),
        ("finding", {"id": "a"}, None, "high"),
        ("finding", {"id": "a", "severity": "critical"}, "low", "critical"),
        ("run.failed", {"error": {"code": "c", "message": "m"}}, "low", "critical"),
        ("x.own", {}, None, "medium"),
        ("x.own", {}, "critical", "critical"),
    ],
)
def test_priorities_of_the_protocols_types_are_the_protocols(type_: str, data: object, given: Any, wanted: str) -> None:
    assert incoming.parse_draft(event(type_, data, priority=given)).priority == wanted


def test_members_that_are_not_known_are_ignored_or_kept() -> None:
    draft = incoming.parse_draft(event(data={"text": "a", "later": [1]}, seq=99, later=True))
    assert draft.data == {"text": "a", "later": [1]}
    assert not hasattr(draft, "seq")


def test_a_thumbnail_may_be_as_large_as_the_limit_says() -> None:
    assert incoming.parse_draft(event("screenshot", shot("data:,", limits.THUMBNAIL_BYTES)))


def test_a_batch_has_a_thousand_events_at_most() -> None:
    assert len(incoming.parse_drafts([event()] * limits.BATCH_EVENTS)) == limits.BATCH_EVENTS
    with pytest.raises(BatchTooLarge):
        incoming.parse_drafts([event()] * (limits.BATCH_EVENTS + 1))


def test_an_error_in_a_batch_says_where() -> None:
    with pytest.raises(UnknownEventType, match="event 3 of the batch"):
        incoming.parse_drafts([event(), event(), event("nothing"), event("neither")])


def test_the_end_of_a_run_is_shortened_and_not_refused() -> None:
    draft = incoming.parse_draft(event("run.cancelled", {"reason": "x" * limits.EVENT_BYTES}))
    assert isinstance(draft.data, RunCancelled)
    assert draft.data.truncated


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"[1,]", b"'a'", b'"\\ud800"', b'"\xff"', b"1e999", b"{}{}"])
def test_what_is_not_json(body: bytes) -> None:
    with pytest.raises(InvalidJson):
        incoming.parse_json(body)


def test_brackets_in_text_are_no_depth() -> None:
    assert incoming.parse_json(b'{"a": "' + b"[{" * 500 + b'"}') == {"a": "[{" * 500}
