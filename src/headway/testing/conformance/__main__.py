"""``python -m headway.testing.conformance URL``: a table of the protocol's rules, and whether the server keeps them."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from itertools import groupby

import httpx

from headway.protocol.url import shown_url
from headway.testing.conformance.case import Outcome
from headway.testing.conformance.runner import check_server


def main() -> int:
    """Check a server; 0 if it keeps all rules, 1 if not, 5 if nobody answers."""
    parser = argparse.ArgumentParser(prog="python -m headway.testing.conformance", description=__doc__)
    parser.add_argument("url", help="the server, such as http://127.0.0.1:8642")
    parser.add_argument("--token", default=os.environ.get("HEADWAY_TOKEN"), help="by default HEADWAY_TOKEN")
    parser.add_argument("--rule", action="append", default=[], help="only this rule; may be given several times")
    arguments = parser.parse_args()
    try:
        outcomes = asyncio.run(_outcomes(arguments.url, arguments.token, arguments.rule))
    except httpx.TransportError as error:
        sys.stderr.write(f"{shown_url(arguments.url)} does not answer: {error}\n")
        return 5
    sys.stdout.write(table(outcomes) + "\n")
    return int(any(outcome.fault for outcome in outcomes))


async def _outcomes(url: str, token: str | None, rules: list[str]) -> list[Outcome]:
    return [outcome async for outcome in check_server(url, token=token, rules=rules)]


def table(outcomes: list[Outcome]) -> str:
    """A line for each rule, and one for each case that is not kept."""
    lines = []
    in_order = sorted(outcomes, key=lambda outcome: outcome.rule)
    for rule, group in groupby(in_order, key=lambda outcome: outcome.rule):
        cases = list(group)
        broken = [case for case in cases if case.fault]
        lines.append(f"{rule:<14} {len(cases) - len(broken):>3} of {len(cases):>3}  {'broken' if broken else 'ok'}")
        lines += [f"    {case.name}: {case.fault}" for case in broken]
    kept = sum(not outcome.fault for outcome in outcomes)
    return "\n".join([*lines, f"{kept} of {len(outcomes)} cases are kept"])


if __name__ == "__main__":
    sys.exit(main())
