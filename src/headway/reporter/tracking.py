"""Loops whose progress is followed: one addition and one look at a flag for each item."""

from __future__ import annotations

import operator
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Generic, TypeVar

from headway.reporter.sampling import Progress

T = TypeVar("T")


class Tracked(Generic[T]):
    """Items on their way through a stage, for ``for`` and for ``async for``.

    An item counts as done when the next one is asked for; the one at which a loop is left by ``break`` does not.

    Args:
        items: What to go through.
        progress: Where they are counted.
        begin: Called before the first item.
        check: A safe point: raises when the loop must end.
    """

    __slots__ = ("_begin", "_check", "_items", "_progress")

    def __init__(
        self,
        items: Iterable[T] | AsyncIterable[T],
        progress: Progress,
        begin: Callable[[], object],
        check: Callable[[], None],
    ) -> None:
        self._items = items
        self._progress = progress
        self._begin = begin
        self._check = check

    def __length_hint__(self) -> int:
        return max(0, _length(self._items))

    def _prepare(self) -> Progress:
        self._begin()
        known = _length(self._items)
        self._progress.loop_over(known if known >= 0 else None)
        self._check()
        return self._progress

    def __iter__(self) -> Iterator[T]:
        if isinstance(self._items, AsyncIterable) and not isinstance(self._items, Iterable):
            raise TypeError("these items come asynchronously: use 'async for'")
        progress = self._prepare()
        for item in self._items:
            yield item
            progress.current += 1
            if progress.attention:
                self._pause()

    async def __aiter__(self) -> AsyncIterator[T]:
        if not isinstance(self._items, AsyncIterable):
            for item in self:
                yield item
            return
        progress = self._prepare()
        async for item in self._items:
            yield item
            progress.current += 1
            if progress.attention:
                self._pause()

    def _pause(self) -> None:
        self._progress.announce()
        self._check()


def _length(items: object) -> int:
    """How many items there are, as far as they know themselves; -1 if they do not."""
    try:
        return operator.length_hint(items, -1)
    except Exception:
        return -1
