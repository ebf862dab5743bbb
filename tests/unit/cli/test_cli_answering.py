"""What somebody typed becomes the value that a question wants."""

from __future__ import annotations

import pytest

from headway.cli.answering import choose_question, open_questions, parse_answer, value_text
from headway.errors import HeadwayError, InvalidInput, NotFound
from headway.progress.state import InputEntry, State

AT = "2026-11-20T19:41:03.120Z"
LATER = "2026-11-20T19:51:03.120Z"
NOW = 1795203700.0


def question(id_: str = "q", **members: object) -> InputEntry:
    return InputEntry(id=id_, prompt="Publish?", seq=1, at=AT, **members)  # type: ignore[arg-type]


def state(*inputs: InputEntry, ended: bool = False) -> State:
    return State(run_id="run", status="failed" if ended else "running", ended_at=AT if ended else None, inputs=inputs)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("42", 42),
        ("true", True),
        ("null", None),
        ('"42"', "42"),
        ("[1]", [1]),
        ("{bad", "{bad"),
        ("", ""),
    ],
)
def test_with_nothing_said_json_is_json_and_the_rest_is_text(text: str, value: object) -> None:
    assert parse_answer(question(), text, is_text=False) == value
    assert parse_answer(question(), text, is_text=True) == text


def test_a_choice_is_meant_by_its_text_or_its_json() -> None:
    entry = question(choices=("yes", 2, True, None, {"a": 1}))
    meant = [parse_answer(entry, text, is_text=False) for text in ("yes", '"yes"', "2", "true", "null", '{"a": 1}')]
    assert meant == ["yes", "yes", 2, True, None, {"a": 1}]
    assert parse_answer(question(choices=("1", 1)), "1", is_text=False) == "1"
    with pytest.raises(InvalidInput, match="yes, 2, true"):
        parse_answer(entry, "1", is_text=False)
    with pytest.raises(InvalidInput):
        parse_answer(question(choices=(2,)), "2", is_text=True)


def test_a_schema_says_whether_text_or_json_is_meant() -> None:
    assert parse_answer(question(schema={"type": "integer"}), "42", is_text=False) == 42
    assert parse_answer(question(schema={"type": "string"}), "42", is_text=False) == "42"
    assert (
        parse_answer(question(schema={"type": ["string", "integer"], "pattern": "^[a-z]"}), "a1", is_text=False) == "a1"
    )
    assert parse_answer(question(schema={"type": ["string", "integer"]}), "42", is_text=False) == "42"
    assert parse_answer(question(schema={"enum": [1, 2]}), "2", is_text=False) == 2
    with pytest.raises(InvalidInput, match="of type integer"):
        parse_answer(question(schema={"type": "integer"}), "many", is_text=False)
    with pytest.raises(InvalidInput, match="of type integer"):
        parse_answer(question(schema={"type": "integer"}), "42", is_text=True)


def test_the_only_question_need_not_be_named() -> None:
    answered = question("old", given_at=AT)
    late = question("late", deadline=AT)
    open_ = question("new", deadline=LATER)
    assert open_questions(state(answered, late, open_), NOW) == [open_]
    assert choose_question(state(answered, late, open_), None, NOW) == open_
    assert choose_question(state(open_, question("other")), "other", NOW).id == "other"


def test_why_no_question_can_be_answered() -> None:
    cases: list[tuple[State, str | None, type[HeadwayError], str]] = [
        (state(), None, NotFound, "asks nothing"),
        (state(question("a"), question("b")), None, NotFound, "say which: a, b"),
        (state(question("a")), "b", NotFound, "called 'b'"),
        (state(question("a", given_at=AT, value="yes", by="ada")), "a", HeadwayError, "already by ada: yes"),
        (state(question("a"), ended=True), "a", HeadwayError, "has ended"),
        (state(question("a"), ended=True), None, NotFound, "asks nothing"),
        (state(question("a", deadline=AT)), "a", HeadwayError, "any more"),
    ]
    for asked, id_, error, why in cases:
        with pytest.raises(error, match=why):
            choose_question(asked, id_, NOW)


def test_values_to_read_are_harmless() -> None:
    assert [value_text(value) for value in ("a\x1b[2J\nb", {"a": 1}, None)] == ["a b", '{"a":1}', "null"]
