"""Summarise a video from its transcript: ``python -m workloads.video [FILE_OR_URL]``."""

import argparse
import os
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

import headway
from headway.hub.history import Histories
from headway.hub.viewing import Viewer
from headway.progress.remaining import estimator
from headway.progress.view import view
from headway.targets import default_url, open_store
from workloads.video import source
from workloads.video.display import Display, Viewed
from workloads.video.job import ARTIFACT, BAD_INPUT, KIND, PLAN, Outcome, summarise
from workloads.video.problem import InputProblem
from workloads.video.screen import has_screen, watched

MISSION = Path(__file__).parent / "data" / "apollo-11-mission.vtt"
OUT = Path("build") / "video-summary"
# How much of the summary is shown at the end.
BEGINNING = 16

FAILED, CANCELLED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job with its progress in the terminal; the exit code."""
    options = _options(arguments)
    try:
        # before the work: a place that cannot be written to should not cost minutes
        options.out.mkdir(parents=True, exist_ok=True)
        run = headway.run(KIND, title=source.name(options.source), plan=PLAN)
        outcome = _summarise(run, options.source, options.out, quiet=options.quiet)
    except (InputProblem, OSError, headway.HeadwayError) as problem:
        print(f"video: {problem}", file=sys.stderr)
        return CANCELLED if isinstance(problem, headway.Cancelled) else FAILED
    except KeyboardInterrupt:
        print("video: cancelled", file=sys.stderr)
        return CANCELLED
    if not options.quiet:
        print(_closing(outcome))
    kept = f", and as artifact {ARTIFACT} of run {run.id}" if outcome.kept else ""
    print(f"Kept: {outcome.path}{kept}")
    if outcome.kept and not options.quiet:
        print(_again(run.id))
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


def _summarise(run: headway.Run, location: str, out: Path, *, quiet: bool) -> Outcome:
    def work() -> Outcome:
        with run:
            try:
                return summarise(run, location, out)
            except InputProblem as problem:
                # in words for everybody: of an exception that leaves the run, watchers learn only the type
                run.fail(str(problem), code=BAD_INPUT)
                failed = problem
        raise failed

    if not quiet and default_url() != "none:" and has_screen():
        return watched(run.id, work)
    with nullcontext() if quiet else Display(run, sys.stdout, _viewed()):
        return work()


def _viewed() -> Viewed:
    """What adds the times to the run's state: with the history of earlier runs, if there is a store that has it."""
    store = open_store()
    if store is None:
        return lambda state: view(state, time.time(), None)
    viewer = Viewer(Histories(store, time.monotonic), estimator())
    return lambda state: viewer.view(state, time.time())


def _closing(outcome: Outcome) -> str:
    with outcome.path.open(encoding="utf-8") as file:
        beginning = "".join(islice(file, BEGINNING)).rstrip()
    verdict = outcome.verdict
    rows = (("this summary", verdict.summary), ("the first as many", verdict.first), ("random ones", verdict.drawn))
    figures = [f"{name:<18} coverage {of.coverage:.3f}  redundancy {of.redundancy:.3f}" for name, of in rows]
    return "\n".join(["", beginning, "...", "", *figures])


def _again(run_id: str) -> str:
    """What to type to look at it again: from here, and whichever store it is in."""
    beside = Path(sys.executable).with_name("headway")
    command = "headway" if shutil.which("headway") else os.path.relpath(beside)
    url = ["--url", default_url()] if os.environ.get("HEADWAY_URL") else []
    shown = [
        shlex.join([command, *arguments, *url])
        for arguments in (["watch", run_id], ["replay", run_id], ["artifacts", run_id, "--get", ARTIFACT, "-o", "-"])
    ]
    return "\n".join(["", "Look at it again:", *(f"  {line}" for line in shown[:-1]), f"  {shown[-1]} | less"])


if __name__ == "__main__":
    sys.exit(main())
