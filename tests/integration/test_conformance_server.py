"""The black-box suite: our server keeps every case, and one that breaks a rule is found out."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from headway.hub.settings import HubSettings
from headway.server import Settings, create_app
from headway.stores.sqlite import SqliteEventStore
from headway.testing.conformance import Outcome, check_server, conversations, event_streams, load_cases, signs
from headway.testing.conformance.requests import Broken
from headway.testing.conformance.streams import Server
from tests.integration.breaking import FAULTS, Fault, breaking
from tests.integration.serving import serving, serving_directly

BEATING = Settings(hub=HubSettings(heartbeat_s=1.0))
"""So that the cases need not wait long for a heartbeat."""

FROM_OUTSIDE = (*conversations.CHECKS, *event_streams.CHECKS, *signs.CHECKS)


def outcomes(url: str, *rules: str) -> list[Outcome]:
    async def checked() -> list[Outcome]:
        return [outcome async for outcome in check_server(url, rules=rules)]

    return asyncio.run(checked())


@pytest.fixture(scope="module", params=[serving, serving_directly], ids=["any-asgi-server", "our-own"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = SqliteEventStore(tmp_path_factory.mktemp("conformance") / "log.db")
    with request.param(create_app(store, settings=BEATING)) as url:
        yield url
    store.close()


def test_our_server_keeps_every_case(url: str) -> None:
    found = outcomes(url)
    assert [outcome for outcome in found if outcome.fault] == []
    assert len(found) > sum(len(cases) for cases in load_cases().values()), "streams are among them"


def test_the_command_prints_a_table(url: str) -> None:
    command = [sys.executable, "-m", "headway.testing.conformance", url, "--rule", "order", "--rule", "limits"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "limits          11 of  11  ok",
        "order            2 of   2  ok",
        "13 of 13 cases are kept",
    ]


def test_where_nobody_answers_there_is_no_table() -> None:
    command = [sys.executable, "-m", "headway.testing.conformance", "http://127.0.0.1:9"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (5, "")
    assert "does not answer" in done.stderr


Change = Callable[[dict[str, Any], Any], Any]


def drop_an_event(scope: dict[str, Any], body: Any) -> Any:
    """Of a page of events, the second is missing."""
    if isinstance(body, dict) and len(body.get("events", ())) > 1 and scope["method"] == "GET":
        del body["events"][1]
    return body


def accept_again(scope: dict[str, Any], body: Any) -> Any:
    """A batch that comes twice is said to be new each time."""
    if isinstance(body, dict) and body.get("accepted") == 0:
        body["accepted"] = 3
    return body


def no_code(_scope: dict[str, Any], body: Any) -> Any:
    """Problems without their code."""
    if isinstance(body, dict):
        body.pop("code", None)
    return body


@pytest.mark.parametrize(
    ("change", "rule"), [(drop_an_event, "order"), (accept_again, "idempotency"), (no_code, "errors")]
)
def test_a_server_that_breaks_a_rule_is_found_out(tmp_path: Path, change: Change, rule: str) -> None:
    store = SqliteEventStore(tmp_path / "log.db")
    app = create_app(store)

    async def changed(scope: dict[str, Any], receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        start: MutableMapping[str, Any] = {}
        body = b""

        async def altered(message: MutableMapping[str, Any]) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            if b"json" in dict(start["headers"]).get(b"content-type", b""):
                body = json.dumps(change(scope, json.loads(body))).encode()
            headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        await app(scope, receive, altered)

    with serving(changed) as url:
        broken = [outcome.rule for outcome in outcomes(url, rule) if outcome.fault]
    store.close()
    assert broken, "nobody noticed"


def test_every_case_of_a_stream_has_a_fault_to_find() -> None:
    assert {name for name, _ in FAULTS} == {name for _, name, _ in FROM_OUTSIDE}


@pytest.mark.parametrize(("name", "fault"), FAULTS, ids=[name for name, _ in FAULTS])
def test_every_case_of_a_stream_finds_a_server_that_breaks_it(tmp_path: Path, name: str, fault: Fault) -> None:
    store = SqliteEventStore(tmp_path / "log.db")
    (check,) = [check for _, found, check in FROM_OUTSIDE if found == name]

    async def checked(url: str) -> None:
        async with httpx.AsyncClient(base_url=f"{url}/api/v1/", timeout=30) as http:
            await check(Server(http, url, None))

    with serving(breaking(create_app(store, settings=BEATING), fault)) as url, pytest.raises(Broken):
        asyncio.run(checked(url))
    store.close()
