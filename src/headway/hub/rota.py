"""A rota: many who are called once in a while, evenly spread, with one timer for all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from headway.hub.surroundings import Surroundings, Timer

SHIFTS = 50
"""Parts of a period. With 10,000 connections and 25 seconds 200 are called every half second."""


class Called(Protocol):
    """Somebody on a rota; ``place`` is the rota's."""

    place: int

    def beat(self) -> None:
        """It is time."""


Member = TypeVar("Member", bound=Called)


class Rota(Generic[Member]):
    """Calls each of its members once in a period. For one thread.

    Args:
        surroundings: Its timers.
        period_s: The period.
    """

    def __init__(self, surroundings: Surroundings, period_s: float) -> None:
        self._surroundings = surroundings
        self._shift_s = period_s / SHIFTS
        self._shifts: list[dict[Member, None]] = [{} for _ in range(SHIFTS)]
        self._next = 0
        self._timer: Timer | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Member]:
        """Everybody, as it is now."""
        return iter([member for shift in self._shifts for member in shift])

    def add(self, member: Member) -> None:
        """Call it from now on, for the first time after a period."""
        member.place = (self._next - 1) % SHIFTS
        self._shifts[member.place][member] = None
        self._count += 1
        if self._timer is None:
            self._set()

    def remove(self, member: Member) -> None:
        """Call it no more."""
        del self._shifts[member.place][member]
        self._count -= 1

    def _set(self) -> None:
        self._timer = self._surroundings.call_at(self._surroundings.now() + self._shift_s, self._call)

    def _call(self) -> None:
        self._timer = None
        shift = self._shifts[self._next]
        self._next = (self._next + 1) % SHIFTS
        for member in tuple(shift):
            if member in shift:
                member.beat()
        if self._count:
            self._set()

    def stop(self) -> None:
        """Call nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
