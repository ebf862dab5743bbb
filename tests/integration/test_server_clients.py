"""Clients that nobody here wrote: curl, Node's ``ws`` and ``eventsource``, a browser's own; and nginx in between.

``websockets`` and ``httpx-sse`` are what most other tests watch with.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser

import headway
from headway.hub.opening import open_run
from headway.hub.settings import HubSettings
from headway.server import Settings, create_app
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, completed, note
from tests.integration.browser import chromium
from tests.integration.nginx import NGINX, free_port, nginx
from tests.integration.serving import API, client, serving_directly
from tests.integration.watching import frames_of, seqs, stream, watcher
from tests.integration.ways import filled

CLIENTS = Path(__file__).parents[1] / "clients"

FRAME_TYPES = ["welcome", "waiting", "snapshot", "events", "tick", "end", "heartbeat", "notice", "problem"]
CLEANLY_CLOSED = {"type": "closed", "code": 1000, "wasClean": True}

QUICK = Settings(hub=HubSettings(heartbeat_s=1.0))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteEventStore]:
    store = SqliteEventStore(tmp_path / "log.db")
    yield store
    store.close()


@pytest.fixture(params=["straight", "behind nginx"])
def url(request: pytest.FixtureRequest, store: SqliteEventStore, tmp_path: Path) -> Iterator[str]:
    if request.param == "straight":
        with serving_directly(create_app(store, settings=QUICK)) as url:
            yield url
        return
    if NGINX is None:
        pytest.skip("needs nginx: scripts/debian installs it")
    # nginx passes on another Host than the page's, so that its origin is not the server's own.
    port = free_port()
    settings = msgspec.structs.replace(QUICK, origins=(f"http://127.0.0.1:{port}",))
    with serving_directly(create_app(store, settings=settings)) as url, nginx(url, tmp_path, port) as outer:
        yield outer


@pytest.fixture(scope="session")
def node_clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients and what they need."""
    folder = tmp_path_factory.mktemp("clients")
    shutil.copytree(CLIENTS, folder, dirs_exist_ok=True)
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node is not installed")
    install = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=110, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install the clients: {done.stderr[-200:]}")
    return folder


def live(store: SqliteEventStore, run: str) -> threading.Thread:
    """Somebody who reports a hundred notes, one by one, and the end."""

    def report() -> None:
        for n in range(100):
            store.append(batch(run, 11 + n, [note(f"live {n}")]))
        store.append(batch(run, 111, [completed()]))

    thread = threading.Thread(target=report)
    thread.start()
    return thread


def whole(frames: list[dict[str, Any]]) -> None:
    assert seqs(frames) == list(range(1, 113))
    assert [frame["type"] for frame in frames if frame["type"] == "end"] == ["end"]


def test_curl_reads_a_stream(url: str, store: SqliteEventStore) -> None:
    run = filled(store)
    command = ["curl", "-sSN", "--max-time", "60", f"{url}{API}/runs/{run}/stream?mode=all&after=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout is not None
        assert curl.stdout.readline() == "retry: 1000\n"
        thread = live(store, run)
        lines = curl.stdout.readlines()
    thread.join()
    assert curl.returncode == 0
    whole([json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")])


def test_curl_asks_for_http_2_and_reports(url: str, store: SqliteEventStore) -> None:
    command = ["curl", "-sS", "--http2", "--json", "@-", "--write-out", "%{http_code} ", f"{url}{API}/runs"]
    twice = [*command, "-o", "/dev/null", f"{url}{API}/runs", "-o", "/dev/null"]  # on one connection
    body = json.dumps({"kind": "sample", "run_id": "run", "meta": {"long": "x" * 50_000}})
    said = subprocess.run(twice, input=body, capture_output=True, text=True, timeout=60, check=True).stdout
    assert said == "201 200 "
    assert store.header("run").kind == "sample"


@pytest.mark.parametrize("kind", ["ws", "eventsource"])
def test_nodes_clients_watch(url: str, store: SqliteEventStore, node_clients: Path, kind: str) -> None:
    run = filled(store)
    command = ["node", "watch.mjs", kind, url, run]
    with subprocess.Popen(command, cwd=node_clients, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        assert json.loads(node.stdout.readline())["type"] == "welcome"
        thread = live(store, run)
        frames = [json.loads(line) for line in node.stdout]
    thread.join()
    assert node.returncode == 0
    whole(frames)
    closed = frames[-1]
    assert closed["type"] == "closed"
    assert (closed["code"], closed.get("protocol")) == ((1000, "headway.v1") if kind == "ws" else (204, None))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("kind", ["websocket", "eventsource"])
def test_a_browser_watches(url: str, store: SqliteEventStore, browser: Browser, kind: str) -> None:
    run = filled(store)
    with closing(browser.new_page()) as page:
        page.goto(f"{url}/healthz")
        threads: list[threading.Thread] = []
        page.once("console", lambda _: threads.append(live(store, run)))
        frames = page.evaluate((CLIENTS / "browser.js").read_text(), [kind, run, FRAME_TYPES])
    threads[0].join()
    whole(frames)
    assert frames[-1] == ({"type": "closed"} if kind == "eventsource" else CLEANLY_CLOSED)


def test_what_is_between_holds_nothing_back(url: str, store: SqliteEventStore) -> None:
    """One frame at a time: the next event is only said when the one before has arrived."""
    run = filled(store, 0)
    with stream(url, f"/runs/{run}/stream?mode=all&after=0") as events, watcher(url) as ws:
        ws.say("watch", run_id=run, mode="all", after="0")
        told = (frame for _, frame in frames_of(events) if frame["type"] == "events")
        assert (next(told)["to"], ws.hear("events")["to"]) == (1, 1)
        for n in range(20):
            store.append(batch(run, 1 + n, [note(str(n))]))
            assert (next(told)["to"], ws.hear("events")["to"]) == (n + 2, n + 2)


def test_what_is_between_sees_signs_of_life(url: str) -> None:
    with stream(url, "/runs/none/stream") as events, watcher(url) as ws:
        beats = (frame for _, frame in frames_of(events) if frame["type"] == "heartbeat")
        assert next(beats)["at"] < next(beats)["at"]
        assert ws.hear("heartbeat")["at"] < ws.hear("heartbeat")["at"]


def test_a_request_is_held_open(url: str, store: SqliteEventStore) -> None:
    run = filled(store, 0)
    cursor = str(store.header(run).cursor)
    answers: list[Any] = []

    def wait() -> None:
        with client(url) as http:
            answers.append(http.get(f"/runs/{run}/events", params={"after": cursor, "wait": 25}).json())

    thread = threading.Thread(target=wait)
    thread.start()
    store.append(batch(run, 1, [note("x")]))
    thread.join()
    assert [event["seq"] for event in answers[0]["events"]] == [2]


def test_a_job_reports(url: str, store: SqliteEventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also batches that are larger than what nginx takes by default, which is 1 MB: they are sent in smaller ones."""
    large = "x" * 50_000
    with headway.run("job", run_id="run", target=url) as run:
        for n in range(200):
            run.emit("x.n", {"n": n, "filling": large})
        assert run.artifact("small", b"x" * 900_000)
        assert run.flush(60)
    state = open_run(store, "run").state
    assert (state.status, state.dropped) == ("completed", {})
    assert state.seq > 200
