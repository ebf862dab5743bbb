"""What the kinds of a file lend to one that has few runs."""

from bisect import bisect_left

from headway.progress.remaining import FEW_RUNS, KEPT_RUNS, History, PastRun
from headway.progress.remaining.spread import own_square, pooled
from headway.testing.eta.replay import Replay


class Lending:
    """Spread for kinds with few runs, as a server gives it: of the other kinds' runs that were known by then.

    Args:
        kinds: All of the file.
        clock: Whether only runs that had ended are known; else those that had started.
    """

    def __init__(self, kinds: dict[str, list[Replay]], *, clock: bool = False) -> None:
        def known_from(run: PastRun) -> float:
            return run.ended if clock else run.started

        self._runs = {kind: sorted((run.past for run in runs), key=known_from) for kind, runs in kinds.items()}
        self._moments = {kind: [known_from(run) for run in runs] for kind, runs in self._runs.items()}
        self._squares: dict[tuple[str, int], float | None] = {}

    def spread(self, borrower: str, runs: int, now: float) -> float | None:
        """How much the others' runs vary by all that was known at a moment; None for who has enough runs."""
        others = [kind for kind in self._runs if kind != borrower]
        if runs >= FEW_RUNS or not others:
            return None
        squares = [self._square(kind, bisect_left(self._moments[kind], now)) for kind in others]
        return pooled(square for square in squares if square is not None)

    def _square(self, kind: str, count: int) -> float | None:
        if (kind, count) not in self._squares:
            runs = tuple(self._runs[kind][max(0, count - KEPT_RUNS) : count])
            self._squares[kind, count] = own_square(History(kind=kind, runs=runs))
        return self._squares[kind, count]
