"""Runs all cases against a server, and says what became of each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

import httpx

from headway.errors import HeadwayError
from headway.testing.conformance import conversations, event_streams, signs, streams
from headway.testing.conformance.case import Outcome, load_cases
from headway.testing.conformance.requests import Broken, run_case

TIMEOUT_S = 30.0


async def check_server(url: str, *, token: str | None = None, rules: Collection[str] = ()) -> AsyncIterator[Outcome]:
    """What becomes of each case, one after the other.

    Args:
        url: The server, with the path under which it is mounted, if any.
        token: What it asks for, if anything.
        rules: Only the cases of these rules.

    Raises:
        httpx.TransportError: Nobody answers there.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    base = url.rstrip("/") + "/api/v1/"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=TIMEOUT_S) as http:
        await http.get("runs")
        for rule, cases in load_cases().items():
            for case in cases if not rules or rule in rules else ():
                yield await _outcome(rule, case.name, run_case(http, case))
        for rule, name, check in (*streams.CHECKS, *conversations.CHECKS, *event_streams.CHECKS, *signs.CHECKS):
            if not rules or rule in rules:
                yield await _outcome(rule, name, check(streams.Server(http, url, token)))


async def _outcome(rule: str, name: str, work: streams.Work) -> Outcome:
    try:
        await work
    except Broken as broken:
        return Outcome(rule, name, str(broken))
    except (HeadwayError, httpx.HTTPError, OSError, TimeoutError) as error:
        return Outcome(rule, name, f"{type(error).__name__}: {error}")
    return Outcome(rule, name, None)
