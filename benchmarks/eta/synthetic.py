"""Made-up families of runs, one for each shape that the real data does not have.

They are no evidence of how well real jobs are estimated; they show that the method does not depend on one
shape. Each family is drawn from a fixed seed, in the form that `headway.testing.eta` reads.
"""

import math
import random
from collections.abc import Callable, Iterator

Run = dict[str, object]
Stage = dict[str, object]

RUNS = 120
DAY = 86_400.0


def _stage(name: str, start: float, seconds: float) -> Stage:
    return {"name": name, "start": start, "end": start + seconds}


def _sequence(parts: list[tuple[str, float]]) -> tuple[list[Stage], float]:
    stages, now = [], 0.0
    for name, seconds in parts:
        stages.append(_stage(name, now, seconds))
        now += seconds
    return stages, now


def _noise(rng: random.Random, sd: float) -> float:
    return math.exp(rng.gauss(0.0, sd))


def epochs_with_shift(rng: random.Random, index: int) -> Run:
    """Thirty epochs on machines that differ a little; a slower machine from the 70th run on."""
    pace = (1.8 if index >= 70 else 1.0) * _noise(rng, 0.05)
    parts = [("load", 20 * _noise(rng, 0.2))]
    parts += [(f"epoch-{n}", 60 * pace * _noise(rng, 0.03)) for n in range(1, 31)]
    stages, total = _sequence([*parts, ("save", 5 * _noise(rng, 0.2))])
    return {"total": total, "stages": stages}


def epochs_of_any_number(rng: random.Random, index: int) -> Run:
    """As many epochs and samples as were asked for; the stages are all called the same."""
    del index
    epochs, samples = rng.choice([5, 10, 20, 40]), rng.choice([1_000, 5_000, 20_000])
    pace = _noise(rng, 0.15)
    parts = [("load", 4 + samples / 2_000 * _noise(rng, 0.2))]
    parts += [("epoch", samples / 500 * pace * _noise(rng, 0.04)) for _ in range(epochs)]
    stages, total = _sequence(parts)
    return {"total": total, "stages": stages, "size": {"epochs": epochs, "samples": samples}}


def image_generation(rng: random.Random, index: int) -> Run:
    """Steps times pixels, around stages that do not depend on them."""
    del index
    steps, side = rng.choice([20, 30, 50]), rng.choice([512, 768, 1024])
    width = side * rng.choice([1, 1, 1.5])
    denoise = 0.4 * steps * (side * width / 512**2) ** 1.1
    parts = [
        ("load", 3 * _noise(rng, 0.3)),
        ("encode", 0.5 * _noise(rng, 0.2)),
        ("denoise", denoise * _noise(rng, 0.06)),
        ("decode", side * width / 2e5 * _noise(rng, 0.1)),
    ]
    stages, total = _sequence(parts)
    return {"total": total, "stages": stages, "size": {"steps": steps, "width": width, "height": side}}


def workflow_by_input(rng: random.Random, index: int) -> Run:
    """Input sizes over two orders of magnitude; one stage proportional, one less than that, one constant."""
    del index
    size = math.exp(rng.gauss(20.0, 1.0))
    parts = [
        ("stage-in", size / 4e7 * _noise(rng, 0.25)),
        ("align", (size / 1e6) ** 0.85 * _noise(rng, 0.15)),
        ("report", 20 * _noise(rng, 0.15)),
    ]
    stages, total = _sequence(parts)
    return {"total": total, "stages": stages, "size": size}


def bare_total_by_size(rng: random.Random, index: int) -> Run:
    """No stages at all: a total that grows with the size."""
    del index
    size = math.exp(rng.gauss(3.0, 0.8))
    return {"total": (10 + 2 * size) * _noise(rng, 0.12), "stages": [], "size": size}


def parallel_lanes(rng: random.Random, index: int) -> Run:
    """Four lanes side by side, five tasks in each; the slowest lane is mostly, not always, the same."""
    del index
    stages: list[Stage] = []
    total = 0.0
    for lane, base in enumerate((20.0, 24.0, 26.0, 28.0)):
        now, pace = rng.random() * 3, _noise(rng, 0.08)
        for task in range(5):
            seconds = base * pace * _noise(rng, 0.1)
            stages.append(_stage(f"lane-{lane}/task-{task}", now, seconds))
            now += seconds
        total = max(total, now)
    return {"total": total, "stages": stages}


