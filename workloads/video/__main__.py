"""Summarise a video from its transcript: ``python -m workloads.video [FILE_OR_URL]``."""

import argparse
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from workloads.video import source
from workloads.video.display import Display
from workloads.video.job import ARTIFACT, KIND, PLAN, Outcome, summarise
from workloads.video.problem import InputProblem

import headway

MISSION = Path(__file__).parent / "data" / "apollo-11-mission.vtt"
OUT = Path("build") / "video-summary"
# How much of the summary is shown at the end.
BEGINNING = 16

FAILED, CANCELLED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job with its progress in the terminal; the exit code."""
    options = _options(arguments)
    try:
        run_id, outcome = _run(options.source, options.out, quiet=options.quiet)
    except (InputProblem, OSError) as problem:
        print(f"video: {problem}", file=sys.stderr)
        return FAILED
    except (KeyboardInterrupt, headway.Cancelled):
        print("video: cancelled", file=sys.stderr)
        return CANCELLED
    if not options.quiet:
        print(_closing(outcome))
    print(f"Kept: {outcome.path}, and as artifact {ARTIFACT} of run {run_id}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workloads.video", description=__doc__)
    parser.add_argument(
        "source",
        nargs="?",
        default=str(MISSION),
        metavar="FILE_OR_URL",
        help="a .vtt or .srt transcript (the eight days of Apollo 11)",
    )
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"where summary.md goes ({OUT})")
    parser.add_argument("--quiet", action="store_true", help="show no progress and only say where it is kept")
    return parser.parse_args(arguments)


def _run(location: str, out: Path, *, quiet: bool) -> tuple[str, Outcome]:
    run = headway.run(KIND, title=source.name(location), plan=PLAN)
    display = None if quiet else Display(run, sys.stdout)
    if display:
        display.start()
    try:
        with run:
            outcome = summarise(run, location, out)
    finally:
        if display:
            display.stop()
    return run.id, outcome


def _closing(outcome: Outcome) -> str:
    with outcome.path.open(encoding="utf-8") as file:
        beginning = "".join(islice(file, BEGINNING)).rstrip()
    verdict = outcome.verdict
    rows = (("this summary", verdict.summary), ("the first as many", verdict.first), ("random ones", verdict.drawn))
    figures = [f"{name:<18} coverage {of.coverage:.3f}  redundancy {of.redundancy:.3f}" for name, of in rows]
    return "\n".join(["", beginning, "...", "", *figures])


if __name__ == "__main__":
    sys.exit(main())
