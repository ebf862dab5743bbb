"""A store restored from yesterday's copy that has grown again: no transport takes an old cursor for one of it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest

from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, new_run, notes
from tests.integration.server_process import server_process
from tests.integration.serving import client, problem
from tests.integration.watching import Frame, Trail, by_polls, by_stream, by_websocket, frames_of, seqs, stream, watcher

TRANSPORTS = {by_websocket: 1, by_stream: 2, by_polls: 1}
"""Each with the frames until there is something of the run: a stream begins with its welcome."""

COPIED, LOST, GROWN = 20, 40, 70
"""The newest event when the copy was made, when the file was lost, and of the restored one at last."""


def grow(path: Path, newest: int, reporter: str) -> None:
    """Let the log grow, up to an event of this number, in a few appends."""
    with closing(SqliteEventStore(path)) as store:
        number = store.append(batch("run", 1, (), reporter)).next
        while (seq := store.header("run").cursor.seq) < newest:
            count = min(5, newest - seq)
            number = store.append(batch("run", number, notes(*range(count)), reporter)).next


def copied(path: Path) -> None:
    """Make a copy, as SQLite makes one of a file in use."""
    copy = path.with_name("copy.db")
    with closing(apsw.Connection(str(path))) as source, closing(apsw.Connection(str(copy))) as target:
        with target.backup("main", source, "main") as backup:
            backup.step()


def collected(url: str, newest: int) -> set[str]:
    """Cursors that watchers have, by each transport and at several places up to the newest event."""
    found = set()
    for transport, frames in TRANSPORTS.items():
        trail = Trail("run")
        while newest not in trail.found:
            transport(url, trail, frames)
            found.add(trail.cursor)
    return found - {"0"}


def seq_of(cursor: str) -> int:
    return int(cursor.split(".")[1])


def put_in_its_place(path: Path) -> None:
    """As somebody does who restores a file that nobody uses."""
    for name in ("log.db-wal", "log.db-shm"):
        path.with_name(name).unlink(missing_ok=True)
    path.with_name("copy.db").rename(path)


def answer(url: str, cursor: str) -> httpx.Response:
    with client(url) as http:
        return http.get("/runs/run/events", params={"after": cursor, "limit": 1_000})


def by_socket(url: str, cursor: str, mode: str) -> Frame:
    """The first frame that says something of the run."""
    with watcher(url) as ws:
        ws.say("watch", run_id="run", after=cursor, mode=mode)
        return ws.hear("snapshot", "events", "end", "problem")


def by_events(url: str, cursor: str, mode: str) -> Frame:
    with stream(url, f"/runs/run/stream?mode={mode}", {"Last-Event-ID": cursor}) as told:
        return next(frame for _, frame in frames_of(told) if frame["type"] in ("snapshot", "events", "end", "problem"))


def check(url: str, cursors: set[str]) -> None:
    """Cursors of events that the copy has go on; all others are answered by what became of them."""
    for cursor in sorted(cursors, key=seq_of):
        known, polled = seq_of(cursor) <= COPIED, answer(url, cursor)
        frames: list[Any] = [show(url, cursor, mode) for show in (by_socket, by_events) for mode in ("all", "paced")]
        if known:
            rest = list(range(seq_of(cursor) + 1, GROWN + 1))
            assert [event["seq"] for event in polled.json()["events"]] == rest
            assert {(frame["type"], frame["from"]) for frame in frames} == {("events", rest[0])}
            assert seqs(frames[:1]) == rest
        else:
            assert problem(polled, 410, "gap")["reason"] == "diverged"
            gap = {"after": cursor, "reason": "diverged"}
            assert [(frame["type"], frame["gap"]) for frame in frames] == [("snapshot", gap)] * len(frames)
            assert {frame["state"]["seq"] for frame in frames} == {GROWN}


def collect(path: Path, url: str) -> set[str]:
    """The run is copied half-way; cursors from before the copy, and of what it does not have."""
    cursors = collected(url, COPIED)
    copied(path)
    grow(path, LOST, "before")
    cursors |= collected(url, LOST)
    assert {COPIED, LOST} <= {seq_of(cursor) for cursor in cursors}
    return cursors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "log.db"
    with closing(SqliteEventStore(path)) as store:
        store.create(new_run())
    grow(path, COPIED, "before")
    return path


def test_while_no_server_is_there(path: Path) -> None:
    with server_process(path) as server:
        cursors = collect(path, server.url)
        assert server.end() == 0
        put_in_its_place(path)
        grow(path, GROWN, "after")
        server.start()
        check(server.url, cursors)


def test_under_a_server_and_its_watchers(path: Path) -> None:
    with server_process(path) as server:
        cursors = collect(path, server.url)
        with watcher(server.url) as ws:
            ws.say("watch", run_id="run", after="0", mode="all")
            place = ws.until(lambda frame: frame["type"] == "events" and frame["to"] == LOST)[-1]["cursor"]
            path.with_name("copy.db").rename(path)
            assert ws.hear("snapshot", "events")["gap"] == {"after": place, "reason": "diverged"}
            grow(path, GROWN, "after")
            ws.until(lambda frame: frame["type"] == "events" and frame["to"] == GROWN)
        check(server.url, cursors)
