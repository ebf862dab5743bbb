"""What a store remembers of past runs, as the estimators want it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from headway.errors import HeadwayError
from headway.hub.surroundings import Surroundings
from headway.ports import EventStore, PastRun
from headway.progress import remaining
from headway.protocol.events import Size
from headway.protocol.times import to_unix

FRESH_S = 30.0
"""For how long a history is used before the store is asked again: runs of a kind end less often than that matters."""

HISTORIES_KEPT = 500
"""Kinds and variants of which a hub keeps the history; of more those go that were not asked for longest."""

OTHER_KINDS = 50
"""How many kinds lend their spread to one that has few runs."""


class HistorySource(Protocol):
    """Where a viewer has the histories from."""

    def of(self, kind: str, variant: str | None) -> remaining.History:
        """The history of a kind and variant: the same object for as long as it holds the same runs."""


class Histories:
    """The histories of a store's kinds, read when somebody needs them. Not for several threads at once.

    Args:
        store: The store.
        elapsed: A clock in seconds that never jumps.
    """

    def __init__(self, store: EventStore, elapsed: Callable[[], float]) -> None:
        self._store = store
        self._elapsed = elapsed
        self._known: dict[tuple[str, str | None], tuple[float, remaining.History]] = {}

    def of(self, kind: str, variant: str | None) -> remaining.History:
        """The history of a kind and variant: the same object for as long as it holds the same runs."""
        key = (kind, variant)
        read_at, history = self._known.get(key, (float("-inf"), None))
        if history is None or self._elapsed() - read_at > FRESH_S:
            fresh = self._read(kind, variant)
            # The estimators prepare a history once, by identity.
            history = history if history == fresh and history is not None else fresh
            self._known[key] = (self._elapsed(), history)
        return history

    def _read(self, kind: str, variant: str | None) -> remaining.History:
        return read_history(self._store, kind, variant)


class KnownHistories:
    """The same for who must not wait: what is known, while anything newer is read elsewhere. For one thread.

    Args:
        store: The store.
        surroundings: Read from it.
    """

    def __init__(self, store: EventStore, surroundings: Surroundings) -> None:
        self._store = store
        self._surroundings = surroundings
        self._known: dict[tuple[str, str | None], tuple[float, remaining.History]] = {}
        self._reading: dict[tuple[str, str | None], list[Callable[[], object]]] = {}

    def of(self, kind: str, variant: str | None) -> remaining.History:
        """The history as it was read last, or an empty one; perhaps it is read again now."""
        known = self._known.pop((kind, variant), None)
        if known is not None:
            self._known[kind, variant] = known  # behind the others: it was asked for last
        read_at, history = known or (float("-inf"), remaining.History(kind=kind, runs=()))
        if self._surroundings.now() - read_at > FRESH_S:
            self.read(kind, variant, lambda: None)
        return history

    def read(self, kind: str, variant: str | None, then: Callable[[], object]) -> None:
        """Read a history, and call something when that is done, whether or not it could be read."""
        waiting = self._reading.setdefault((kind, variant), [])
        waiting.append(then)
        if len(waiting) == 1:
            self._surroundings.read(
                lambda: read_history(self._store, kind, variant), lambda result: self._take((kind, variant), result)
            )

    def _take(self, key: tuple[str, str | None], result: remaining.History | HeadwayError) -> None:
        if isinstance(result, HeadwayError):
            result = self._known.get(key, (0.0, remaining.History(kind=key[0], runs=())))[1]
        known = self._known.pop(key, None)
        # The estimators prepare a history once, by identity.
        self._known[key] = (self._surroundings.now(), known[1] if known is not None and known[1] == result else result)
        if len(self._known) > HISTORIES_KEPT:
            del self._known[next(iter(self._known))]
        for then in self._reading.pop(key):
            then()


def read_history(store: EventStore, kind: str, variant: str | None) -> remaining.History:
    """The history of a kind and variant, from the store."""
    runs = tuple(_past_run(run) for run in store.past_runs(kind, variant))
    few = len(runs) < remaining.FEW_RUNS
    return remaining.History(kind=kind, runs=runs, spread=_spread(store, kind) if few else None)


def _spread(store: EventStore, kind: str) -> float | None:
    others = [other for other in store.kinds() if other != kind][:OTHER_KINDS]
    return remaining.pooled_spread(
        [remaining.History(kind=other, runs=tuple(map(_past_run, store.past_runs(other)))) for other in others]
    )


def _past_run(run: PastRun) -> remaining.PastRun:
    ended = to_unix(run.ended_at)
    spans = (remaining.StageSpan(path, start, end) for path, (start, end) in run.stages.items())
    return remaining.PastRun(
        duration=run.duration,
        started=ended - run.duration,
        ended=ended,
        size=numbers(run.size),
        stages=tuple(sorted(spans, key=lambda span: span.start)),
    )


def numbers(size: Size | None) -> dict[str, float]:
    """A run's size by name; a single number is called ``size``."""
    if size is None:
        return {}
    if isinstance(size, dict):
        return {name: float(value) for name, value in size.items()}
    return {"size": float(size)}
