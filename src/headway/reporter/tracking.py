"""Loops whose progress is followed: one addition and one look at a flag for each item."""

from __future__ import annotations

import operator
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from headway.reporter.stage import Stage

T = TypeVar("T")


class Tracked(Generic[T]):
    """Items on their way through a stage, for ``for`` and for ``async for``."""

    def __init__(self, stage: Stage, items: Iterable[T] | AsyncIterable[T]) -> None:
        self._stage = stage
        self._items = items
        if stage._progress.total is None:
            known = operator.length_hint(items, -1)
            stage.update(total=known if known >= 0 else None, current=stage._progress.current)

    def __len__(self) -> int:
        return operator.length_hint(self._items)

    def __iter__(self) -> Iterator[T]:
        if not isinstance(self._items, Iterable):
            raise TypeError("these items come asynchronously: use 'async for'")
        progress = self._stage.start()._progress
        progress.counted = True
        self._stage._run.check()
        for item in self._items:
            yield item
            progress.current += 1
            if progress.attention:
                self._pause()

    async def __aiter__(self) -> AsyncIterator[T]:
        progress = self._stage.start()._progress
        progress.counted = True
        self._stage._run.check()
        if isinstance(self._items, AsyncIterable):
            async for item in self._items:
                yield item
                progress.current += 1
                if progress.attention:
                    self._pause()
        else:
            for item in self:
                yield item

    def _pause(self) -> None:
        self._stage._progress.announce()
        self._stage._run.check()
