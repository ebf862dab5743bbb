"""Loops whose progress is followed: one addition and one look at a flag for each item."""

from __future__ import annotations

import operator
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Generic, TypeVar

from headway.reporter.sampling import Progress

T = TypeVar("T")


class Tracked(Generic[T]):
    """Items on their way through a stage, for ``for`` and for ``async for``.

    Args:
        items: What to go through.
        progress: Where they are counted.
        begin: Called before the first item.
        check: A safe point: raises when the loop must end.
    """

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

    def __len__(self) -> int:
        return operator.length_hint(self._items)

    def _prepare(self) -> Progress:
        self._begin()
        known = operator.length_hint(self._items, -1)
        if self._progress.total is None and known >= 0:
            self._progress.update(total=self._progress.current + known)
        self._progress.counted = True
        self._check()
        return self._progress

    def __iter__(self) -> Iterator[T]:
        if not isinstance(self._items, Iterable):
            raise TypeError("these items come asynchronously: use 'async for'")
        progress = self._prepare()
        for item in self._items:
            yield item
            progress.current += 1
            if progress.attention:
                self._pause()

    async def __aiter__(self) -> AsyncIterator[T]:
        progress = self._prepare()
        if not isinstance(self._items, AsyncIterable):
            for item in self:
                yield item
            return
        async for item in self._items:
            yield item
            progress.current += 1
            if progress.attention:
                self._pause()

    def _pause(self) -> None:
        self._progress.announce()
        self._check()
