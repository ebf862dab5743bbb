"""`python -m headway.testing.eta`."""

import argparse
import json
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

from headway.errors import InvalidInput
from headway.hub.choosing import chosen_estimator
from headway.progress.remaining import Estimator
from headway.testing.eta.judge import judged, report
from headway.testing.eta.replay import load
from headway.testing.eta.table import table
from headway.testing.eta.tally import Tally


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m headway.testing.eta", description="Judge an estimator of remaining time by replaying runs."
    )
    parser.add_argument("file", type=Path, help="runs, one JSON object a line; may be gzipped")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, shares from 0 to 1")
    parser.add_argument(
        "--estimator", metavar="NAME", help="which one to judge: a name, ema:ALPHA or package.module:attribute"
    )
    parser.add_argument("--clock", action="store_true", help="know only runs that had ended by the clock")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 2 if the file cannot be read or is not of the form, or there is no such estimator."""
    options = _arguments(arguments)

    def make() -> Estimator:
        return chosen_estimator(options.estimator)

    try:
        make()
    except InvalidInput as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        kinds = load(options.file)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        sys.stderr.write(f"{options.file}: {error}\n")
        return 2
    if options.json:
        sys.stdout.write(json.dumps(report(kinds, make, clock=options.clock)) + "\n")
        return 0
    tallies = dict(judged(kinds, make, clock=options.clock))
    overall = Tally()
    for tally in tallies.values():
        overall.add(tally)
    sys.stdout.write("\n".join(table({"overall": overall, **tallies})) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
