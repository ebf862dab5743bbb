"""Lingering: runs that nobody watches any more stay in memory for a while, but only so many of them."""

from __future__ import annotations

from typing import Protocol


class Lingerer(Protocol):
    """Somebody who will go by itself."""

    def hurry(self) -> None:
        """Go very soon instead."""


class Lingering:
    """Those who linger, the one that has done so for longest first.

    Args:
        most: So many; whoever is one too many is hurried.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lingering: dict[Lingerer, None] = {}

    def __len__(self) -> int:
        return len(self._lingering)

    def add(self, lingerer: Lingerer) -> None:
        """It lingers from now on."""
        self._lingering[lingerer] = None
        if len(self) > self._most:
            oldest = next(iter(self._lingering))
            self.discard(oldest)
            oldest.hurry()

    def discard(self, lingerer: Lingerer) -> None:
        """It is needed again, or gone; nothing if it does not linger."""
        self._lingering.pop(lingerer, None)
