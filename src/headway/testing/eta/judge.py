"""Replays runs through an estimator, and tallies how far off it was."""

from collections.abc import Callable, Iterator

from headway.progress.remaining import KEPT_RUNS, Estimate, Estimator, History, PastRun
from headway.testing.eta.lending import Lending
from headway.testing.eta.replay import Replay
from headway.testing.eta.tally import MOMENTS, WINDOWS, Tally
from headway.testing.eta.watching import Watcher, steps_back

WITHIN = 0.2
MANY = 5


class Judge:
    """Replays the runs of one kind through one estimator."""

    def __init__(
        self,
        kind: str,
        runs: list[Replay],
        make: Callable[[], Estimator],
        lending: Lending,
        *,
        clock: bool = False,
    ) -> None:
        """Prepare to judge.

        Args:
            kind: The kind's name.
            runs: Its runs in order.
            make: Makes a new estimator; one is used for each run, so nothing can leak from one to the next.
            lending: What other kinds tell about spread while this one has few runs.
            clock: Whether only runs that have ended by the clock are known.
        """
        self._kind, self._runs, self._make = kind, runs, make
        self._lending, self._clock = lending, clock
        self._told: tuple[History, History] | None = None
        self.tally = Tally()

    def judge(self, first: int, last: int, *, densely: bool = True) -> None:
        """Judge the runs from number `first` to before `last`; unless `densely`, only at the four moments."""
        for index in range(max(first, 1), last):
            chosen = self._make()
            for moment in (0.0, *MOMENTS):
                self._moment(chosen, index, moment)
            if densely:
                self._replay(chosen, index)

    def cold(self, last: int) -> None:
        """Judge every run before `last` by the one, two and three before it."""
        for window in WINDOWS:
            for index in range(window, last):
                run = self._runs[index]
                history = self._history([run.past for run in self._runs[index - window : index]], run.past.started)
                self._window(run, history, window)

    def _window(self, run: Replay, history: History, window: int) -> None:
        chosen = self._make()
        for moment in (0.0, *MOMENTS):
            estimate = self._at(chosen, run, moment, history)
            if estimate is None:
                continue
            true = run.total * (1 - moment)
            if moment == 0.5:
                self.tally.cold[window].append(abs(estimate.remaining - true) <= WITHIN * run.total)
            if window > 1:
                self.tally.few.append(estimate.low <= true <= estimate.high)

    def _known(self, index: int, elapsed: float) -> History:
        earlier = [run.past for run in self._runs[max(0, index - KEPT_RUNS) : index]]
        now = self._runs[index].past.started
        if self._clock:
            known = (run.past for run in self._runs[:index] if run.past.ended <= now + elapsed)
            earlier = sorted(known, key=lambda run: run.ended)[-KEPT_RUNS:]
        return self._history(earlier, now)

    def _history(self, runs: list[PastRun], now: float) -> History:
        """The same object as the last time if it holds the same: estimators prepare a history once, by identity."""
        spread = self._lending.spread(self._kind, len(runs), now)
        history = History(kind=self._kind, runs=tuple(runs), spread=spread)
        if self._told is None or self._told[0] != history:
            self._told = history, history
        return self._told[1]

    def _at(self, chosen: Estimator, run: Replay, moment: float, history: History) -> Estimate | None:
        situation = run.at(moment * run.total) if moment else run.submitted()
        return self._checked(chosen.estimate(situation, history))

    def _checked(self, estimate: Estimate | None) -> Estimate | None:
        if estimate is not None:
            self.tally.negative += not 0 <= estimate.low <= estimate.remaining <= estimate.high
        return estimate

    def _moment(self, chosen: Estimator, index: int, moment: float) -> None:
        run = self._runs[index]
        history = self._known(index, moment * run.total)
        estimate = self._at(chosen, run, moment, history)
        if estimate is None:
            return
        true = run.total * (1 - moment)
        if len(history.runs) >= MANY:
            self.tally.many.append(estimate.low <= true <= estimate.high)
        errors = self.tally.at[moment] if moment else self.tally.submit
        errors.append(abs(estimate.remaining - true) / run.total)

    def _replay(self, chosen: Estimator, index: int) -> None:
        run, watcher = self._runs[index], Watcher()
        history = self._known(index, 0.0)
        for now in run.moments():
            watcher.update(self._checked(chosen.estimate(run.at(now), history)), now)
        self.tally.reversals.append(watcher.shown.reversals)
        self.tally.raw.append(watcher.raw.reversals)
        self.tally.steps_back += steps_back(run)


def judged(
    kinds: dict[str, list[Replay]], make: Callable[[], Estimator], *, clock: bool = False
) -> Iterator[tuple[str, Tally]]:
    """The tally of each kind: the last 30 % of its runs, and all windows of one, two and three."""
    lending = Lending(kinds, clock=clock)
    for kind, runs in kinds.items():
        judge = Judge(kind, runs, make, lending, clock=clock)
        judge.judge(7 * len(runs) // 10, len(runs))
        judge.cold(len(runs))
        yield kind, judge.tally


def report(kinds: dict[str, list[Replay]], make: Callable[[], Estimator], *, clock: bool = False) -> dict[str, object]:
    """The JSON form: `{"overall": M, "kinds": {name: M}}`."""
    overall = Tally()
    figures = {}
    for kind, tally in judged(kinds, make, clock=clock):
        overall.add(tally)
        figures[kind] = tally.figures()
    return {"overall": overall.figures(), "kinds": figures}
