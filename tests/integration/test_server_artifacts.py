"""Artifacts over HTTP: whole or not at all, and the run's own, whoever says so."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from headway.server import Settings, create_app
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT
from tests.integration.serving import client, problem, raw, serving


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder that has the content, and the server's URL."""
    store = SqliteEventStore(tmp_path_factory.mktemp("artifacts") / "log.db")
    with serving(create_app(store, settings=Settings(artifact_bytes=3_000_000))) as url:
        yield store.path.with_name("log.db-artifacts"), url
    store.close()


@pytest.fixture
def folder(place: tuple[Path, str]) -> Path:
    return place[0]


@pytest.fixture
def url(place: tuple[Path, str]) -> str:
    return place[1]


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with client(url) as http:
        yield http


@pytest.fixture
def run(http: httpx.Client) -> str:
    """A run that is there, and nobody's."""
    return str(http.post("/runs", json={"kind": "sample"}).json()["state"]["run_id"])


def report(http: httpx.Client, run: str, type_: str, **data: Any) -> None:
    events = [{"at": AT, "type": type_, "data": data}]
    http.post(f"/runs/{run}/events", json={"reporter": "r", "first": 1, "events": events}).raise_for_status()


def digest(content: bytes) -> dict[str, str]:
    return {"Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"}


def test_artifacts_are_stored_as_they_come(http: httpx.Client, run: str) -> None:
    content = bytes(range(256)) * 8_000
    path = f"/runs/{run}/artifacts/out/x.bin"

    def pieces() -> Iterator[bytes]:
        for begin in range(0, len(content), 65_537):
            yield content[begin : begin + 65_537]

    stored = http.put(path, content=pieces(), headers=digest(content))
    assert stored.status_code == 201
    assert stored.json() == {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    assert http.get(path).content == content
    assert http.put(f"/runs/{run}/artifacts/empty", content=b"").json()["size"] == 0
    assert http.get(f"/runs/{run}/artifacts/empty").content == b""


def test_who_puts_an_artifact_makes_it_the_runs(http: httpx.Client, run: str) -> None:
    path = f"/runs/{run}/artifacts/a.txt"

    def put(content: bytes, **headers: str) -> None:
        assert http.put(path, content=content, headers=headers).status_code == 201

    put(b"a", **{"Content-Type": "text/plain; charset=utf-8"})
    put(b"a", **{"Content-Type": "text/html"})
    put(b"b")
    put(b"a", **{"Content-Type": "no type"})
    state = http.get(f"/runs/{run}").json()["state"]
    assert state["seq"] == 4, "the same content again is nothing new"
    (shown,) = state["artifacts"]
    said = http.get(f"/runs/{run}/events").json()["events"][1:]
    assert [each["data"].get("media_type") for each in said] == ["text/plain; charset=utf-8", None, None]
    assert shown["sha256"] == said[0]["data"]["sha256"] == hashlib.sha256(b"a").hexdigest()
    assert http.get(path).text == "a"


def test_of_those_who_put_the_same_at_once_one_says_it(http: httpx.Client, run: str, url: str) -> None:
    together = threading.Barrier(4)

    def put() -> None:
        with client(url) as other:
            together.wait()
            for number in range(5):
                other.put(f"/runs/{run}/artifacts/a", content=b"%d" % number).raise_for_status()
                together.wait()

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert http.get(f"/runs/{run}").json()["state"]["seq"] == 1 + 5


def test_a_reporter_may_say_itself_that_there_is_an_artifact(http: httpx.Client, run: str) -> None:
    path = f"/runs/{run}/artifacts/a"
    stored = http.put(path, content=b"abc", params={"event": "false"})
    assert (stored.status_code, stored.json()["size"]) == (201, 3)
    problem(http.get(path), 404, "not-found")
    report(http, run, "artifact", name="a", **stored.json())
    assert http.get(path).content == b"abc"
    problem(http.put("/runs/on-its-way/artifacts/early", content=b"x"), 404, "not-found")
    early = http.put("/runs/on-its-way/artifacts/early", content=b"x", params={"event": "false"})
    assert early.status_code == 201
    problem(http.put(path, content=b"x", params={"event": "no"}), 400, "invalid")


def test_artifacts_that_are_refused_leave_nothing(http: httpx.Client, run: str, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    path = f"/runs/{run}/artifacts/x"
    problem(http.put(path, content=b"abc", headers=digest(b"abd")), 400, "digest-mismatch")
    problem(http.put(path, content=b"x" * 3_000_001), 413, "body-too-large")
    problem(http.put(path, content=iter([b"x" * 1_000_000] * 4)), 413, "body-too-large")
    problem(http.put(f"/runs/{run}/artifacts/a//b", content=b"x"), 400, "invalid-name")
    report(http, run, "run.completed")
    problem(http.put(path, content=b"x"), 409, "ended")
    assert sorted(folder.rglob("*")) == before


def test_an_upload_that_breaks_off_leaves_nothing(http: httpx.Client, run: str, url: str, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    head = f"PUT /api/v1/runs/{run}/artifacts/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n"
    raw(url, head.encode() + b"x" * 600_000, until=lambda _: True)
    assert http.get("/runs").status_code == 200
    assert sorted(folder.rglob("*")) == before
