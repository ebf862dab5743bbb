"""The simple rules to compare with, as they are usually written: no interval, and zero when the time is over."""

from collections.abc import Callable, Sequence

from headway.progress.remaining import Estimate, Estimator, History, Situation, exponential, mean, median

SMOOTHING = 0.3
"""tqdm's default."""


def _plain(remaining: float, runs: int) -> Estimate:
    left = max(remaining, 0.0)
    return Estimate(remaining=left, low=left, high=left, basis="history", runs=runs)


class LessElapsed:
    """What the newest runs took as a whole, less what has elapsed."""

    def __init__(self, rule: Callable[[Sequence[float]], float], newest: int) -> None:
        self._rule, self._newest = rule, newest

    def estimate(self, situation: Situation, history: History) -> Estimate | None:
        runs = history.runs[-self._newest :]
        return _plain(self._rule([run.duration for run in runs]) - situation.elapsed, len(runs)) if runs else None


class AfterLastStage:
    """What the newest runs still took after the stage that ended last, less the time since."""

    def __init__(self, rule: Callable[[Sequence[float]], float], newest: int) -> None:
        self._rule, self._newest = rule, newest
        self._tables: tuple[History, dict[str, list[float]]] | None = None

    def _table(self, history: History) -> dict[str, list[float]]:
        if self._tables is None or self._tables[0] is not history:
            table: dict[str, list[float]] = {}
            for run in history.runs[-self._newest :]:
                for path, end in {span.path: span.end for span in run.stages}.items():
                    table.setdefault(path, []).append(run.duration - end)
            self._tables = history, table
        return self._tables[1]

    def estimate(self, situation: Situation, history: History) -> Estimate | None:
        table = self._table(history)
        for stage in reversed(situation.ended):
            if stage.path in table:
                left = self._rule(table[stage.path]) - (situation.elapsed - stage.ended)
                return _plain(left, len(table[stage.path]))
        return LessElapsed(self._rule, self._newest).estimate(situation, history)


class Tqdm:
    """tqdm's rate over stages: as many as in the newest run, smoothed exponentially; nothing at submission."""

    def estimate(self, situation: Situation, history: History) -> Estimate | None:
        if not history.runs or not situation.ended:
            return None
        step, before = 0.0, 0.0
        for number, stage in enumerate(situation.ended):
            weight = SMOOTHING if number else 1.0
            step += weight * (stage.ended - before - step)
            before = stage.ended
        left = max(len(history.runs[-1].stages) - len(situation.ended), 0)
        return _plain(left * step - (situation.elapsed - before), 1)


ALL = 100
COMPARED: dict[str, Callable[[], Estimator]] = {
    "mean of all": lambda: LessElapsed(mean, ALL),
    "mean of the last three": lambda: LessElapsed(mean, 3),
    "median of the last ten": lambda: LessElapsed(median, 10),
    "exponential average 0.2": lambda: LessElapsed(exponential(), ALL),
    "tqdm's rate": Tqdm,
    "after last stage, median of 30": lambda: AfterLastStage(median, 30),
    "after last stage, mean of 3": lambda: AfterLastStage(mean, 3),
}
