"""Servers that die, stand still or are busy, wires that break: everything once and in order, and the job never hurt."""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from signal import SIGSTOP
from typing import Any

import msgspec
import pytest

import headway
from headway.errors import StoreUnavailable
from headway.hub.opening import open_run
from headway.reporter import backoff
from headway.reporter import run as run_module
from headway.reporter.http import connection, sink
from headway.reporter.http.endpoint import Endpoint
from headway.reporter.http.sink import HttpSink
from headway.server import create_app
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import new_run
from tests.integration.server_process import server_process
from tests.integration.serving import serving
from tests.integration.wire import wire
from tests.unit.reporter.flaky import events_of

KILLS = 100 if os.environ.get("HEADWAY_SOAK") else 6
SEEDS = 200 if os.environ.get("HEADWAY_SOAK") else 12


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(path)) as store:
        yield store


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER_S", 0.3)
    monkeypatch.setattr(connection, "CONNECT_S", 0.3)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "LONGEST_S", 0.1)
    monkeypatch.setattr(run_module, "FLUSH_S", 60.0)


def numbers(store: SqliteEventStore, run_id: str = "run") -> list[int]:
    """The numbers that the run said, in the log's order."""
    log = events_of(store, run_id)
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    return [msgspec.json.decode(event.data)["n"] for event in log if event.type == "x.n"]


def whole(store: SqliteEventStore, count: int, run_id: str = "run") -> None:
    """The run is here as a whole: each number once and in order, nothing lost, nothing after the end."""
    assert numbers(store, run_id) == list(range(count))
    state = open_run(store, run_id).state
    assert (state.status, state.dropped, state.progress) == ("completed", {}, 1.0)


def say(run: headway.Run, begin: int, end: int) -> None:
    for n in range(begin, end):
        run.emit("x.n", {"n": n})


@pytest.mark.timeout(600)
def test_a_server_that_is_killed_and_started_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "FLUSH_S", 60.0)
    dice, said = random.Random(5), 0
    with server_process(path) as server:
        with headway.run("job", run_id="run", target=server.url) as run, run.stage("a") as stage:
            for _ in range(KILLS):
                for _ in range(dice.randrange(20)):
                    say(run, said, said + 50)
                    said += 50
                    stage.advance()
                    threading.Event().wait(dice.random() * 0.005)
                server.kill()
                say(run, said, said + 10)
                said += 10
                server.start()
                if dice.random() < 0.3:
                    assert run.flush(60)
    with closing(SqliteEventStore(path)) as store:
        whole(store, said)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.usefixtures("hasty")
def test_a_wire_that_breaks_at_any_byte(store: SqliteEventStore, seed: int) -> None:
    with serving(create_app(store)) as url, wire(int(url.rpartition(":")[2]), seed) as between:
        between.breaks = 200_000
        with headway.run("job", run_id="run", target=f"http://127.0.0.1:{between.port}") as run:
            for begin in range(0, 600, 20):
                say(run, begin, begin + 20)
                run.log(f"line {begin}")
                if begin % 100 == 0:
                    run.flush(0.05)
                if begin == 300:
                    between.cut()
            assert run.flush(60)
            between.breaks = None
    assert between.connections > 3, "nothing was broken"
    whole(store, 600)


@pytest.mark.usefixtures("impatient")
def test_a_peer_that_is_gone_without_a_word(store: SqliteEventStore) -> None:
    with serving(create_app(store)) as url, wire(int(url.rpartition(":")[2])) as between:
        with headway.run("job", run_id="run", target=f"http://127.0.0.1:{between.port}") as run:
            say(run, 0, 10)
            assert run.flush(30)
            between.passing.clear()
            say(run, 10, 20)
            assert not run.flush(0.5)
            before = between.connections
            while between.connections < before + 2:
                threading.Event().wait(0.01)  # it gives up on the connection, and tries others
            between.passing.set()
            say(run, 20, 30)
            assert run.flush(30)
    whole(store, 30)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_stands_still(path: Path) -> None:
    with server_process(path) as server:
        with headway.run("job", run_id="run", target=server.url) as run:
            say(run, 0, 10)
            assert run.flush(30)
            server.signal(SIGSTOP)
            say(run, 10, 20)
            assert not run.flush(1.0)
            server.kill()
            server.start()
            assert run.flush(60)
    with closing(SqliteEventStore(path)) as store:
        whole(store, 20)


class Busy:
    """A server before another one, which does what its schedule says with each request.

    A number is a status to answer with, ``slow`` a while to wait before, ``late`` the same afterwards, None nothing.
    """

    def __init__(self, app: Any, schedule: list[int | str | None], headers: dict[str, str] | None = None) -> None:
        self.app = app
        self.schedule = schedule
        self.headers = headers or {}
        self.hold_s = 0.5

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_held = scope["type"] != "http" or scope["path"].endswith("/inbox")
        does = None if is_held or not self.schedule else self.schedule.pop(0)
        if isinstance(does, int):
            raw = [(name.encode(), value.encode()) for name, value in self.headers.items()]
            await send({"type": "http.response.start", "status": does, "headers": raw})
            await send({"type": "http.response.body", "body": b"<html>busy</html>"})
            return
        if does == "slow":
            await self._hold()
        await self.app(scope, receive, send if does != "late" else self._later(send))

    async def _hold(self) -> None:
        import asyncio

        await asyncio.sleep(self.hold_s)

    def _later(self, send: Any) -> Any:
        async def sending(message: Any) -> None:
            await self._hold()
            await send(message)

        return sending


