"""What one estimate costs: 100 stages, 100 runs of history, plain Python."""

import random
from time import perf_counter

from headway.progress.remaining import (
    EndedStage,
    Estimator,
    History,
    PastRun,
    RunningStage,
    Situation,
    StageSpan,
    estimator,
)

STAGES, RUNS, ROUNDS = 100, 100, 50


def history() -> History:
    """A hundred runs of a hundred stages in a row, with a size."""
    rng = random.Random(6)
    runs = []
    for number in range(RUNS):
        now, spans, size = 0.0, [], rng.choice([1.0, 2.0, 4.0])
        for stage in range(STAGES):
            seconds = size * rng.lognormvariate(1.0, 0.2)
            spans.append(StageSpan(_path(stage), now, now + seconds))
            now += seconds
        runs.append(PastRun(duration=now, started=number, ended=number + now, size={"n": size}, stages=tuple(spans)))
    return History(kind="cost", runs=tuple(runs))


def _path(stage: int) -> str:
    """No series: every stage has a name of its own. The first half of the alphabet's pairs."""
    return chr(97 + stage // 10) + chr(97 + stage % 10)


def situations() -> list[Situation]:
    """The same run at a hundred moments, its running stage with progress."""
    made = []
    for stage in range(STAGES):
        ended = tuple(EndedStage(_path(n), 6.0 * n, 6.0 * n + 6.0) for n in range(stage))
        running = RunningStage(_path(stage), 6.0 * stage, progress=0.4, progress_at=6.0 * stage + 2.5, total=10)
        made.append(Situation(elapsed=6.0 * stage + 3.0, running=(running,), ended=ended, size={"n": 2.0}))
    return made


def measure(chosen: Estimator, past: History, moments: list[Situation]) -> float:
    """Microseconds for one estimate, over all moments."""
    began = perf_counter()
    for situation in moments:
        chosen.estimate(situation, past)
    return (perf_counter() - began) / len(moments) * 1e6


def lines() -> list[str]:
    """Warm and cold, as text."""
    past, moments, chosen = history(), situations(), estimator()
    began = perf_counter()
    chosen.estimate(moments[0], past)
    prepared = (perf_counter() - began) * 1e3
    first = measure(chosen, past, moments)
    warm = min(measure(chosen, past, moments) for _ in range(ROUNDS))
    return [
        f"one estimate, {STAGES} stages, {RUNS} runs: {warm:.1f} µs (at most 50)",
        f"preparing a history, with its first estimate: {prepared:.1f} ms",
        f"the tables of a stage, when it is first asked about: {first / 1e3:.2f} ms on average, once per history",
    ]
