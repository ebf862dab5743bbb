"""Reports that no log would take as they are, made into ones that it does: something is told rather than nothing."""

from __future__ import annotations

from typing import Any

import msgspec

from headway.errors import InvalidEvent, InvalidInput
from headway.protocol import events, limits, names
from headway.protocol.events import Data, ErrorInfo
from headway.reporter import plain


def mended(data: Data) -> Data:
    """The data with every member of the type that it must be: as text or number if it can be, else left out."""
    changes = {field.name: _fitting(getattr(data, field.name), field) for field in msgspec.structs.fields(type(data))}
    return _in_range(msgspec.structs.replace(data, **changes))


def _fitting(value: Any, field: msgspec.structs.FieldInfo) -> Any:
    if isinstance(value, ErrorInfo):
        return _explained(value)
    text = plain.text(value)
    is_plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    for candidate in (None if is_plain else value, plain.number(value), text, text.lower()):
        if candidate is None and value is not None:
            continue
        fitting = _as_type(candidate, field.type)
        if fitting is not _UNFIT:
            return fitting
    return None if field.default is msgspec.NODEFAULT else field.default


_UNFIT = object()


def _as_type(value: Any, type_: Any) -> Any:
    try:
        if isinstance(value, msgspec.Raw):
            return msgspec.json.decode(value, type=type_)
        built = msgspec.to_builtins(value) if isinstance(value, tuple | list | dict) else value
        return msgspec.convert(built, type_)
    except Exception:  # an odd value raises what it likes
        return _UNFIT


def _explained(error: ErrorInfo) -> ErrorInfo:
    return ErrorInfo(
        code=plain.text(error.code),
        message=plain.text(error.message),
        recoverable=error.recoverable if isinstance(error.recoverable, bool) else None,
    )


def check_range(data: Data) -> None:
    """Refuse what has the right type and cannot mean anything.

    Raises:
        InvalidEvent: A member is such a value.
    """
    for name in _out_of_range(data):
        raise InvalidEvent(f"{name!r} is out of range")


def _in_range(data: Data) -> Data:
    return msgspec.structs.replace(data, **_out_of_range(data))


def _out_of_range(data: Data) -> dict[str, Any]:
    """What is outside of the protocol's limits or of what it means, and what is to stand there: most is left out."""
    changes: dict[str, Any] = {
        name: number
        for name, value in msgspec.structs.asdict(data).items()
        if type(value) is int and (number := plain.number(value)) != value
    }
    match data:
        case events.StageStarted(weight=weight, total=total):
            if weight is not None and not 0 <= weight <= limits.WEIGHT_MAX:
                changes["weight"] = None
            changes |= {"total": None} if (total or 0) < 0 else {}
        case events.StageProgress(total=total) if (total or 0) < 0:
            changes["total"] = None
        case events.Finding(id=id_, confidence=confidence):
            if not 1 <= len(id_) <= limits.NAME_CHARS:
                changes["id"] = id_[: limits.NAME_CHARS] or "-"
            if confidence is not None and not 0 <= confidence <= 1:
                # A sum of small floats may come out a little above 1; what is far from it was meant otherwise.
                changes["confidence"] = round(confidence, 3) if 0 <= round(confidence, 3) <= 1 else None
        case events.RunUpdated(variant=str() as variant) if not _is_kind(variant):
            changes["variant"] = None
    return changes


def _is_kind(variant: str) -> bool:
    try:
        names.kind(variant)
    except InvalidInput:
        return False
    return True
