"""What a call costs when reports go nowhere (``none:``).

``python -m benchmarks.silent [CALLS]``. Each figure is the fastest of several rounds, with the loop's own time taken
off; the machine may be busy with other things.
"""

from __future__ import annotations

import sys
import timeit

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

OBJECTS = (
    'run.finding("title")',
    'run.finding("title", severity="high", confidence=0.5)',
    'run.stage("name")',
    'run.stage("name", total=3, unit="item")',
    "stage.track(items)",
    "with stage: pass",
    "headway.current()",
)


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    run = headway.run("benchmark", target="none:")
    stage = run.stage("name")
    names = {"run": run, "stage": stage, "finding": run.finding("x"), "data": {"n": 1}, "items": (), "headway": headway}
    loop = nanoseconds("pass", names, calls)
    print(f"reports that go nowhere (wanted: {WANTED_NS} ns)")
    for statement in REPORTS:
        print(f"  {nanoseconds(statement, names, calls) - loop:6.0f} ns  {statement}")
    print("calls that give an object, and blocks")
    for statement in OBJECTS:
        print(f"  {nanoseconds(statement, names, calls) - loop:6.0f} ns  {statement}")


def nanoseconds(statement: str, names: dict[str, object], calls: int) -> float:
    """One execution's time, in the fastest round."""
    return min(timeit.repeat(statement, globals=names, number=calls, repeat=ROUNDS)) / calls * 1e9


if __name__ == "__main__":
    main()
