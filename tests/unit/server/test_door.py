"""Who may come in."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from headway.server.door import Door, Guard, is_loopback


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]", "a.localhost"])
def test_names_of_the_machine_itself(name: str) -> None:
    assert is_loopback(name)


@pytest.mark.parametrize(
    "name",
    ["", "example.com", "localhost.example.com", "127.0.0.1.example.com", "0.0.0.0", "[::]", "2130706433", "::2"],
)
def test_other_names(name: str) -> None:
    assert not is_loopback(name)


async def inside(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def nothing() -> None:
    pass


def ask(method: str, headers: dict[str, str], kind: str = "http") -> tuple[Any, dict[str, str]]:
    """What the door says: the status (or the close code), and the headers."""
    door = Door(inside, Guard(["headway.example"], ["https://page.example"]), before=nothing)  # type: ignore[arg-type]
    said: list[Any] = []
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "method": method, "path": "/", "headers": raw, "query_string": b""}

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        said.append(message)

    anyio.run(door, scope, receive, send)
    first = said[0]
    told = {name.decode().lower(): value.decode() for name, value in first.get("headers", [])}
    return first.get("status", first.get("code")), told


@pytest.mark.parametrize("host", ["localhost:8642", "127.0.0.1", "[::1]:80", "headway.example", "HEADWAY.example:443"])
def test_a_known_host_is_let_in(host: str) -> None:
    assert ask("GET", {"host": host})[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost:80:80", "headway.example.evil.example", "", "evil\t"])
def test_another_host_is_refused(host: str) -> None:
    assert ask("GET", {"host": host})[0] == 403


def test_without_a_host_it_is_refused() -> None:
    assert ask("GET", {})[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_changes_something_must_not_come_from_another_page(method: str) -> None:
    at_home = {"host": "localhost:8642"}
    assert ask(method, at_home)[0] == 200
    assert ask(method, {**at_home, "origin": "http://localhost:8642"})[0] == 200
    assert ask(method, {**at_home, "origin": "https://page.example"})[0] == 200
    for origin in ("https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1:8642"):
        assert ask(method, {**at_home, "origin": origin})[0] == 403
    assert ask("GET", {**at_home, "origin": "https://evil.example"})[0] == 200


def test_a_websocket_must_not_come_from_another_page() -> None:
    at_home = {"host": "localhost:8642"}
    assert ask("GET", {**at_home, "origin": "https://evil.example"}, "websocket")[0] == 1008
    assert ask("GET", {**at_home, "origin": "http://localhost:8642"}, "websocket")[0] == 200
    assert ask("GET", {"host": "evil.example"}, "websocket")[0] == 1008


def test_an_allowed_page_may_read_and_no_other() -> None:
    asked = {"host": "localhost", "origin": "https://page.example"}
    assert ask("GET", asked)[1]["access-control-allow-origin"] == "https://page.example"
    assert ask("GET", asked)[1]["vary"] == "Origin"
    assert "access-control-allow-origin" not in ask("GET", {**asked, "origin": "https://evil.example"})[1]
    status, told = ask("OPTIONS", {**asked, "access-control-request-method": "DELETE"})
    assert status == 204
    assert "DELETE" in told["access-control-allow-methods"]
    assert "Authorization" in told["access-control-allow-headers"]
    evil = {**asked, "origin": "https://evil.example", "access-control-request-method": "DELETE"}
    assert "access-control-allow-methods" not in ask("OPTIONS", evil)[1]
    refused = ask("GET", {**asked, "host": "evil.example"})
    assert (refused[0], refused[1]["access-control-allow-origin"]) == (403, "https://page.example")
