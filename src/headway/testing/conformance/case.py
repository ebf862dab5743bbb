"""The cases as data: requests, and what their answers must have.

A step does ``"METHOD /path"`` below ``/api/v1``, with a body as ``json`` or as text in ``body``; its answer must have
the ``status``, and at least what ``answer`` has: all members of an object, all items of a list and no more. Texts may
hold variables as ``${name}``; ``keep`` makes one of a member of the answer, ``keep_headers`` one of a header. In an
``answer`` some texts stand for many: ``<text>``, ``<time>``, ``<cursor>``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

import msgspec

from headway.errors import HeadwayError
from headway.protocol import cursor, times
from headway.protocol.events import Json


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request, and what its answer must have."""

    do: str
    status: int
    headers: dict[str, str] = {}
    json: Json | msgspec.UnsetType = msgspec.UNSET
    body: str | None = None
    answer: Json | msgspec.UnsetType = msgspec.UNSET
    text: str | None = None
    headers_answer: dict[str, str] = {}
    keep: dict[str, str] = {}
    keep_headers: dict[str, str] = {}


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule that a server keeps, shown by some steps."""

    name: str
    about: str
    steps: tuple[Step, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: str
    cases: tuple[Case, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What became of a case; ``fault`` is None if the server keeps it."""

    rule: str
    name: str
    fault: str | None


def load_cases() -> dict[str, tuple[Case, ...]]:
    """All cases, by the rule that they show."""
    inside = resources.files(__package__).joinpath("http")
    folder = Path(str(inside)) if inside.is_dir() else Path(__file__).parents[4] / "conformance" / "http"
    files = [msgspec.json.decode(path.read_bytes(), type=_File) for path in sorted(folder.glob("*.json"))]
    return {file.rule: file.cases for file in files}


def filled(value: Json, variables: Mapping[str, Json]) -> Json:
    """The value with its variables in their places; a text that is one variable becomes whatever that is."""
    if isinstance(value, str):
        whole = re.fullmatch(r"\$\{([^}]+)\}", value)
        if whole:
            return variables[whole[1]]
        return re.sub(r"\$\{([^}]+)\}", lambda found: str(variables[found[1]]), value)
    if isinstance(value, dict):
        return {key: filled(member, variables) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(item, variables) for item in value]
    return value


def fault(wanted: Json, found: Json, where: str = "the answer") -> str | None:
    """What is wrong with an answer, in words; None if it has all that is wanted."""
    if isinstance(wanted, dict):
        return _object_fault(wanted, found, where)
    if isinstance(wanted, list):
        return _list_fault(wanted, found, where)
    if isinstance(wanted, str) and wanted in _PATTERNS:
        return None if isinstance(found, str) and _PATTERNS[wanted](found) else f"{where} is {found!r}, no {wanted}"
    same = wanted == found and isinstance(wanted, bool) == isinstance(found, bool)
    return None if same else f"{where} is {found!r}, not {wanted!r}"


def _object_fault(wanted: dict[str, Json], found: Json, where: str) -> str | None:
    if not isinstance(found, dict):
        return f"{where} is {found!r}, no object"
    for key, member in wanted.items():
        if key not in found:
            return f"{where} has no {key!r}"
        wrong = fault(member, found[key], f"{where}.{key}")
        if wrong:
            return wrong
    return None


def _list_fault(wanted: list[Json], found: Json, where: str) -> str | None:
    if not isinstance(found, list):
        return f"{where} is {found!r}, no list"
    if len(found) != len(wanted):
        return f"{where} has {len(found)} items, not {len(wanted)}: {found!r}"
    wrongs = (fault(item, there, f"{where}[{n}]") for n, (item, there) in enumerate(zip(wanted, found, strict=True)))
    return next((wrong for wrong in wrongs if wrong), None)


def _is_time(text: str) -> bool:
    try:
        times.to_unix(text)
    except ValueError:
        return False
    return True


def _is_cursor(text: str) -> bool:
    try:
        return cursor.parse(text) is not None
    except HeadwayError:
        return False


_PATTERNS: dict[str, Callable[[str], bool]] = {"<text>": bool, "<time>": _is_time, "<cursor>": _is_cursor}
