"""What a call costs when reports go nowhere (``none:``).

``python -m benchmarks.silent [CALLS]``. Each figure is the fastest of several rounds, with the loop's own time taken
off; the machine may be busy with other things.
"""

from __future__ import annotations

import sys
import timeit
from math import inf

import headway

CALLS = 200_000
ROUNDS = 7
WANTED_NS = 100

REPORTS = (
    'run.log("line")',
    'run.emit("x.event", data)',
    'run.highlight("text")',
    'run.note("text")',
    'run.error("text", code="code")',
    'run.update(title="title")',
    "run.result(data)",
    "run.check()",
    "run.cancelled",
    "run.flush()",
    'run.screenshot(b"")',
    'run.artifact("name", b"")',
    "stage.advance()",
    "stage.update(progress=0.5)",
    'stage.update(current=1, total=2, message="text")',
    'stage.log("line")',
    'stage.degrade("reason")',
    'stage.complete("summary")',
    "finding.update(confidence=0.5)",
)

GIVING = (
    'run.finding("title")',
    'run.finding("title", severity="high", confidence=0.5)',
    'run.stage("name")',
    'run.stage("name", total=3, unit="item")',
    "stage.track(items)",
    "headway.current()",
    "headway.track(items)",
)

OTHERS = (
    "with stage: pass",
    'with run.stage("name"): pass',
    "for item in stage.track(items): pass",
    'headway.run("kind", target="none:")',
)


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    with headway.run("benchmark", target="none:") as run:
        stage = run.stage("name")
        finding = run.finding("title")
        names = {"run": run, "stage": stage, "finding": finding, "data": {"n": 1}, "items": (), "headway": headway}
        show(f"reports that go nowhere (goal: under {WANTED_NS} ns)", REPORTS, names, calls, WANTED_NS)
        show(f"calls that give something (goal: under {WANTED_NS} ns)", GIVING, names, calls, WANTED_NS)
        show("more than one call", OTHERS, names, calls // 10)


def show(title: str, statements: tuple[str, ...], names: dict[str, object], calls: int, goal: float = inf) -> None:
    print(title)
    loop = nanoseconds("pass", names, calls)
    for statement in statements:
        took = nanoseconds(statement, names, calls) - loop
        print(f"  {took:6.0f} ns  {statement}{'' if took < goal else '   over the goal'}")


def nanoseconds(statement: str, names: dict[str, object], calls: int) -> float:
    """One execution's time, in the fastest round."""
    return min(timeit.repeat(statement, globals=names, number=calls, repeat=ROUNDS)) / calls * 1e9


if __name__ == "__main__":
    main()
