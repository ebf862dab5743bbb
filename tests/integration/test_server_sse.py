"""Server-Sent Events, and going from one transport to another, the same on every way that it can be served."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import httpx
import pytest

from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, completed, note
from tests.integration.serving import API, client, problem
from tests.integration.watching import Trail, by_polls, by_stream, by_websocket, frames_of, read, seqs, stream, watcher
from tests.integration.ways import WAYS, Place, filled, served, until_gone


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


def test_a_stream_is_not_to_be_held_back_or_kept(url: str, run: str) -> None:
    with httpx.stream("GET", f"{url}{API}/runs/{run}/stream", timeout=20) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in response.headers
        first = next(response.iter_lines())
    assert first == "retry: 1000"
    assert httpx.head(f"{url}{API}/runs/{run}/stream").headers["content-type"] == "text/event-stream"


def test_a_stream_ends_with_its_run(url: str, store: SqliteEventStore, run: str) -> None:
    store.append(batch(run, 11, [completed()]))
    with stream(url, f"/runs/{run}/stream?mode=all&after=0") as events:
        told = list(frames_of(events))
    assert [frame["type"] for _, frame in told] == ["welcome", "events", "end"]
    again = httpx.get(f"{url}{API}/runs/{run}/stream", headers={"Last-Event-ID": told[-1][0]})
    assert (again.status_code, again.content) == (204, b"")


def test_a_reader_that_stands_still_misses_nothing(place: Place) -> None:
    store, _, url = place
    run = filled(store, 0)
    large = "x" * 20_000
    with stream(url, f"/runs/{run}/stream?mode=all&after=0") as slow:
        told = (frame for _, frame in frames_of(slow) if frame["type"] == "events")
        assert next(told)["to"] == 1
        for n in range(0, 1_000, 50):
            store.append(batch(run, 1 + n, [note(f"{n + k} {large}") for k in range(50)]))
        with stream(url, f"/runs/{run}/stream?mode=all&after=0") as quick:
            seen: list[int] = []
            for _, frame in frames_of(quick):
                seen += seqs([frame])
                if len(seen) == 1_001:
                    break
        assert seen == list(range(1, 1_002))
        assert any(each.stuck for each in place.app.backend.hub.watching() if each.run_id == run)
        store.append(batch(run, 1_001, [completed()]))
        assert seqs(list(told)) == list(range(2, 1_003))


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_cut_behind_any_frame_it_goes_on_where_it_was(url: str, store: SqliteEventStore, several: bool) -> None:
    """As a browser does: what it says when it comes back is the newest id that the stream gave, if it gave one."""
    runs = [filled(store, 3) for _ in range(2 if several else 1)]
    begun = ",".join(str(store.cursor_at(run, 2)) for run in runs)
    for run in runs:
        store.append(batch(run, 4, [note("new"), completed()]))
    path = f"/stream?runs={','.join(runs)}&mode=all" if several else f"/runs/{runs[0]}/stream?mode=all"
    whole = read(url, path, begun)
    assert whole.frames[0]["type"] == "welcome"
    assert sorted(frame["type"] for frame in whole.frames[1:]) == ["end"] * len(runs) + ["events"] * len(runs)
    for count in range(1, len(whole.frames)):
        cut = read(url, path, begun, count)
        rest = read(url, path, cut.last_id)
        for run in runs:
            assert cut.seqs(run) + rest.seqs(run) == [3, 4, 5, 6], f"cut behind frame {count}"
    assert read(url, path, whole.last_id).frames == []


def test_a_stream_of_several_runs(url: str, store: SqliteEventStore) -> None:
    first, second = filled(store, 2), filled(store, 3)
    store.append(batch(first, 3, [completed()]))
    with stream(url, f"/stream?runs={first},{second}&mode=all&after=0,0") as events:
        seen: dict[str, list[int]] = {first: [], second: []}
        places = []
        for id_, frame in frames_of(events):
            places.append(id_)
            if frame["type"] == "events":
                seen[frame["run_id"]] += seqs([frame])
            if seen[first][-1:] == [4] and seen[second][-1:] == [4] and ".end" in id_:
                break
    assert seen == {first: [1, 2, 3, 4], second: [1, 2, 3, 4]}
    assert places[0] == "0,0", "that of the welcome"
    assert all(len(each.split(",")) == 2 for each in places)
    ours, theirs = id_.split(",")
    assert (ours, theirs) == (f"{store.header(first).cursor}.end", str(store.header(second).cursor))
    store.append(batch(second, 4, [note("new"), completed()]))
    with stream(url, f"/stream?runs={first},{second}&mode=all", {"Last-Event-ID": id_}) as events:
        told = list(frames_of(events))
    assert told[0] == (id_, told[0][1]), "the first frame keeps what a browser has"
    assert seqs([frame for _, frame in told]) == [5, 6]
    assert (
        httpx.get(f"{url}{API}/stream?runs={first},{second}", headers={"Last-Event-ID": told[-1][0]}).status_code == 204
    )


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/runs/-/stream", "invalid-name"),
        ("/runs/x/stream?mode=fast", "invalid"),
        ("/runs/x/stream?rate=3", "invalid"),
        ("/runs/x/stream?after=y", "invalid-cursor"),
        ("/stream", "invalid"),
        ("/stream?runs=a,-", "invalid-name"),
        ("/stream?runs=a,b&after=0", "invalid-cursor"),
        ("/stream?runs=a,b&after=0,.end", "invalid-cursor"),
    ],
)
def test_a_stream_that_cannot_be_is_refused(url: str, path: str, code: str) -> None:
    with client(url) as http:
        problem(http.get(path), 400, code)


def test_more_runs_than_a_stream_may_have_are_refused(url: str) -> None:
    with client(url) as http:
        problem(http.get(f"/stream?runs={','.join(f'r{n}' for n in range(101))}"), 413, "too-many-runs")


def test_the_operator_speaks_to_everybody(url: str, run: str) -> None:
    with client(url) as http, watcher(url) as ws, stream(url, f"/runs/{run}/stream") as events:
        told = frames_of(events)
        while next(told)[1]["type"] != "snapshot":
            pass
        said = http.post("/notices", json={"text": "Restart at noon", "level": "warning"})
        assert said.status_code == 202
        assert said.json()["connections"] >= 2
        assert ws.hear("notice") == {"type": "notice", "text": "Restart at noon", "level": "warning"}
        assert next(frame["text"] for _, frame in told if frame["type"] == "notice") == "Restart at noon"
        for body in ({}, {"text": ""}, {"text": "x", "level": "loud"}, {"text": "x" * 1_001}):
            problem(http.post("/notices", json=body), 400, "invalid")


def test_the_operator_sees_who_watches(url: str, run: str) -> None:
    with client(url) as http, watcher(url, user_agent_header="some browser") as ws:
        ws.say("watch", run_id=run, mode="all")
        ws.hear("snapshot")
        told = http.get("/watchers").json()
        assert told["runs"][run] == 1
        (seen,) = [each for each in told["watchers"] if each["run_id"] == run]
        assert seen["peer"] == {"address": "127.0.0.1", "user_agent": "some browser", "subject": None}
        assert (seen["mode"], seen["behind"], seen["stuck"], seen["conflated"]) == ("all", 0, False, {})
        assert seen["since"].endswith("Z")


def test_who_comes_through_a_proxy_is_who_it_says(url: str, run: str) -> None:
    through = {"X-Forwarded-For": "10.0.0.1, 203.0.113.7"}
    with client(url) as http, watcher(url, additional_headers=through) as ws:
        ws.say("watch", run_id=run)
        ws.hear("snapshot")
        with stream(url, f"/runs/{run}/stream", through) as events:
            while next(frames_of(events))[1]["type"] != "snapshot":
                pass
            told = [each for each in http.get("/watchers").json()["watchers"] if each["run_id"] == run]
    assert [each["peer"]["address"] for each in told] == ["203.0.113.7"] * 2


def test_who_leaves_is_forgotten(place: Place, run: str) -> None:
    _, app, url = place
    with watcher(url) as ws, stream(url, f"/runs/{run}/stream") as events:
        ws.say("watch", run_id=run)
        ws.hear("snapshot")
        while next(frames_of(events))[1]["type"] != "snapshot":
            pass
        here = [each for each in app.backend.hub.watching() if each.run_id == run]
        assert len(here) == 2
        assert all(each.peer.address == "127.0.0.1" and each.peer.user_agent for each in here)
    until_gone(lambda: place.watching(run))


@pytest.mark.parametrize("seed", range(5))
def test_a_watcher_that_comes_and_goes_on_any_transport(url: str, store: SqliteEventStore, seed: int) -> None:
    """It takes its cursor along, from one to the other, while events pour in: nothing is missing, nothing is twice."""
    dice, run = random.Random(seed), filled(store, 0)
    ending = threading.Event()

    def report() -> None:
        for n in range(150):
            store.append(batch(run, 1 + n, [note(str(n))]))
            ending.wait(0.003)
        store.append(batch(run, 151, [completed()]))

    thread = threading.Thread(target=report)
    thread.start()
    trail = Trail(run)
    while not trail.ended:
        way = dice.choice([by_websocket, by_stream, by_polls])
        way(url, trail, dice.randrange(1, 12))
    thread.join()
    assert trail.found == list(range(1, 153))
