"""Judge the estimator of remaining time on real runs: `python -m benchmarks.eta`.

Prints a table per kind and overall with all comparisons, the turns of the shown time, the cost of an estimate, and the
made-up families; writes the plots beside the document that explains the method.
"""

import argparse
from collections.abc import Callable
from json import dumps
from pathlib import Path

from benchmarks.eta import cost, rules, synthetic
from benchmarks.eta.plot import Chart
from headway.progress.remaining import Estimator, estimator
from headway.testing.eta.judge import judged
from headway.testing.eta.replay import Replay, load, replays
from headway.testing.eta.table import table
from headway.testing.eta.tally import MOMENTS, Tally, average, percentile, share

HERE = Path(__file__).parent
DATA = HERE / "data" / "github-actions.jsonl.gz"
PLOTS = HERE.parent.parent / "docs" / "explanation"
OURS = "headway"

Tallies = dict[str, Tally]


def tallied(kinds: dict[str, list[Replay]], make: Callable[[], Estimator], *, clock: bool = False) -> Tallies:
    """The tally of each kind and, first, of all."""
    each = dict(judged(kinds, make, clock=clock))
    overall = Tally()
    for tally in each.values():
        overall.add(tally)
    return {"overall": overall, **each}


def goals(tally: Tally, plain: Tally) -> list[str]:
    """Each figure that was asked for, and what was reached."""
    submit, off = percentile(tally.submit, 0.5), share(error > 1 for error in tally.submit)
    wanted = [
        ("median error at submission", submit, "≤", 0.052),
        ("error above the true total at submission", off, "≤", 0.03),
        *(
            (f"median error at {moment:.0%}", percentile(tally.at[moment], 0.5), "≤", limit)
            for moment, limit in zip(MOMENTS, (0.038, 0.037, 0.034), strict=True)
        ),
        ("90th percentile of the error at 50%", percentile(tally.at[0.5], 0.9), "≤", 0.21),
        *((f"within 20 % at 50%, from {window}", share(hits), "≥", 0.85) for window, hits in tally.cold.items()),
        ("coverage, two or three runs", share(tally.few), "≥", 0.70),
        ("coverage, five runs or more: at least", share(tally.many), "≥", 0.75),
        ("coverage, five runs or more: at most", share(tally.many), "≤", 0.85),
    ]
    lines = [_goal(*line) for line in wanted]
    for name, ours, theirs in (
        ("turns per run as shown, below the mean of three", tally.reversals, plain.reversals),
        ("turns per run of the estimates themselves", tally.raw, plain.raw),
    ):
        lines.append(_fewer(name, average(ours), average(theirs)))
    zero = tally.negative + tally.steps_back
    lines.append(
        f"{'negative estimates, steps back of the bar':<46}{zero:>8}  = 0     {'reached' if not zero else 'MISSED'}"
    )
    return lines


def _goal(name: str, value: float | None, sign: str, limit: float) -> str:
    assert value is not None
    reached = value <= limit if sign == "≤" else value >= limit
    return f"{name:<46}{100 * value:>7.2f}%  {sign} {100 * limit:.1f}%  {'reached' if reached else 'MISSED'}"


def _fewer(name: str, ours: float | None, theirs: float | None) -> str:
    assert ours is not None
    assert theirs is not None
    return f"{name:<46}{ours:>8.2f}  < {theirs:.2f}  {'reached' if ours < theirs else 'MISSED'}"


def plots(all_tallies: dict[str, Tallies]) -> dict[str, Chart]:
    """The three plots of the document, by file name."""
    percent = [(value / 100, f"{value} %") for value in (0, 20, 40, 60, 80, 100)]
    errors = Chart(
        "Error at half of the run: share of runs with at most that error",
        "error, as a share of the true total",
        "share of runs",
        [(value / 100, f"{value} %") for value in (0, 10, 20, 30, 40, 50)],
        percent,
    )
    moments = Chart(
        "Median error as the run goes on",
        "moment of the estimate",
        "median error, share of the true total",
        [(0, "submission"), (0.25, "25 %"), (0.5, "50 %"), (0.75, "75 %")],
        [(value / 100, f"{value} %") for value in (0, 2, 4, 6, 8, 10)],
    )
    for name, tallies in all_tallies.items():
        tally = tallies["overall"]
        own = sorted(tally.at[0.5])
        errors.line(name, [(error, (rank + 1) / len(own)) for rank, error in enumerate(own)])
        start = [(0.0, percentile(tally.submit, 0.5))] if tally.submit else []
        points = start + [(moment, percentile(tally.at[moment], 0.5)) for moment in MOMENTS]
        moments.line(name, [(x, y) for x, y in points if y is not None])
    return {"errors": errors, "moments": moments, "coverage": _coverage(all_tallies[OURS], percent)}


def _coverage(tallies: Tallies, percent: list[tuple[float, str]]) -> Chart:
    names = list(tallies)
    chart = Chart(
        "Coverage of the 80 % interval",
        "kind",
        "true times inside the interval",
        [(-0.5, ""), *((number, name[:10]) for number, name in enumerate(names)), (len(names) - 0.5, "")],
        percent,
        band=(0.75, 0.85),
    )
    for label, hits in (
        ("five runs or more", [share(tally.many) for tally in tallies.values()]),
        ("two or three runs", [share(tally.few) for tally in tallies.values()]),
    ):
        chart.dots(label, [(number, hit) for number, hit in enumerate(hits) if hit is not None])
    return chart


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eta", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the overall figures of every rule as JSON only")
    options = parser.parse_args()
    kinds = load(DATA)
    all_tallies = {OURS: tallied(kinds, estimator)}
    for name, make in rules.COMPARED.items():
        all_tallies[name] = tallied(kinds, make)
    if options.json:
        print(dumps({name: tallies["overall"].figures() for name, tallies in all_tallies.items()}))
        return
    _print(kinds, all_tallies)
    for name, chart in plots(all_tallies).items():
        (PLOTS / f"remaining-time-{name}.svg").write_text(chart.svg())


def _print(kinds: dict[str, list[Replay]], all_tallies: dict[str, Tallies]) -> None:
    for kind in all_tallies[OURS]:
        print(f"\n{kind}")
        print("\n".join(table({name: tallies[kind] for name, tallies in all_tallies.items()})))
    print("\nwhat was asked for, over all kinds")
    three = all_tallies["after last stage, mean of 3"]["overall"]
    print("\n".join(goals(all_tallies[OURS]["overall"], three)))
    print("\n" + "\n".join(cost.lines()))
    print("\nthe same with only those runs known that had ended by the clock")
    print("\n".join(table({OURS: tallied(kinds, estimator, clock=True)["overall"]})))
    print("\nmade-up families (no evidence about real jobs)")
    made_up = replays(dumps(run) for run in synthetic.runs())
    print("\n".join(table(tallied(made_up, estimator))))
    plain = tallied(made_up, rules.COMPARED["after last stage, median of 30"])
    print("\nthe same by the best simple rule (after last stage, median of 30)")
    print("\n".join(table(plain)))


if __name__ == "__main__":
    main()
