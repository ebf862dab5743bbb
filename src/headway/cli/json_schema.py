"""The part of JSON Schema that questions to people use: whether a value fits, and if not, why in one sentence.

Keywords that are not here (``$ref``, ``format`` and others) allow everything, as JSON Schema has it for unknown ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from headway.protocol.events import Json, JsonObject


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Json], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and value % 1 == 0,
    "number": _is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def misfit(value: Json, schema: Json, where: str = "the answer") -> str | None:
    """Why a value does not fit a schema, or None if it does."""
    if schema is False:
        return f"{where} is not wanted"
    if not isinstance(schema, dict):
        return None
    for keyword, check in _KEYWORDS.items():
        if keyword in schema:
            why = check(value, schema[keyword], where, schema)
            if why is not None:
                return why
    return None


def allows_text(schema: JsonObject) -> bool:
    """Whether some text fits the schema's type."""
    return "string" in _as_list(schema.get("type", "string"))


def _as_list(value: Json) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _type(value: Json, types: Json, where: str, _schema: JsonObject) -> str | None:
    known = [_TYPES[name] for name in _as_list(types) if isinstance(name, str) and name in _TYPES]
    if not known or any(fits(value) for fits in known):
        return None
    return f"{where} must be of type {' or '.join(map(str, _as_list(types)))}"


def same(one: Json, other: Json) -> bool:
    """Whether two values are the same JSON: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _enum(value: Json, choices: Json, where: str, _schema: JsonObject) -> str | None:
    if any(same(value, choice) for choice in _as_list(choices)):
        return None
    return f"{where} must be one of {', '.join(map(repr, _as_list(choices)))}"


def _const(value: Json, wanted: Json, where: str, _schema: JsonObject) -> str | None:
    return None if same(value, wanted) else f"{where} must be {wanted!r}"


def _bound(text: str, fits: Callable[[Any, Any], bool]) -> Callable[[Json, Json, str, JsonObject], str | None]:
    def check(value: Json, limit: Json, where: str, _schema: JsonObject) -> str | None:
        if not _is_number(value) or not _is_number(limit) or fits(value, limit):
            return None
        return f"{where} must be {text} {limit}"

    return check


def _length(
    kind: type, text: str, fits: Callable[[int, Any], bool]
) -> Callable[[Json, Json, str, JsonObject], str | None]:
    def check(value: Json, limit: Json, where: str, _schema: JsonObject) -> str | None:
        if not isinstance(value, kind) or not _is_number(limit) or fits(len(value), limit):  # type: ignore[arg-type]
            return None
        return f"{where} must have {text.format(limit)}"

    return check


def _pattern(value: Json, pattern: Json, where: str, _schema: JsonObject) -> str | None:
    try:
        if not isinstance(value, str) or re.search(str(pattern), value):
            return None
    except re.error:  # written for another language's expressions: the job decides
        return None
    return f"{where} must match {pattern}"


def _items(value: Json, schema: Json, where: str, _schema: JsonObject) -> str | None:
    if not isinstance(value, list):
        return None
    reasons = (misfit(item, schema, f"item {place} of {where}") for place, item in enumerate(value, 1))
    return next((why for why in reasons if why), None)


def _required(value: Json, wanted: Json, where: str, _schema: JsonObject) -> str | None:
    missing = [name for name in _as_list(wanted) if isinstance(value, dict) and name not in value]
    return f"{where} needs {', '.join(map(repr, missing))}" if missing else None


def _properties(value: Json, schemas: Json, where: str, _schema: JsonObject) -> str | None:
    if not isinstance(value, dict) or not isinstance(schemas, dict):
        return None
    reasons = (misfit(value[name], schema, f"{name!r} of {where}") for name, schema in schemas.items() if name in value)
    return next((why for why in reasons if why), None)


def _additional(value: Json, schema: Json, where: str, whole: JsonObject) -> str | None:
    if not isinstance(value, dict):
        return None
    others = (name for name in value if name not in whole.get("properties", {}))
    reasons = (misfit(value[name], schema, f"{name!r} of {where}") for name in others)
    return next((why for why in reasons if why), None)


def _any_of(value: Json, schemas: Json, where: str, _schema: JsonObject) -> str | None:
    reasons = [misfit(value, schema, where) for schema in _as_list(schemas)]
    return None if None in reasons else next(iter(reasons), None)


def _all_of(value: Json, schemas: Json, where: str, _schema: JsonObject) -> str | None:
    return next((why for schema in _as_list(schemas) if (why := misfit(value, schema, where))), None)


_KEYWORDS: dict[str, Callable[[Json, Json, str, JsonObject], str | None]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _bound("at least", lambda value, limit: value >= limit),
    "maximum": _bound("at most", lambda value, limit: value <= limit),
    "exclusiveMinimum": _bound("more than", lambda value, limit: value > limit),
    "exclusiveMaximum": _bound("less than", lambda value, limit: value < limit),
    "minLength": _length(str, "at least {} characters", lambda length, limit: length >= limit),
    "maxLength": _length(str, "at most {} characters", lambda length, limit: length <= limit),
    "pattern": _pattern,
    "minItems": _length(list, "at least {} items", lambda length, limit: length >= limit),
    "maxItems": _length(list, "at most {} items", lambda length, limit: length <= limit),
    "items": _items,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "anyOf": _any_of,
    "oneOf": _any_of,
    "allOf": _all_of,
}