def heavy_tail(rng: random.Random, index: int) -> Run:
    """One stage in the middle with a Pareto tail (index 1.5)."""
    del index
    parts = [
        ("prepare", 30 * _noise(rng, 0.1)),
        ("fetch", 30 * rng.paretovariate(1.5)),
        ("work", 60 * _noise(rng, 0.1)),
    ]
    stages, total = _sequence(parts)
    return {"total": total, "stages": stages}


def cached_or_not(rng: random.Random, index: int) -> Run:
    """Two ways through: a cache that hits two times in three makes the build short."""
    del index
    hit = rng.random() < 2 / 3
    parts = [
        ("restore", 8 * _noise(rng, 0.1)),
        ("build", (40 if hit else 240) * _noise(rng, 0.08)),
        ("test", 90 * _noise(rng, 0.08)),
    ]
    stages, total = _sequence(parts)
    return {"total": total, "stages": stages}


def level_shift(rng: random.Random, index: int) -> Run:
    """A pipeline that becomes twice as fast at the 90th run."""
    pace = 0.5 if index >= 90 else 1.0
    parts = [(name, pace * mean * _noise(rng, 0.08)) for name, mean in (("a", 60), ("b", 200), ("c", 40))]
    stages, total = _sequence(parts)
    return {"total": total, "stages": stages}


def sizes_not_always_said(rng: random.Random, index: int) -> Run:
    """Three runs in ten do not say their size, which spans two orders of magnitude."""
    del index
    size = 10 ** rng.uniform(0, 2)
    parts = [("in", 2 * _noise(rng, 0.2)), ("work", 5 * size * _noise(rng, 0.15)), ("out", 3 * _noise(rng, 0.2))]
    stages, total = _sequence(parts)
    run: Run = {"total": total, "stages": stages}
    return run if rng.random() < 0.3 else {**run, "size": {"bytes": size * 1e6}}


def shift_under_size(rng: random.Random, index: int) -> Run:
    """Twice as slow from the 95th run on, which the size hides."""
    size, pace = 10 ** rng.uniform(0, 1.5), 2.2 if index >= 95 else 1.0
    parts = [("in", 5 * _noise(rng, 0.2)), ("work", 8 * pace * size * _noise(rng, 0.12)), ("out", 5 * _noise(rng, 0.2))]
    stages, total = _sequence(parts)
    return {"total": total, "stages": stages, "size": {"n": size}}


def fixed_part(rng: random.Random, index: int) -> Run:
    """A set-up that takes as long as the work of a run of medium size."""
    del index
    size = 10 ** rng.uniform(0, 3)
    stages, total = _sequence([("setup", 100 * _noise(rng, 0.08)), ("work", size * _noise(rng, 0.08))])
    return {"total": total, "stages": stages, "size": size}


def irrelevant_numbers(rng: random.Random, index: int) -> Run:
    """A seed and a port, on which nothing depends."""
    del index
    stages, total = _sequence([("a", 30 * _noise(rng, 0.15)), ("b", 60 * _noise(rng, 0.15))])
    return {"total": total, "stages": stages, "size": {"seed": rng.randrange(2**31), "port": rng.randint(1, 65535)}}


def drifting_epochs(rng: random.Random, index: int) -> Run:
    """Forty epochs, a third of a percent slower with every run."""
    pace = 60 * (1 + 0.003 * index) * _noise(rng, 0.04)
    parts = [("load", 60 * _noise(rng, 0.2)), *((f"epoch-{n}", pace * _noise(rng, 0.02)) for n in range(1, 41))]
    stages, total = _sequence(parts)
    return {"total": total, "stages": stages, "size": {"epochs": 40}}


FAMILIES: dict[str, Callable[[random.Random, int], Run]] = {
    family.__name__.replace("_", "-"): family
    for family in (
        epochs_with_shift,
        epochs_of_any_number,
        image_generation,
        workflow_by_input,
        bare_total_by_size,
        parallel_lanes,
        heavy_tail,
        cached_or_not,
        level_shift,
        sizes_not_always_said,
        shift_under_size,
        fixed_part,
        irrelevant_numbers,
        drifting_epochs,
    )
}


def runs(count: int = RUNS) -> Iterator[Run]:
    """All families, `count` runs of each, in order of time within a family."""
    for name, family in FAMILIES.items():
        rng = random.Random(name)
        for index in range(count):
            yield {"kind": f"synthetic/{name}", "started": index * DAY, **family(rng, index)}
