"""``kill -9`` of the server in mid-flow, with reporters and watchers that come back: everything to everybody, once."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
from httpx_sse import SSEError
from websockets.exceptions import WebSocketException

import headway
from headway.protocol.events import Event, Priority
from headway.reporter import backoff
from headway.reporter import run as run_module
from headway.stores.sqlite import SqliteEventStore
from tests.integration.jobs import until
from tests.integration.server_process import ServerProcess, server_process
from tests.integration.watching import Trail, by_polls, by_stream, by_websocket, read_on
from tests.unit.reporter.flaky import events_of

KILLS = 500 if os.environ.get("HEADWAY_SOAK") else 6

RUNS = ("run", "other")
PRIORITIES: tuple[Priority, ...] = ("low", "medium", "high", "critical")
TROUBLE = (WebSocketException, SSEError, OSError, EOFError, httpx.HTTPError, KeyError)
"""What a watcher sees of a server that is killed."""


class Follower:
    """Somebody who watches runs until they have ended, stays connected until it is cut, and comes back.

    Attributes:
        trails: Of the runs.
        cuts: Connections that were cut when something had come over them.
    """

    def __init__(self, server: ServerProcess, trails: list[Trail], watch: Callable[[], object]) -> None:
        self.trails = trails
        self.cuts = 0
        self._failure: BaseException | None = None
        self._server = server
        self._watch = watch
        self._thread = threading.Thread(target=self._follow, daemon=True)  # of a test that fails, too
        self._thread.start()

    @property
    def is_live(self) -> bool:
        """Whether it has got something since it was last cut, or needs nothing more."""
        if self._failure is not None:
            raise self._failure  # it has seen what no server may do
        return any(trail.live for trail in self.trails) or self.has_all

    @property
    def has_all(self) -> bool:
        """Whether it has seen the ends."""
        return all(trail.ended for trail in self.trails)

    def _follow(self) -> None:
        while not self.has_all:
            try:
                self._watch()
            except TROUBLE:
                self.cuts += self.is_live
                for trail in self.trails:
                    trail.live = False
                self._server.up.wait()  # to try all the time would keep it from starting
            except BaseException as error:
                self._failure = error
                raise

    def wait(self) -> list[Trail]:
        """What it has got, when it has seen the ends."""
        self._thread.join()
        return self.trails


Way = Callable[[str, Trail, int | None], None]


def staying(server: ServerProcess, way: Way, mode: str = "all") -> Follower:
    """Somebody who keeps to one transport."""
    trail = Trail("run", mode)
    return Follower(server, [trail], lambda: way(server.url, trail, None))


def changing(server: ServerProcess) -> Follower:
    """Somebody who leaves by itself, too, and takes any transport."""
    trail, dice = Trail("run"), random.Random(9)
    ways: list[Way] = [by_websocket, by_stream, by_polls]
    return Follower(server, [trail], lambda: dice.choice(ways)(server.url, trail, dice.randrange(1, 20)))


def joined(server: ServerProcess, mode: str) -> Follower:
    """A browser that watches several runs by one stream: all that it takes along is the newest id."""
    trails = [Trail(run, mode) for run in RUNS]
    ids = ["0,0"]
    path = f"/stream?runs={','.join(RUNS)}&mode={mode}"
    return Follower(server, trails, lambda: read_on(server.url, path, ids, trails))


@pytest.mark.timeout(3_000)
def test_everything_reaches_everybody_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "LONGEST_S", 0.2)
    monkeypatch.setattr(run_module, "FLUSH_S", 120.0)
    with server_process(tmp_path / "log.db") as server:
        with ExitStack() as stack:
            runs = [stack.enter_context(headway.run("job", run_id=run, target=server.url)) for run in RUNS]
            assert all(run.flush(60) for run in runs)
            followers = [
                *(staying(server, way) for way in (by_websocket, by_stream, by_polls)),
                *(staying(server, way, "paced") for way in (by_websocket, by_stream)),
                *(joined(server, mode) for mode in ("all", "paced")),
                changing(server),
            ]
            said = report_through_kills(server, runs, followers)
        found = [trail for follower in followers for trail in follower.wait()]
        assert all(follower.cuts >= KILLS for follower in followers[:-1]), "they were cut in mid-stream"
    with closing(SqliteEventStore(tmp_path / "log.db")) as store:
        logs = {run: events_of(store, run) for run in RUNS}
    for log in logs.values():
        assert [event.seq for event in log] == list(range(1, len(log) + 1))
        assert sum(event.type == "x.n" for event in log) == said
        assert log[-1].type == "run.completed"
    for trail in found:
        check(trail, logs[trail.run])


def report_through_kills(server: ServerProcess, runs: list[headway.Run], followers: list[Follower]) -> int:
    """Report while the server is killed, each time with everybody in mid-stream; how much each run has said."""
    dice = random.Random(8)
    said = 0
    for _ in range(KILLS):
        until(lambda: all(follower.is_live for follower in followers), "everybody")
        for _ in range(dice.randrange(1, 12)):
            for _ in range(dice.randrange(1, 20)):
                for run in runs:
                    run.emit("x.n", {"n": said}, priority=dice.choice(PRIORITIES))
                said += 1
            threading.Event().wait(dice.random() * 0.02)
        server.kill()
        server.start()
    return said


def check(trail: Trail, log: list[Event]) -> None:
    """Of all events, or of those that matter, none is missing; and none came twice, or out of order."""
    assert trail.found == sorted(set(trail.found)), trail.mode
    must = [event.seq for event in log if trail.mode == "all" or event.priority in ("high", "critical")]
    assert set(must) <= set(trail.found), (trail.mode, sorted(set(must) - set(trail.found)))
