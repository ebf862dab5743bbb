"""Plans as people write them: names and weights, nested where stages nest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Union

import msgspec

from headway.errors import InvalidInput
from headway.protocol import events, limits
from headway.protocol.events import Number, PlannedStage, Role
from headway.protocol.incoming import check_event
from headway.reporter import plain


class Planned(msgspec.Struct, frozen=True):
    """A stage in a plan of which more than the weight is known.

    Args:
        weight: Relative to its siblings.
        expect: How long it usually takes, in seconds.
        role: ``"agent"`` for an agent.
        title: What people read instead of the name.
        stages: The stages inside it.
    """

    weight: Number | None = None
    expect: Number | None = None
    role: Role | None = None
    title: str | None = None
    stages: Plan | None = None


Plan = Mapping[str, Union[Number, Planned, "Plan", None]]
"""A stage's name → its weight, what is planned of it, or the stages inside it."""


def flatten(plan: Plan) -> tuple[PlannedStage, ...]:
    """The plan as the protocol's list, parents before their children.

    Raises:
        InvalidInput: A name or a weight breaks its rule, or a value is none of the three.
        TooManyStages: More than 1,000.
    """
    try:
        said = msgspec.json.encode(list(_walk(plan, "")))
        stages = msgspec.json.decode(said, type=tuple[PlannedStage, ...])
    except (msgspec.MsgspecError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"not a plan, which maps names to weights, headway.Planned(…) or plans: {error}") from error
    stages = tuple([msgspec.structs.replace(stage, title=titled(stage.title)) for stage in stages])
    check_event("run.planned", None, events.RunPlanned(stages=stages))
    return stages


def titled(title: object) -> str | None:
    """What people are to read, as text of the length that the protocol has room for."""
    return None if title is None else plain.text(title)[: limits.TITLE_CHARS]


def _walk(plan: Plan, prefix: str) -> Iterator[PlannedStage]:
    for name, value in plan.items():
        path = prefix + name
        planned = _planned(path, value)
        yield PlannedStage(
            path=path, title=planned.title, weight=planned.weight, expect=planned.expect, role=planned.role
        )
        if planned.stages:
            yield from _walk(planned.stages, path + "/")


def _planned(path: str, value: object) -> Planned:
    if isinstance(value, Planned):
        return value
    if isinstance(value, Mapping):
        return Planned(weight=_sum_of_weights(value), stages=value)
    if value is None:
        return Planned()
    weight = None if isinstance(value, bool) else plain.number(value)  # NumPy's too
    if weight is not None:
        return Planned(weight=weight)
    raise InvalidInput(
        f"the plan says {value!r} of {path!r}: give a weight, a headway.Planned(…), or a plan of the stages inside it"
    )


def _sum_of_weights(plan: Plan) -> Number | None:
    """A nested plan weighs what its parts weigh: the numbers were chosen side by side."""
    weights = [_planned("", value).weight for value in plan.values()]
    known = [weight for weight in weights if weight is not None]
    return sum(known) if len(known) == len(weights) else None


PLAN_BYTES = limits.EVENT_BYTES // 2
"""A part of a plan: half an event, since the log adds to it."""


def chunks(stages: tuple[PlannedStage, ...]) -> list[tuple[PlannedStage, ...]]:
    """The plan in parts that each fit into one event."""
    parts: list[list[PlannedStage]] = [[]]
    size = 0
    for stage in stages:
        size += len(msgspec.json.encode(stage)) + 1
        if size > PLAN_BYTES and parts[-1]:
            parts.append([])
            size = 0
        parts[-1].append(stage)
    return [tuple(part) for part in parts if part]
