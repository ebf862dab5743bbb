"""Events from strangers: everything that comes from outside passes here, is checked, and is written anew.

Nothing is changed anywhere when something is refused; each reason has an error of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from headway.errors import (
    BatchTooLarge,
    InvalidEvent,
    InvalidInput,
    InvalidJson,
    InvalidName,
    LimitExceeded,
    TooDeep,
    TooManyStages,
    UnknownEventType,
)
from headway.protocol import events, limits, names
from headway.protocol.codec import data_of_draft
from headway.protocol.events import Data, Draft, JsonObject, Number, Priority
from headway.protocol.ready import ready
from headway.protocol.shortening import encode_fitting
from headway.protocol.times import to_unix

_decode = msgspec.json.Decoder().decode
_CUSTOM = re.compile(r"^x\.[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class _Incoming(msgspec.Struct, kw_only=True):
    """An event as a stranger sends it."""

    at: str
    type: str
    priority: Priority | None = None
    stage: str | None = None
    data: JsonObject = {}


def parse_json(body: bytes) -> Any:
    """JSON from outside.

    Raises:
        InvalidJson: It is not JSON in UTF-8, or has a number that no double can hold.
        TooDeep: It is nested deeper than 32 levels.
    """
    try:
        value = _decode(body)
    except RecursionError as error:
        raise TooDeep(f"JSON is nested deeper than {limits.JSON_DEPTH} levels") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidJson(f"not JSON: {error}") from error
    # Only a body with enough brackets can be too deep; almost none has.
    if body.count(b"{") + body.count(b"[") > limits.JSON_DEPTH:
        check_depth(value)
    return value


def check_depth(value: object) -> None:
    """Refuse containers that nest deeper than 32 levels; level by level, so that no recursion can overflow.

    Raises:
        TooDeep: They do.
    """
    level: list[object] = [value]
    for _ in range(limits.JSON_DEPTH):
        level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list | tuple)]
        if not level:
            return
    raise TooDeep(f"JSON is nested deeper than {limits.JSON_DEPTH} levels: flatten it, or make it an artifact")


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def parse_drafts(values: list[object]) -> list[Draft]:
    """A batch of events from a stranger's JSON.

    Raises:
        BatchTooLarge: More than 1,000 events.
        InvalidInput: As ``parse_draft``; the message begins with the event's place in the batch.
    """
    if len(values) > limits.BATCH_EVENTS:
        raise BatchTooLarge(f"a batch of {len(values):,} events: send at most {limits.BATCH_EVENTS:,} at once")
    return [_parse_in_batch(value, place) for place, value in enumerate(values, 1)]


def _parse_in_batch(value: object, place: int) -> Draft:
    try:
        return parse_draft(value)
    except InvalidInput as error:
        raise type(error)(f"event {place} of the batch: {error}") from error


def parse_draft(value: object) -> Draft:
    """One event from a stranger's JSON, checked by its type; members that are not known are kept.

    One that ends a run and is too large is shortened.

    Raises:
        InvalidEvent: A member is missing or has the wrong type.
        UnknownEventType: The type is neither the protocol's nor custom.
        InvalidName: The stage or another name breaks its rule.
        TooDeep, EventTooLarge, LimitExceeded: It breaks a limit.
    """
    try:
        event = msgspec.convert(value, _Incoming)
    except msgspec.ValidationError as error:
        raise InvalidEvent(f"not an event: {error}") from error
    _check_time(event.at)
    check_depth(value)
    priority = events.priority_of(event.type, event.data, event.priority)
    draft = Draft(at=event.at, type=event.type, priority=priority, stage=event.stage, data=event.data)
    check_event(draft.type, draft.stage, data_of_draft(draft))
    return encode_fitting(draft)[0]  # which also looks for what JSON cannot say


def _check_time(at: str) -> None:
    try:
        to_unix(at)
    except ValueError as error:
        raise InvalidEvent(f"'at' is {at[:40]!r}: give a time such as 2026-11-20T19:41:03.120Z") from error


def check_event(type_: str, stage: str | None, data: Data | None) -> None:
    """The rules that types cannot express: names, and the range of weights.

    Raises:
        UnknownEventType, InvalidEvent, InvalidName, LimitExceeded: As above.
    """
    if data is None and not _CUSTOM.match(type_):
        raise UnknownEventType(
            f"{type_[:80]!r} is not an event of the protocol; name your own 'x.' and letters, digits, '.', '_' or '-'"
        )
    if stage is not None:
        names.stage_path(stage)
    elif type_.startswith("stage."):
        raise InvalidEvent(f"a {type_!r} event needs 'stage', the path of the stage that it is about")
    check = _CHECKS.get(type(data))
    if check is not None:
        check(data)


def _check_planned(data: events.RunPlanned) -> None:
    named = set[str]()
    for stage in data.stages:
        _check_weight(stage.weight, stage.path)
        path: str = names.stage_path(stage.path)
        while path and path not in named:
            named.add(path)
            path = path.rpartition("/")[0]
    if len(named) > limits.STAGES_PER_RUN:
        raise TooManyStages(
            f"a plan of {len(named):,} stages: a run has {limits.STAGES_PER_RUN:,} at most; "
            "count small steps inside a stage instead (total, current)"
        )


def _check_weight(weight: Number | None, where: str) -> None:
    if weight is not None and not 0 <= weight <= limits.WEIGHT_MAX:
        raise LimitExceeded(
            f"the weight of {where!r} is {weight}: weights are relative to the siblings', "
            f"so scale them to lie between 0 and {limits.WEIGHT_MAX:,}"
        )


def _check_created(data: events.RunCreated) -> None:
    names.kind(data.kind)
    _check_variant(data)


def _check_variant(data: events.RunCreated | events.RunUpdated) -> None:
    if data.variant is not None:
        names.kind(data.variant)


def _check_screenshot(data: events.Screenshot) -> None:
    if data.carries_picture and len(data.thumbnail or "") > limits.THUMBNAIL_BYTES:
        raise InvalidEvent(
            f"a thumbnail in an event has {limits.THUMBNAIL_BYTES:,} characters at most: "
            "make a larger one an artifact, and give its name"
        )


def _check_finding(data: events.Finding) -> None:
    if not data.id or len(data.id) > limits.NAME_CHARS:
        raise InvalidName(f"a finding's id has 1 to {limits.NAME_CHARS} characters, not {len(data.id)}")


_CHECKS: dict[type, Callable[[Any], object]] = {
    events.RunCreated: _check_created,
    events.RunUpdated: _check_variant,
    events.RunPlanned: _check_planned,
    events.StageStarted: lambda data: _check_weight(data.weight, "stage"),
    events.Finding: _check_finding,
    events.Screenshot: _check_screenshot,
    events.Artifact: lambda data: names.artifact_name(data.name),
}


ready(_Incoming)
