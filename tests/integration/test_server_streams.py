"""Watching over WebSocket, the same on every way that the application can be served."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from headway.hub.settings import HubSettings
from headway.server import Settings
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT, batch, completed, new_run, note, notes, started
from tests.integration.jobs import until
from tests.integration.serving import API, client
from tests.integration.watching import seqs, watcher
from tests.integration.ways import WAYS, Place, Way, filled, name, served


@pytest.fixture(scope="module", params=WAYS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with served(request.param, tmp_path_factory.mktemp("streams")) as place:
        yield place


@pytest.fixture
def store(place: Place) -> SqliteEventStore:
    return place.store


@pytest.fixture
def url(place: Place) -> str:
    return place.url


@pytest.fixture
def run(store: SqliteEventStore) -> str:
    """A run that is there, with ten notes."""
    return filled(store)


def test_a_watcher_is_welcome(url: str) -> None:
    place = url.replace("http", "ws", 1) + API + "/watch"
    with connect(place, subprotocols=["other", "headway.v1"], proxy=None) as ws:  # type: ignore[list-item]
        assert ws.subprotocol == "headway.v1"
        frame = json.loads(ws.recv(20))
    assert (frame["type"], frame["protocol"], frame["heartbeat"]) == ("welcome", 1, 25.0)
    assert frame["server"].startswith("headway/")
    with connect(place, proxy=None) as ws:
        assert ws.subprotocol is None
        assert json.loads(ws.recv(20))["session"] != frame["session"]


def test_everything_once_and_in_order(url: str, store: SqliteEventStore) -> None:
    run = filled(store, 1_200)
    with watcher(url) as ws:
        ws.say("watch", run_id=run, after="0", mode="all", close_on_end=True)
        first = ws.until(lambda frame: frame.get("to") == 1_201)
        for n in range(300):
            store.append(batch(run, 1_201 + n, [note(f"live {n}")]))
        store.append(batch(run, 1_501, [completed()]))
        rest = ws.rest()
        assert seqs(first + rest) == list(range(1, 1_503))
        assert [frame["type"] for frame in rest][-1] == "end"
        assert rest[-1]["status"] == "completed"
        assert ws.closed_with == 1000


def test_a_run_may_be_watched_before_it_is_there(url: str, store: SqliteEventStore) -> None:
    named = name()
    with watcher(url) as ws:
        ws.say("watch", run_id=named, mode="all", after="0")
        assert ws.hear()["type"] == "waiting"
        store.create(new_run(named))
        store.append(batch(named, 1, notes("a", "b")))
        assert seqs(ws.until(lambda frame: frame.get("to") == 3)) == [1, 2, 3]


def test_without_a_cursor_a_snapshot_comes_first(url: str, store: SqliteEventStore, run: str) -> None:
    with watcher(url) as ws:
        ws.say("watch", run_id=run)
        snapshot = ws.hear()
        assert (snapshot["type"], snapshot["state"]["seq"], snapshot["gap"]) == ("snapshot", 11, None)
        store.append(batch(run, 11, [started("a")]))
        frame = ws.hear("events")
        assert (frame["from"], [event["type"] for event in frame["events"]]) == (12, ["stage.started"])
        assert frame["short"]["stage"] == "a"


def test_a_cursor_of_another_log_is_answered_by_a_snapshot_that_says_so(url: str, run: str) -> None:
    with watcher(url) as ws:
        ws.say("watch", run_id=run, after="other.3.ff")
        assert ws.hear()["gap"] == {"after": "other.3.ff", "reason": "diverged"}


def test_only_some_types(url: str, store: SqliteEventStore, run: str) -> None:
    with watcher(url) as ws:
        ws.say("watch", run_id=run, after="0", mode="all", types=["stage.started"])
        store.append(batch(run, 11, [started("a"), *notes("x")]))
        frames = ws.until(lambda frame: frame.get("to") == 13)
        assert seqs(frames) == [12]


def test_many_runs_on_one_connection(url: str, store: SqliteEventStore) -> None:
    runs = [filled(store) for _ in range(20)]
    with watcher(url) as ws:
        ws.say("watch", runs=[{"run_id": run, "after": "0"} for run in runs], mode="all")
        seen: dict[str, list[int]] = {run: [] for run in runs}
        while any(len(found) < 11 for found in seen.values()):
            frame = ws.hear("events")
            seen[frame["run_id"]] += seqs([frame])
        assert all(found == list(range(1, 12)) for found in seen.values())
        ws.say("unwatch", runs=runs[:19])
        ws.say("ping", echo="heard")
        ws.until(lambda frame: frame["type"] == "pong")
        for run in runs:
            store.append(batch(run, 11, notes("new")))
        assert ws.hear("events")["run_id"] == runs[19]


def test_a_snapshot_whenever_it_is_wanted(url: str, run: str) -> None:
    with watcher(url) as ws:
        ws.say("watch", run_id=run, after="0", mode="all")
        ws.until(lambda frame: frame.get("to") == 11)
        ws.say("snapshot", run_id=run)
        assert ws.hear("snapshot")["state"]["seq"] == 11
        ws.say("snapshot", run_id="another")
        assert ws.hear("problem")["code"] == "not-found"


def test_a_list_of_runs(url: str, store: SqliteEventStore) -> None:
    kind = name()
    store.create(new_run(f"{kind}-1", kind=kind))
    with watcher(url) as ws:
        ws.say("watch_runs", kind=kind)
        assert [run["run_id"] for run in ws.hear("runs")["changed"]] == [f"{kind}-1"]
        store.create(new_run(f"{kind}-2", kind=kind))
        assert [run["run_id"] for run in ws.hear("runs")["changed"]] == [f"{kind}-2"]
        ws.say("unwatch_runs")


def test_a_watcher_can_cancel_and_answer(url: str, store: SqliteEventStore, run: str) -> None:
    with client(url) as http:
        http.post(f"/runs/{run}/attempts", json={"reporter": "r"})
        asked = {"at": AT, "type": "input.requested", "data": {"id": "q", "prompt": "Publish?"}}
        http.post(f"/runs/{run}/events", json={"reporter": "r", "first": 1, "events": [asked]})
    with watcher(url) as ws:
        ws.say("watch", run_id=run, after="0", mode="all")
        ws.say("answer", run_id=run, id="q", value="yes")
        given = ws.until(lambda frame: "input.given" in str(frame))
        assert given[-1]["events"][-1]["data"] == {"id": "q", "value": "yes"}
        ws.say("answer", run_id=run, id="q", value="no")
        refused = ws.hear("problem")
        assert (refused["code"], refused["run_id"]) == ("answered", run)
        ws.say("cancel", run_id=run, reason="enough")
        ws.until(lambda frame: "run.cancel_requested" in str(frame))
        ws.say("cancel", run_id="nowhere")
        assert ws.hear("problem")["code"] == "not-found"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("rubbish", "invalid-json"),
        ("[]", "invalid"),
        ('{"type": "nonsense"}', "invalid"),
        ('{"type": "watch"}', "invalid"),
        ('{"type": "watch", "run_id": "-"}', "invalid-name"),
        ('{"type": "watch", "run_id": "x", "after": "y"}', "invalid-cursor"),
        ('{"type": "watch", "run_id": "x", "rate": 3}', "invalid"),
        ('{"type": "watch", "run_id": "x", "mode": "fast"}', "invalid"),
        (json.dumps({"type": "watch", "runs": [{"run_id": f"r{n}"} for n in range(1_001)]}), "too-many-runs"),
        ('{"type": "token", "token": "x"}', "not-supported"),
        ('{"type": "watch_runs", "status": "bogus"}', "invalid"),
        (b"\xff\x00", "invalid-json"),
        ('{"type": "ping", "echo": ' + "[" * 40 + "]" * 40 + "}", "too-deep"),
    ],
    ids=range(13),
)
def test_what_cannot_be_understood_is_told(
    url: str, message: str | bytes, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with watcher(url) as ws:
        ws.socket.send(message)
        assert ws.hear("problem")["code"] == code
        ws.say("ping", echo={"still": "there"})
        assert ws.hear("pong")["echo"] == {"still": "there"}
    assert caplog.messages == [], "what a client says is nothing for the operator's log"


def test_of_a_run_that_was_had_nothing_is_sent(url: str, store: SqliteEventStore, run: str) -> None:
    other = filled(store)
    store.append(batch(run, 11, [completed()]))
    with watcher(url) as ws:
        had = {"run_id": run, "after": f"{store.header(run).cursor}.end"}
        ws.say("watch", runs=[had, {"run_id": other}], close_on_end=True)
        assert ws.hear("snapshot")["run_id"] == other
        store.append(batch(other, 11, [completed()]))
        assert {frame["run_id"] for frame in ws.rest()} == {other}
        assert ws.closed_with == 1000


@pytest.mark.parametrize("way", WAYS[:2])
def test_an_operator_may_allow_more(way: Way, tmp_path: Path) -> None:
    settings = Settings(message_bytes=100_000, hub=HubSettings(runs_per_connection=2_000))
    with served(way, tmp_path, settings) as place, watcher(place.url) as ws:
        runs = [{"run_id": f"a-run-with-a-long-name-{n}"} for n in range(2_001)]
        ws.say("watch", runs=runs)
        assert ws.hear("problem")["code"] == "too-many-runs"
        ws.say("watch", runs=runs[1:])
        assert {ws.hear("waiting")["run_id"] for _ in range(2_000)} == {run["run_id"] for run in runs[1:]}
        ws.say("watch", run_id="one-more")
        problem = ws.hear("problem")
        assert (problem["code"], problem["run_id"]) == ("too-many-runs", "one-more")


def test_a_message_in_pieces(url: str) -> None:
    with watcher(url) as ws:
        ws.socket.send(iter(['{"type": "pi', "ng", '", "echo": "whole"}']))
        assert ws.hear("pong")["echo"] == "whole"


@pytest.mark.parametrize("pieces", [1, 10])
@pytest.mark.parametrize("character", ["x", "ä"], ids=["ascii", "wider"])
def test_a_message_that_is_too_big_ends_the_connection(url: str, pieces: int, character: str) -> None:
    with watcher(url) as ws:
        part = character * (70_000 // pieces // len(character.encode()))
        with suppress(ConnectionClosed):  # perhaps before the last piece
            ws.socket.send(iter([part] * pieces) if pieces > 1 else part)
        assert [frame.get("code") for frame in ws.rest()] == ["message-too-large"]
        assert ws.closed_with == 1009


def test_too_many_messages_end_the_connection(url: str) -> None:
    with watcher(url) as ws:
        with suppress(ConnectionClosed):
            for n in range(201):
                ws.say("ping", echo=n)
        frames = ws.rest()
        assert [frame["echo"] for frame in frames] == list(range(200))
        assert ws.closed_with == 4429


def test_runs_that_are_made_up_count_as_messages(url: str) -> None:
    with watcher(url) as ws:
        with suppress(ConnectionClosed):
            for n in range(10):
                ws.say("watch", runs=[{"run_id": f"made-up-{n}-{name}"} for name in range(1_000)])
                ws.say("unwatch", runs=[f"made-up-{n}-{name}" for name in range(1_000)])
        waiting = [frame for frame in ws.rest() if frame["type"] == "waiting"]
        assert len(waiting) <= 3_000
        assert ws.closed_with == 4429


def test_a_stranger_is_not_let_in(url: str) -> None:
    place = url.replace("http", "ws", 1)
    assert refusal_of(place + API + "/watch", origin="https://evil.example") == 403
    assert refusal_of(place + "/nowhere") == 403
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 0)) as sock:
        assert refusal_of(f"ws://evil.example{address.path.rstrip('/')}{API}/watch", sock=sock) == 403


def refusal_of(place: str, **options: Any) -> int:
    """The status with which a WebSocket is refused."""
    with pytest.raises(InvalidStatus) as refused, connect(place, proxy=None, **options):
        pass
    return refused.value.response.status_code


def test_a_ping_of_the_protocol_is_answered(url: str) -> None:
    with watcher(url) as ws:
        assert ws.socket.ping("hello").wait(20)


def test_a_reader_that_stands_still_costs_nobody_anything_and_misses_nothing(place: Place) -> None:
    store, _, url = place
    run = filled(store, 0)
    large = "x" * 20_000
    with watcher(url, max_queue=1, compression=None) as slow, watcher(url) as quick:
        slow.say("watch", run_id=run, after="0", mode="all")
        assert slow.hear("events")["to"] == 1
        quick.say("watch", run_id=run, mode="all", after="0")
        for n in range(0, 1_000, 50):
            store.append(batch(run, 1 + n, [note(f"{n + k} {large}") for k in range(50)]))
        assert seqs(quick.until(lambda frame: frame.get("to") == 1_001)) == list(range(1, 1_002))

        def stuck() -> list[bool]:
            return sorted(each.stuck for each in place.app.backend.hub.watching() if each.run_id == run)

        # Nothing more is written for who takes nothing; the quick one may have room a moment later.
        until(lambda: stuck() == [False, True], "one that is stuck")
        assert seqs(slow.until(lambda frame: frame.get("to") == 1_001)) == list(range(2, 1_002))
