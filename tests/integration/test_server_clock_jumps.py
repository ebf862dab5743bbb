"""A server whose wall clock jumps an hour, both ways, at every look: watchers see it in displayed times only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

import headway
from headway.protocol import times
from headway.stores.sqlite import SqliteEventStore
from tests.integration.jobs import lease_until, until
from tests.integration.server_process import ServerProcess, server_process
from tests.integration.serving import client
from tests.integration.watching import Frame, frames_of, seqs, stream, watcher
from tests.unit.reporter.flaky import events_of, types_of

JUMPING = """
import itertools, sys, time

true_time, ahead = time.time, itertools.cycle((3600.0, -3600.0))
time.time = lambda: true_time() + next(ahead)

from headway.hub.settings import HubSettings
from headway.server import Settings, serve

hub = HubSettings(heartbeat_s=0.2, tick_s=0.1, list_s=0.1, sweep_s=0.1)
serve(f"sqlite:///{sys.argv[1]}", port=int(sys.argv[2]), settings=Settings(hub=hub))
"""

AN_HOUR_S = 3_000.0
"""What nothing here takes, and a clock that jumps an hour makes of anything."""


LEASE_S = "6"
"""Renewed every two seconds; a starved machine lets no job wait for six."""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADWAY_LEASE_S", LEASE_S)
    return tmp_path / "log.db"


@contextmanager
def working(server: ServerProcess) -> Iterator[headway.Run]:
    """A job that reports all the time, with a plan that makes an estimate possible."""
    enough = threading.Event()
    plan = {"work": headway.Planned(weight=1, expect=60.0)}
    with headway.run("job", run_id="run", target=server.url, plan=plan) as run:

        def work() -> None:
            with run.stage("work") as stage:
                while not enough.wait(0.02):
                    stage.advance()

        worker = threading.Thread(target=work)
        worker.start()
        try:
            yield run
        finally:
            enough.set()
            worker.join()


def views(frames: list[Frame]) -> list[dict[str, Any]]:
    return [frame["view"] for frame in frames if "view" in frame]


def check(views: list[dict[str, Any]]) -> None:
    """Nobody has to be shown a time that cannot be."""
    assert views
    for view in views:
        assert view["elapsed"] is None or view["elapsed"] >= 0.0
        if view["eta"] is not None:
            assert view["eta"]["remaining"] > 0.0
            assert 0.0 < view["eta"]["low"] <= view["eta"]["remaining"] <= view["eta"]["high"]


def spread(moments: list[str]) -> float:
    """Between the first and the last of some times."""
    found = [times.to_unix(moment) for moment in moments]
    return max(found) - min(found)


@pytest.mark.parametrize("mode", ["all", "paced"])
def test_watchers_get_everything_in_order_with_ticks_and_heartbeats(path: Path, mode: str) -> None:
    with server_process(path, program=JUMPING) as server, watcher(server.url) as ws:
        with working(server) as run, stream(server.url, f"/runs/run/stream?after=0&mode={mode}") as told:
            assert run.flush(60)
            ws.say("watch", run_id="run", after="0", mode=mode)
            count = iter(range(50))
            frames = ws.until(lambda frame: frame["type"] == "events" and next(count) == 30)
            streamed = [frame for _, (_, frame) in zip(range(30), frames_of(told), strict=False)]
            with client(server.url) as http:
                for _ in range(10):
                    frames.append(http.get("/runs/run").json())
                    frames += http.get("/runs").json()["runs"]
        frames += ws.until(lambda frame: frame["type"] == "end")
        ws.say("watch", run_id="never")
        ws.hear("heartbeat")
    shown = views(frames + streamed)
    check(shown)
    assert any(view["eta"] for view in shown)
    with closing(SqliteEventStore(path)) as store:
        log = events_of(store)
    came = seqs([frame for frame in frames if "type" in frame])
    assert came == sorted(set(came))
    assert set(came) == {event.seq for event in log} if mode == "all" else {log[-1].seq} <= set(came)
    assert "run.lost" not in {event.type for event in log}


def test_ticks_go_on_while_nothing_happens(path: Path) -> None:
    with server_process(path, program=JUMPING) as server, watcher(server.url) as ws:
        with headway.run("job", run_id="run", target=server.url, plan={"work": 1}) as run, run.stage("work"):
            assert run.flush(60)
            ws.say("watch", run_id="run")
            ticks = [ws.hear("tick") for _ in range(20)]
        check(views(ticks))
        assert spread([tick["view"]["now"] for tick in ticks]) > AN_HOUR_S, "it did jump"


def test_nothing_times_out_because_of_it(path: Path) -> None:
    """A poll that is held, a run that is waited for, a lease that is renewed: all are there an hour later."""
    with server_process(path, program=JUMPING) as server, watcher(server.url) as ws:
        ws.say("watch", run_id="late", mode="all")
        ws.hear("waiting")
        with (
            headway.run("job", run_id="run", target=server.url) as run,
            client(server.url) as http,
            closing(SqliteEventStore(path)) as store,
        ):
            assert run.flush(60)
            cursor = http.get("/runs/run").json()["cursor"]
            answers: list[Any] = []
            query = {"after": cursor, "wait": 50, "types": "x.said"}
            asking = threading.Thread(target=lambda: answers.append(http.get("/runs/run/events", params=query).json()))
            asking.start()
            beats = [ws.hear("heartbeat", "problem") for _ in range(10)]
            assert {beat["type"] for beat in beats} == {"heartbeat"}
            assert spread([beat["at"] for beat in beats]) > AN_HOUR_S, "it did jump"
            assert answers == []
            lease = lease_until(path)
            until(lambda: lease_until(path) > lease, "a renewal")
            run.emit("x.said", {})
            asking.join()
            assert [event["type"] for event in answers[0]["events"]] == ["x.said"]
            http.post("/runs", json={"run_id": "late", "kind": "k"}).raise_for_status()
            assert ws.hear("events", "problem")["events"][0]["type"] == "run.created"
        with closing(SqliteEventStore(path)) as store:
            assert "run.lost" not in types_of(store, "run")
