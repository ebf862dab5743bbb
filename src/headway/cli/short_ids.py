"""The beginnings of runs' ids, for where there is no room for the whole: long enough to name each run in a command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

LEAST_CHARS = 8
"""Of a UUIDv7 these name the minute; shorter ones would soon be other runs' too."""

UUID_CHARS, PREFIX_CHARS = 36, 18
"""Of a whole UUIDv7, and of the part of it that is its time and some chance."""


def short_ids(run_ids: Sequence[str], *, among_others: bool) -> Mapping[str, str]:
    """Beginnings of the ids that name these runs, and no other, in a command.

    Args:
        run_ids: The ids.
        among_others: There may be runs that are not among these. Then only ids that Headway made are cut, and to a
            length at which two are hardly ever alike.
    """
    if not among_others:
        return _cut(run_ids, LEAST_CHARS)
    cut = _cut(filter(is_uuid7, run_ids), PREFIX_CHARS)
    return {run_id: cut.get(run_id, run_id) for run_id in run_ids}


def _cut(run_ids: Iterable[str], least: int) -> dict[str, str]:
    """The ids, all cut to the same length, by which each can be told from the others."""
    ids = sorted(run_ids)
    alike = max((_alike(*pair) for pair in pairwise(ids)), default=0)
    length = max(least, alike + 1)
    return {run_id: run_id[:length] for run_id in ids}


def _alike(one: str, other: str) -> int:
    """With how many same characters two ids begin."""
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))


def is_uuid7(run_id: str) -> bool:
    """Whether an id is one that Headway made."""
    return len(run_id) == UUID_CHARS and run_id[14:15] == "7"
