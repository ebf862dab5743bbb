"""What a store remembers of past runs, as the estimators want it."""

from __future__ import annotations

from collections.abc import Callable

from headway.ports import EventStore, PastRun
from headway.progress import remaining
from headway.protocol.events import Size
from headway.protocol.times import to_unix

FRESH_S = 30.0
"""For how long a history is used before the store is asked again: runs of a kind end less often than that matters."""

OTHER_KINDS = 50
"""How many kinds lend their spread to one that has few runs."""


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
        runs = tuple(_past_run(run) for run in self._store.past_runs(kind, variant))
        return remaining.History(kind=kind, runs=runs, spread=self._spread(kind) if len(runs) < FEW_RUNS else None)

    def _spread(self, kind: str) -> float | None:
        others = [other for other in self._store.kinds() if other != kind][:OTHER_KINDS]
        return remaining.pooled_spread(
            [
                remaining.History(kind=other, runs=tuple(map(_past_run, self._store.past_runs(other))))
                for other in others
            ]
        )


FEW_RUNS = 10
"""From so many runs on a kind's own spread tells more than that of others."""


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
