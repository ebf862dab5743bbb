"""``kill -9`` of the server in mid-flow, with a reporter and watchers that come back: everything to everybody, once."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from httpx_sse import SSEError
from websockets.exceptions import WebSocketException

import headway
from headway.reporter import backoff
from headway.reporter import run as run_module
from headway.stores.sqlite import SqliteEventStore
from tests.integration.server_process import ServerProcess, server_process
from tests.integration.watching import by_polls, by_stream, by_websocket
from tests.unit.reporter.flaky import events_of

KILLS = 500 if os.environ.get("HEADWAY_SOAK") else 6

Way = Callable[[str, str, str, list[int], int], str | None]


class Follower:
    """Somebody who watches a run, by one transport or by all in turn, and comes back as often as it must.

    Attributes:
        found: The numbers of the events, as they came.
    """

    def __init__(self, server: ServerProcess, ways: list[Way], seed: int) -> None:
        self.found: list[int] = []
        self._server = server
        self._ways = ways
        self._dice = random.Random(seed)
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        cursor: str | None = "0"
        while cursor is not None:
            came: list[int] = []
            before = cursor
            try:
                cursor = self._dice.choice(self._ways)(self._server.url, "run", cursor, came, 1)
            except (WebSocketException, SSEError, OSError, EOFError, httpx.HTTPError, KeyError):
                cursor = before  # what came was not taken: there was no cursor with it
                threading.Event().wait(0.01)
            else:
                self.found += came

    def wait(self) -> list[int]:
        """What it has found, when it has seen the end."""
        self._thread.join()
        return self.found


@pytest.mark.timeout(3_000)
def test_everything_reaches_everybody_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "LONGEST_S", 0.2)
    monkeypatch.setattr(run_module, "FLUSH_S", 120.0)
    dice = random.Random(8)
    said = 0
    with server_process(tmp_path / "log.db") as server:
        with headway.run("job", run_id="run", target=server.url) as run:
            assert run.flush(60)
            ways: list[list[Way]] = [[by_websocket], [by_stream], [by_polls], [by_websocket, by_stream, by_polls]]
            followers = [Follower(server, each, seed) for seed, each in enumerate(ways)]
            for _ in range(KILLS):
                for _ in range(dice.randrange(1, 12)):
                    for _ in range(dice.randrange(1, 20)):
                        run.emit("x.n", {"n": said})
                        said += 1
                    threading.Event().wait(dice.random() * 0.02)
                server.kill()
                server.start()
        found = [follower.wait() for follower in followers]
    with closing(SqliteEventStore(tmp_path / "log.db")) as store:
        log = events_of(store, "run")
        assert [event.seq for event in log] == list(range(1, len(log) + 1))
        assert sum(event.type == "x.n" for event in log) == said
        assert log[-1].type == "run.completed"
        for seqs in found:
            assert seqs == [event.seq for event in log]
