"""Whether answers fit the schemas of questions."""

from __future__ import annotations

import pytest

from headway.cli.json_schema import allows_text, misfit

PERSON = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0}},
    "additionalProperties": False,
}

FITS = [
    (True, object()),
    ({}, 3),
    ({"type": "integer"}, 3),
    ({"type": "integer"}, 3.0),
    ({"type": "number"}, 2.5),
    ({"type": ["string", "null"]}, None),
    ({"type": "boolean"}, False),
    ({"type": "thing of the future"}, 1),
    ({"enum": ["a", 1]}, 1),
    ({"const": None}, None),
    ({"minimum": 1, "maximum": 3}, 3),
    ({"exclusiveMinimum": 1}, 1.1),
    ({"minimum": 10}, "text has no minimum"),
    ({"maxLength": 3}, "abc"),
    ({"pattern": "^a+$"}, "aaa"),
    ({"pattern": "(?<=a"}, "an expression that is none"),
    ({"items": {"type": "integer"}, "minItems": 1}, [1, 2]),
    (PERSON, {"name": "Ada", "age": 36}),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
    ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, 2),
    ({"$ref": "#/elsewhere"}, 1),
]

MISFITS = [
    (False, 1, "not wanted"),
    ({"type": "integer"}, True, "of type integer"),
    ({"type": "integer"}, 2.5, "of type integer"),
    ({"type": ["string", "null"]}, 1, "string or null"),
    ({"enum": ["a", 1]}, True, "one of 'a', 1"),
    ({"const": 1}, True, "must be 1"),
    ({"minimum": 1}, 0, "at least 1"),
    ({"maximum": 1}, 2, "at most 1"),
    ({"exclusiveMinimum": 1}, 1, "more than 1"),
    ({"exclusiveMaximum": 1}, 1, "less than 1"),
    ({"minLength": 2}, "a", "at least 2 characters"),
    ({"maxLength": 2}, "abc", "at most 2 characters"),
    ({"pattern": "^a"}, "b", "match"),
    ({"minItems": 1}, [], "at least 1 items"),
    ({"maxItems": 1}, [1, 2], "at most 1 items"),
    ({"items": {"type": "integer"}}, [1, "x"], "item 2 of the answer"),
    (PERSON, {"age": 1}, "needs 'name'"),
    (PERSON, {"name": "", "age": 1}, "'name' of the answer"),
    (PERSON, {"name": "Ada", "other": 1}, "'other' of the answer is not wanted"),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, "of type string"),
    ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, 3, "at most 2"),
]


@pytest.mark.parametrize(("schema", "value"), FITS)
def test_fits(schema: object, value: object) -> None:
    assert misfit(value, schema) is None


@pytest.mark.parametrize(("schema", "value", "why"), MISFITS)
def test_does_not_fit(schema: object, value: object, why: str) -> None:
    assert why in (misfit(value, schema) or "it fits")


def test_whether_text_is_wanted() -> None:
    assert allows_text({})
    assert allows_text({"type": ["null", "string"]})
    assert not allows_text({"type": "integer"})
