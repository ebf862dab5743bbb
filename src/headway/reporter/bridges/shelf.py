"""Which stages bars have made in a place, and which of them are in use."""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from typing import NamedTuple

from headway.protocol import limits
from headway.reporter.bridges.stage_name import NAME_CHARS
from headway.reporter.stage import Scope, Stage

STAGES = 50
"""Stages that bars make in one place. A loop that names each bar anew would fill a run with them; from here on
bars take over stages of bars that have ended."""

_NUMBER_CHARS = 4


class Taken(NamedTuple):
    """A stage for one bar.

    Attributes:
        name: Its name in its place.
        wanted: The name without a number, unless it is another bar's.
        fresh: No bar had it before.
    """

    place: Scope
    name: str
    wanted: str
    stage: Stage
    fresh: bool


_lock = threading.RLock()


def _in_child() -> None:
    """After a fork: another thread of the parent may have held the lock."""
    global _lock  # noqa: PLW0603 -- there is one in each process
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_in_child)

# The values hold names only: anything that leads back to the key would keep it alive.
_in_use: weakref.WeakKeyDictionary[Scope, dict[str, bool]] = weakref.WeakKeyDictionary()


def take(places: list[Scope], name: str) -> Taken | None:
    """A stage of this name, in the first place that is not too deep for it; numbered if the name is in use.

    A stage that an earlier bar has left is taken up again, and one that is planned is taken; one that the author has
    begun is not. None if no place has room.
    """
    place = next((place for place in places if _has_room(place)), None)
    if place is None:
        return None
    with _lock:
        names = _in_use.setdefault(place, {})
        free = _free(place, names, name) or _left(names)
        if free is None:
            return None
        fresh = free not in names
        names[free] = True
        return Taken(place, free, name if free.startswith(name) else free, place.stage(free), fresh)


def give_back(taken: Taken) -> None:
    """The stage's bar has ended."""
    with _lock:
        names = _in_use.get(taken.place)
        if names is not None:
            names[taken.name] = False


def _has_room(place: Scope) -> bool:
    path = place.path if isinstance(place, Stage) else ""
    chars = len(path) + 1 + NAME_CHARS + _NUMBER_CHARS
    return path.count("/") + 2 <= limits.STAGE_DEPTH and chars <= limits.STAGE_PATH_CHARS


def _free(place: Scope, names: dict[str, bool], name: str) -> str | None:
    for number in itertools.count(1):
        numbered = name if number == 1 else f"{name} {number}"
        if numbered in names:
            if not names[numbered]:
                return numbered
        elif len(names) >= STAGES:
            return None
        elif place.stage(numbered)._started_at is None:  # else it is one that the author has begun
            return numbered
    return None


def _left(names: dict[str, bool]) -> str | None:
    return next((name for name in reversed(names) if not names[name]), None)