@pytest.mark.usefixtures("hasty")
def test_a_server_that_is_busy_is_asked_again(store: SqliteEventStore, caplog: pytest.LogCaptureFixture) -> None:
    dice = random.Random(3)
    schedule: list[int | str | None] = [dice.choice([503, 502, 429, 500, 404, None, None, None]) for _ in range(60)]
    with serving(Busy(create_app(store), schedule)) as url:
        with headway.run("job", run_id="run", target=url) as run:
            for begin in range(0, 500, 10):
                say(run, begin, begin + 10)
                assert run.flush(60)
    whole(store, 500)
    assert schedule == []
    assert sum(record.levelno >= logging.WARNING for record in caplog.records) == 1, "one trouble is told once"


@pytest.mark.usefixtures("impatient")
def test_a_slow_server_is_waited_for_longer_and_longer(store: SqliteEventStore) -> None:
    busy = Busy(create_app(store), ["slow", "late"] * 20)
    with serving(busy) as url:
        with headway.run("job", run_id="run", target=url) as run:
            say(run, 0, 100)
            assert run.flush(60)
    assert len(busy.schedule) < 38
    whole(store, 100)


def test_a_server_that_asks_to_be_left_alone_is(store: SqliteEventStore) -> None:
    busy = Busy(create_app(store), [503], {"Retry-After": "50"})
    with serving(busy) as url:
        endpoint = Endpoint(url, None)
        with closing(HttpSink(endpoint)) as first, closing(HttpSink(endpoint)) as second:
            with pytest.raises(StoreUnavailable):
                first.create(new_run())
            assert 45 < endpoint.rests_for_s < 80
            with pytest.raises(StoreUnavailable, match="left alone"):
                second.create(new_run())
            endpoint.rest(0)
            second.create(new_run())


JOB = """
import sys, threading, headway
import headway.reporter.run as run_module
run_module.FLUSH_S = float(sys.argv[4])
with headway.run("job", run_id=sys.argv[1], target=sys.argv[2]) as run:
    for n in range(int(sys.argv[3])):
        run.emit("x.n", {"n": n})
    if sys.argv[1] == "second":
        run.flush(30)
        for thread in threading.enumerate():
            if thread.name == "headway-leftovers":
                thread.join(60)
"""


def perform(run_id: str, url: str, count: int, state: Path, flush_s: float) -> str:
    environment = {**os.environ, "XDG_STATE_HOME": str(state)}
    command = [sys.executable, "-c", JOB, run_id, url, str(count), str(flush_s)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_what_a_job_could_not_send_is_sent_by_the_next(path: Path, tmp_path: Path) -> None:
    with server_process(path, started=False) as server:
        said = perform("first", server.url, 12_000, tmp_path / "state", 2.0)
        assert said.count("wait until they can be stored") == 1
        assert said.count("kept on disk") == 1
        server.start()
        assert perform("second", server.url + "/", 10, tmp_path / "state", 30.0) == ""
    with closing(SqliteEventStore(path)) as store:
        whole(store, 12_000, "first")
        whole(store, 10, "second")
    assert not list((tmp_path / "state" / "headway" / "spool").iterdir())


def test_a_url_that_leads_elsewhere_hurts_no_job(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "FLUSH_S", 0.5)
    with serving(Busy(None, [404] * 10_000)) as url:
        with headway.run("job", run_id="run", target=url) as run, run.stage("a") as stage:
            done = [n * n for n in stage.track(range(1_000))]
    assert len(done) == 1_000
    assert "check the URL" in caplog.text


def test_an_artifact_waits_for_a_server_that_comes_back(path: Path, tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.write_bytes(os.urandom(1_000_000))
    with server_process(path) as server:
        with headway.run("job", run_id="run", target=server.url) as run:
            assert run.flush(30)
            server.kill()
            starting = threading.Timer(1.0, server.start)
            starting.start()
            assert run.artifact("content", content)
            starting.join()
    with closing(SqliteEventStore(path)) as store:
        assert [entry.name for entry in open_run(store, "run").state.artifacts] == ["content"]


def test_an_artifact_is_given_up_when_nobody_comes(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sink, "ARTIFACT_S", 0.2)
    monkeypatch.setattr(run_module, "FLUSH_S", 0.2)
    with server_process(path, started=False) as server:
        with headway.run("job", run_id="run", target=server.url) as run:
            assert not run.artifact("x", b"content")
    assert "was not stored" in caplog.text


def files(path: Path) -> list[Path]:
    """The store's file, and those beside it that belong to it."""
    return [each for each in path.parent.glob("log.db*") if each.is_file()]


def test_a_store_that_was_restored_gets_what_it_lacks(path: Path) -> None:
    """The server's file is replaced by yesterday's copy: what is gone for good is said, and the job goes on."""
    with server_process(path) as server:
        with headway.run("job", run_id="run", target=server.url) as run:
            say(run, 0, 100)
            assert run.flush(30)
            server.kill()
            copy = {each: each.read_bytes() for each in files(path)}
            server.start()
            say(run, 100, 200)
            assert run.flush(30)
            server.kill()
            for each in files(path):
                each.unlink()
            for each, content in copy.items():
                each.write_bytes(content)
            server.start()
            say(run, 200, 300)
            assert run.flush(60)
    with closing(SqliteEventStore(path)) as store:
        assert numbers(store) == [*range(100), *range(200, 300)]
        state = open_run(store, "run").state
        assert (state.status, state.dropped) == ("completed", {"lost": 100})
