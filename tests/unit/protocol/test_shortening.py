from __future__ import annotations

import msgspec
import pytest

from headway.errors import EventTooLarge, InvalidEvent
from headway.protocol import codec, events, limits
from headway.protocol.events import Draft, ErrorInfo, JsonObject, Number
from headway.protocol.shortening import CUT, TEXT_CHARS, encode_fitting
from headway.testing.samples import AT, completed, note

LARGE = "x" * limits.EVENT_BYTES
PATHS = ["a" * 200 + str(n) for n in range(200)]


def fitted(draft: Draft) -> JsonObject:
    """The data of the event that comes of a draft, which the shortened draft has, too."""
    shortened, tail = encode_fitting(draft)
    assert len(tail) <= limits.EVENT_BYTES
    assert codec.encode_tail(shortened) == tail
    data: JsonObject = msgspec.json.decode(tail)["data"]
    return data


def raw(type_: str, data: JsonObject) -> Draft:
    return Draft(at=AT, type=type_, priority="critical", data=data)


def test_what_fits_stays_as_it_is() -> None:
    draft = raw("run.completed", {"result": 1, "later": 2})
    assert encode_fitting(draft) == (draft, codec.encode_tail(draft))
    assert "truncated" not in fitted(completed(1.5))


def test_members_that_nobody_knows_are_the_first_to_go() -> None:
    data = {"result": 1, "spans": {"a": [0, 1]}, "later": LARGE}
    assert fitted(raw("run.completed", data)) == {"result": 1, "spans": {"a": [0, 1]}, "truncated": True}


def test_spans_go_before_durations_and_both_before_the_result() -> None:
    spans: dict[str, tuple[Number, Number]] = dict.fromkeys(PATHS, (0, 1))
    durations: dict[str, Number] = dict.fromkeys(PATHS, 1)
    said = events.RunCompleted(result="r", duration=1, durations=durations, spans=spans)
    assert fitted(events.draft(said, at=AT)) == {
        "result": "r",
        "duration": 1,
        "durations": durations,
        "truncated": True,
    }
    said = msgspec.structs.replace(said, durations=dict.fromkeys(PATHS * 2 + [path + LARGE[:200] for path in PATHS], 1))
    assert fitted(events.draft(said, at=AT)) == {"result": "r", "duration": 1, "truncated": True}


def test_a_result_that_is_too_large_goes_alone() -> None:
    said = events.RunCompleted(result=LARGE, duration=1, durations={"a": 1}, spans={"a": (0, 1)})
    assert fitted(events.draft(said, at=AT)) == {
        "duration": 1,
        "durations": {"a": 1},
        "spans": {"a": [0, 1]},
        "truncated": True,
    }


def test_nothing_but_numbers_is_left_of_what_is_too_large_in_every_member() -> None:
    huge: dict[str, Number] = {path + LARGE[:200]: 1 for path in PATHS}
    said = events.RunCompleted(result=LARGE, duration=1, durations=huge, spans=dict.fromkeys(huge, (0, 1)), waited=0.5)
    assert fitted(events.draft(said, at=AT)) == {"duration": 1, "waited": 0.5, "truncated": True}


def test_long_texts_are_cut() -> None:
    cut = "\0" * TEXT_CHARS + CUT  # which JSON says six times as long
    said = fitted(events.draft(events.RunFailed(error=ErrorInfo(code="c" * 300, message="\0" * 90_000)), at=AT))
    assert said == {"error": {"code": "c" * limits.NAME_CHARS, "message": cut}, "truncated": True}
    assert fitted(raw("run.cancelled", {"reason": "\0" * 90_000})) == {"reason": cut, "truncated": True}


def test_only_what_ends_a_run_is_shortened() -> None:
    for draft in (note(LARGE), raw("x.large", {"text": LARGE})):
        with pytest.raises(EventTooLarge):
            encode_fitting(draft)


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(InvalidEvent):
        encode_fitting(raw("run.completed", {"result": object()}))
