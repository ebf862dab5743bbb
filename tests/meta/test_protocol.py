"""Events, errors and limits are documented as they are in the code."""

from __future__ import annotations

import importlib

import msgspec
import pytest

from headway import errors
from headway.protocol import limits
from headway.protocol.events import TYPES
from headway.server import Settings
from tests.meta.documents import names, rows, section, text

PROTOCOL = text("PROTOCOL.md")
DELIVERIES = {
    "all": "all",
    "newest": "newest",
    "newest-per-stage": "newest per stage",
    "latest-per-id": "all, latest per id",
    "newest-lines": "newest 100 lines",
}


def kinds_of(error: type[errors.HeadwayError]) -> list[type[errors.HeadwayError]]:
    """An error and all its kinds, as a tree is written down."""
    own = [kind for kind in error.__subclasses__() if kind.__module__ == errors.__name__]
    own.sort(key=lambda kind: list(vars(errors)).index(kind.__name__))
    return [error, *(kind for child in own for kind in kinds_of(child))]


ERRORS = kinds_of(errors.HeadwayError)


def event_rows() -> dict[str, list[str]]:
    """The protocol's table of events, by type."""
    return {names(row[0])[0]: row[1:] for row in rows(PROTOCOL, "| type | priority |")}


def test_the_protocol_has_every_event_type_in_order() -> None:
    assert list(event_rows()) == [*TYPES, "x.<name>"]


@pytest.mark.parametrize("type_", TYPES)
def test_the_protocol_has_the_members_of_each_event(type_: str) -> None:
    kind = TYPES[type_]
    priority, delivery, data = event_rows()[type_]
    assert priority.partition(" ")[0].rstrip(",") == kind.priority
    assert priority.endswith(", last") is kind.terminal
    assert delivery.partition(", never")[0] == DELIVERIES[kind.delivery]
    members = [name for name in names(data) if name.isidentifier()]
    assert members == [field.encode_name for field in msgspec.structs.fields(kind.data)] or set(members) == {
        field.encode_name for field in msgspec.structs.fields(kind.data)
    }


def test_the_reference_has_every_event_type_with_its_priority() -> None:
    listed = {names(row[0])[0]: row[1] for row in rows(text("docs/reference/events.md"), "| type | priority |")}
    assert listed == {name: kind.priority for name, kind in TYPES.items()}


def test_error_codes_are_unique() -> None:
    assert len({error.code for error in ERRORS}) == len(ERRORS)
    assert {error.__name__ for error in ERRORS} == {
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)
    }


def test_the_protocol_has_every_error() -> None:
    listed = {names(row[0])[0]: row[1:3] for row in rows(section(PROTOCOL, "Errors"), "| code | retry |")}
    assert {code: retry for code, (retry, _) in listed.items()} == {
        error.code: "yes" if error.retryable else "no" for error in ERRORS
    }
    assert all(400 <= int(status) <= 599 for _, status in listed.values())


def test_the_reference_has_every_error_in_its_tree() -> None:
    listed = rows(text("docs/reference/errors.md"), "| class | code |")
    shown = [(row[0].count("–"), names(row[0])[0], names(row[1])[0], row[2]) for row in listed]
    assert shown == [
        (len(error.__mro__) - len(errors.HeadwayError.__mro__), error.__name__, error.code, _yes(error.retryable))
        for error in ERRORS
    ]
    assert all(len(row[3]) > 10 for row in listed), "an error without advice"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def limits_in(heading: str) -> dict[str, float]:
    """A table of the reference of limits, by name."""
    listed = rows(section(text("docs/reference/limits.md"), heading), "| name | value |")
    return {names(row[0])[0]: float(row[1].replace(",", "")) for row in listed}


def test_the_reference_has_every_limit_of_the_protocol() -> None:
    assert limits_in("Of the protocol") == {name: value for name, value in vars(limits).items() if name.isupper()}


def test_the_protocol_has_every_limit() -> None:
    listed = {names(row[0])[0]: row[1] for row in rows(section(PROTOCOL, "Limits"), "| limit | value |")}
    for name, value in vars(limits).items():
        if name.isupper():
            assert listed[name.lower().replace("_", "-")] == f"{value:,}", name


def test_the_reference_has_every_bound_of_a_server() -> None:
    bounds = {field.name: field.default for field in msgspec.structs.fields(Settings) if field.type in (int, float)}
    settable = ("waiting_writes", "runs_per_connection", "runs_per_stream", "kinds_per_run")
    hub = {f"hub.{name}": getattr(Settings().hub, name) for name in settable}
    assert limits_in("Of a server") == bounds | hub


@pytest.mark.parametrize(("name", "value"), limits_in("Of this implementation").items())
def test_the_reference_has_the_limits_of_the_implementation(name: str, value: float) -> None:
    module, _, constant = name.rpartition(".")
    assert getattr(importlib.import_module(module), constant) == value
