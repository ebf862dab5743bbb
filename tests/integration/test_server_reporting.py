"""Reporting over HTTP: everything once and in order, nothing that only a store may say, each refusal by its name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.hub.opening import open_run
from headway.protocol import events, limits
from headway.server import Settings, create_app
from headway.server.reporting.appending import RESERVED
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT, batch, completed, new_run, notes, texts
from tests.integration.jobs import until
from tests.integration.serving import client, problem, raw, serving
from tests.unit.reporter.flaky import records_of, types_of

SETTINGS = Settings(batch_bytes=200_000, body_bytes=10_000, import_bytes=500_000)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqliteEventStore, str]]:
    store = SqliteEventStore(tmp_path_factory.mktemp("reporting") / "log.db")
    with serving(create_app(store, settings=SETTINGS)) as url:
        yield store, url
    store.close()


@pytest.fixture
def store(place: tuple[SqliteEventStore, str]) -> SqliteEventStore:
    return place[0]


@pytest.fixture
def url(place: tuple[SqliteEventStore, str]) -> str:
    return place[1]


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with client(url) as http:
        yield http


_count = iter(range(1_000_000))


@pytest.fixture
def run(http: httpx.Client) -> str:
    """A run that is there, and nobody's."""
    return fresh(http)


def fresh(http: httpx.Client) -> str:
    named = f"run-{next(_count)}"
    assert http.post("/runs", json={"run_id": named, "kind": "sample"}).status_code == 201
    return named


def event(text: object, **members: Any) -> dict[str, Any]:
    return {"at": AT, "type": "note", "data": {"text": str(text)}, **members}


def append(http: httpx.Client, run: str, first: int, *said: Any, **members: Any) -> httpx.Response:
    told = [each if isinstance(each, dict) else event(each) for each in said]
    return http.post(f"/runs/{run}/events", json={"reporter": "r", "first": first, "events": told, **members})


def test_a_run_is_created_once(http: httpx.Client, store: SqliteEventStore) -> None:
    plan = [{"path": "a", "weight": 2}, {"path": "b"}]
    body = {"run_id": "made", "kind": "sample", "title": "T", "plan": plan, "size": 3, "meta": {"x": 1}, "variant": "v"}
    first = http.post("/runs", json=body)
    again = http.post("/runs", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    made, same = first.json(), again.json()
    assert set(made) == {"state", "view", "cursor", "epoch"}
    assert (made["epoch"], made["cursor"]) == (same["epoch"], same["cursor"])
    assert [stage["path"] for stage in made["state"]["stages"]] == ["a", "b"]
    assert (made["state"]["title"], made["state"]["meta"], made["state"]["size"]) == ("T", {"x": 1}, 3)
    assert first.headers["location"].endswith("/api/v1/runs/made")
    problem(http.post("/runs", json={**body, "kind": "other"}), 409, "taken")
    assert types_of(store, "made") == ["run.created", "run.planned"]


def test_a_run_without_an_id_gets_one(http: httpx.Client) -> None:
    ids = {http.post("/runs", json={"kind": "sample"}).json()["state"]["run_id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(named[14] == "7" for named in ids)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid"),
        ([], 400, "invalid"),
        ({"kind": 3}, 400, "invalid"),
        ({"kind": ""}, 400, "invalid-name"),
        ({"kind": "k", "run_id": "-"}, 400, "invalid-name"),
        ({"kind": "k", "run_id": ""}, 400, "invalid-name"),
        ({"kind": "k", "parent": "/"}, 400, "invalid-name"),
        ({"kind": "k", "at": "now"}, 400, "invalid"),
        ({"kind": "k", "plan": [{"path": "//"}]}, 400, "invalid-name"),
        ({"kind": "k", "plan": [{"path": "a", "weight": 1e9}]}, 413, "limit"),
        ({"kind": "k", "title": "x" * 70_000}, 413, "event-too-large"),
    ],
)
def test_a_run_that_cannot_be_is_refused(http: httpx.Client, body: object, status: int, code: str) -> None:
    problem(http.post("/runs", json=body), status, code)


def test_a_run_is_taken_over_and_who_had_it_is_fenced(http: httpx.Client, run: str, store: SqliteEventStore) -> None:
    first = http.post(f"/runs/{run}/attempts", json={"reporter": {"id": "r", "host": "h", "pid": 7}})
    assert (first.status_code, first.json()["attempt"]) == (201, 1)
    assert http.post(f"/runs/{run}/attempts", json={"reporter": "r"}).json()["attempt"] == 1
    assert append(http, run, 1, "mine", attempt=1).json()["accepted"] == 1
    assert http.post(f"/runs/{run}/attempts", json={"reporter": "s"}).json()["attempt"] == 2
    problem(append(http, run, 2, "late", attempt=1), 409, "fenced")
    problem(append(http, run, 2, "elsewhere", epoch="other"), 409, "fenced")
    assert types_of(store, run) == ["run.created", "run.started", "note", "run.started"]
    append(http, run, 2, {"at": AT, "type": "run.completed"})
    problem(http.post(f"/runs/{run}/attempts", json={"reporter": "t"}), 409, "ended")
    problem(http.post("/runs/none/attempts", json={"reporter": "t"}), 404, "not-found")
    problem(http.post(f"/runs/{run}/attempts", json={}), 400, "invalid")


def test_a_batch_is_taken_once(http: httpx.Client, run: str, store: SqliteEventStore) -> None:
    first = append(http, run, 1, "a", "b").json()
    assert (first["accepted"], first["next"], first["first_seq"], first["cancel_requested"]) == (2, 3, 2, False)
    assert first["cursor"] == str(store.header(run).cursor)
    assert first["epoch"] == store.header(run).epoch
    again = append(http, run, 1, "a", "b").json()
    assert (again["accepted"], again["next"], again["first_seq"]) == (0, 3, None)
    assert append(http, run, 2, "b", "c").json()["accepted"] == 1
    gap = problem(append(http, run, 9, "x"), 409, "reporter-gap")
    assert gap["expected"] == 4
    assert append(http, run, 9, "x", lost=[4, 8]).json()["next"] == 10
    assert texts(records_of(store, run)) == ["run.created", "a", "b", "c", "log.gap", "x"]


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 6)), max_size=12))
def test_however_batches_overlap_each_event_is_there_once(
    place: tuple[SqliteEventStore, str], pieces: list[tuple[int, int]]
) -> None:
    store, url = place
    with client(url) as http:
        run, expected = fresh(http), 1
        for first, size in pieces:
            answer = append(http, run, first, *range(first, first + size))
            if first > expected:
                assert problem(answer, 409, "reporter-gap")["expected"] == expected
            else:
                expected = max(expected, first + size)
                assert answer.json()["next"] == expected
    assert texts(records_of(store, run))[1:] == [str(n) for n in range(1, expected)]


def test_what_comes_after_the_end_is_refused(http: httpx.Client, run: str) -> None:
    assert append(http, run, 1, {"at": AT, "type": "run.completed", "data": {"duration": 1}}).status_code == 200
    problem(append(http, run, 2, "late"), 409, "ended")
    again = append(http, run, 1, {"at": AT, "type": "run.completed", "data": {"duration": 1}})
    assert (again.status_code, again.json()["accepted"]) == (200, 0)


@pytest.mark.parametrize("type_", sorted(RESERVED))
def test_what_only_a_store_may_say_is_refused(
    http: httpx.Client, run: str, type_: str, store: SqliteEventStore
) -> None:
    data = {"kind": "k", "reporter": "x", "from": 1, "to": 2}
    told = problem(append(http, run, 1, "fine", {"at": AT, "type": type_, "data": data}), 400, "invalid-event")
    assert "event 2" in told["detail"]
    assert types_of(store, run) == ["run.created"]


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"type": "note"}, 400, "invalid-event"),
        ({"at": "now", "type": "note", "data": {"text": "x"}}, 400, "invalid-event"),
        ({"at": AT, "type": "note"}, 400, "invalid-event"),
        ({"at": AT, "type": "note", "data": {"text": 3}}, 400, "invalid-event"),
        ({"at": AT, "type": "note", "priority": "urgent", "data": {"text": "x"}}, 400, "invalid-event"),
        ({"at": AT, "type": "note", "data": ["x"]}, 400, "invalid-event"),
        ({"at": AT, "type": "stage.started"}, 400, "invalid-event"),
        ({"at": AT, "type": "stage.started", "stage": "a//b"}, 400, "invalid-name"),
        ({"at": AT, "type": "nonsense"}, 400, "unknown-type"),
        ({"at": AT, "type": "x."}, 400, "unknown-type"),
        ({"at": AT, "type": "note", "data": {"text": "x" * 70_000}}, 413, "event-too-large"),
    ],
)
def test_an_event_that_cannot_be_is_refused_and_named(
    http: httpx.Client, run: str, said: dict[str, Any], status: int, code: str, store: SqliteEventStore
) -> None:
    told = problem(append(http, run, 1, "fine", said), status, code)
    assert "event 2" in told["detail"] or "events[1]" in told["detail"]
    assert types_of(store, run) == ["run.created"]


def test_batches_that_cannot_be(http: httpx.Client, run: str) -> None:
    path = f"/runs/{run}/events"
    problem(append(http, run, 0, "x"), 400, "invalid")
    problem(append(http, run, 1, "x", reporter=""), 400, "invalid-name")
    problem(append(http, run, 1, "x", lost=[1]), 400, "invalid")
    problem(http.post(path, json={"first": 1, "events": []}), 400, "invalid")
    problem(append(http, run, 1, *range(limits.BATCH_EVENTS + 1)), 413, "batch-too-large")
    deep: Any = {"x": 1}
    for _ in range(limits.JSON_DEPTH):
        deep = {"x": deep}
    problem(append(http, run, 1, {"at": AT, "type": "x.deep", "data": deep}), 400, "too-deep")
    for member in ({"offset": 3}, {"eliding": False}):
        logged = {"at": AT, "type": "log", "data": {"lines": ["x"], **member}}
        problem(append(http, run, 1, logged), 400, "invalid-event")
    problem(append(http, "none", 1, "x"), 404, "not-found")
    json = {"content-type": "application/json"}
    problem(http.post(path, content=b"{", headers=json), 400, "invalid-json")
    problem(http.post(path, content=b'{"reporter": "\xff"}', headers=json), 400, "invalid-json")
    problem(http.post(path, content=b"[" * 100_000, headers=json), 400, "invalid")
    problem(http.post(path, content=b'{"x":' * 30_000, headers=json), 400, "too-deep")
    problem(http.post(path, content=b"{}", headers={"content-type": "text/plain"}), 415, "unsupported-media-type")
    problem(http.post(path, content=b"{}"), 415, "unsupported-media-type")
    problem(http.post(path, content=b"x", headers={**json, "content-encoding": "gzip"}), 415, "unsupported-media-type")
    problem(http.post(path, content=b" " * 200_001, headers=json), 413, "batch-too-large")
    problem(http.post("/runs", content=b" " * 200_001, headers=json), 413, "body-too-large")
    assert append(http, run, 1, "still open").status_code == 200


def test_a_body_without_an_announced_length_is_cut_off_while_it_comes(http: httpx.Client, run: str, url: str) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 10_000
            yield b" " * 10_000

    headers = {"content-type": "application/json"}
    problem(http.post(f"/runs/{run}/events", content=endless(), headers=headers), 413, "batch-too-large")
    head = f"POST /api/v1/runs/{run}/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    said = raw(
        url,
        f"{head}Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n".encode(),
        until=lambda said: said.endswith(b"}"),
    )
    assert said.startswith(b"HTTP/1.1 413"), "refused before anything was sent"


def test_lists_show_what_the_owner_says(http: httpx.Client, run: str) -> None:
    http.post(f"/runs/{run}/attempts", json={"reporter": "r"})
    digest = {"progress": 250_000, "stage": "a", "message": "quarter"}
    assert append(http, run, 1, attempt=1, digest=digest).json()["accepted"] == 0
    (shown,) = [each for each in http.get("/runs").json()["runs"] if each["run_id"] == run]
    assert (shown["progress"], shown["stage"], shown["message"]) == (0.25, "a", "quarter")


def test_lists_show_what_follows_from_the_reports_of_who_does_not_say_it(http: httpx.Client, run: str) -> None:
    http.post(f"/runs/{run}/attempts", json={"reporter": "r"})
    said = {"at": AT, "type": "stage.progress", "stage": "a", "data": {"progress": 0.5, "message": "half"}}
    append(http, run, 1, said)
    append(http, run, 2, {**said, "data": {"progress": 0.75, "message": "more"}})

    def shown() -> Any:
        return next(each for each in http.get("/runs").json()["runs"] if each["run_id"] == run)

    until(lambda: shown()["message"] == "more", "the newest message")
    assert (shown()["progress"], shown()["stage"]) == (0.75, "a")


def test_leases_are_renewed_and_released(http: httpx.Client, run: str, store: SqliteEventStore) -> None:
    path = f"/runs/{run}/lease"
    http.post(f"/runs/{run}/attempts", json={"reporter": "r", "ttl": 30})
    assert http.post(path, json={"reporter": "r", "owner": True, "ttl": 30}).json() == {"cancel_requested": False}
    problem(http.post(path, json={"reporter": "s", "owner": True}), 409, "fenced")
    assert http.get(f"/runs/{run}/helpers").json() == {"helpers": []}
    assert http.post(path, json={"reporter": {"id": "h"}, "attempt": 1}).status_code == 200
    assert http.get(f"/runs/{run}/helpers").json() == {"helpers": ["h"]}
    problem(http.post(path, json={"reporter": "h", "attempt": 0}), 409, "fenced")
    http.post(path, json={"reporter": "h", "release": True})
    assert http.get(f"/runs/{run}/helpers").json() == {"helpers": []}
    for ttl in (0.5, -1, 1e9):
        problem(http.post(path, json={"reporter": "r", "ttl": ttl}), 400, "invalid")
    problem(http.post(path, json={"reporter": "r", "release": True, "attempt": 77}), 409, "fenced")
    http.post(path, json={"reporter": "r", "release": True, "attempt": 1})
    assert run in store.sweep().lost
    assert http.post(path, json={"reporter": "r", "owner": True}).status_code == 200
    assert types_of(store, run)[-2:] == ["run.lost", "run.recovered"]


def test_a_cancel_is_asked_for_and_heard(http: httpx.Client, run: str, store: SqliteEventStore) -> None:
    http.post(f"/runs/{run}/attempts", json={"reporter": "r"})
    first = http.post(f"/runs/{run}/cancel", json={"reason": "enough"})
    assert (first.status_code, first.json()) == (202, {"cancel_requested": True, "ended": False})
    assert http.post(f"/runs/{run}/cancel").status_code == 202
    assert types_of(store, run).count("run.cancel_requested") == 1
    heard = http.get(f"/runs/{run}/inbox").json()
    assert [(each["type"], each["data"]) for each in heard["events"]] == [
        ("run.cancel_requested", {"reason": "enough"})
    ]
    assert http.get(f"/runs/{run}/inbox", params={"after": heard["cursor"]}).json()["events"] == []
    assert append(http, run, 1, "x").json()["cancel_requested"] is True
    append(http, run, 2, {"at": AT, "type": "run.cancelled"})
    problem(http.post(f"/runs/{run}/cancel"), 409, "ended")
    problem(http.post("/runs/none/cancel"), 404, "not-found")


def test_a_run_that_nobody_works_on_is_cancelled_at_once(http: httpx.Client, run: str) -> None:
    assert http.post(f"/runs/{run}/cancel").json() == {"cancel_requested": True, "ended": True}
    assert http.get(f"/runs/{run}").json()["state"]["status"] == "cancelled"


def test_an_inbox_is_held_until_there_is_something(http: httpx.Client, run: str, url: str) -> None:
    http.post(f"/runs/{run}/attempts", json={"reporter": "r"})
    cursor = append(http, run, 1, "x").json()["cursor"]
    assert http.get(f"/runs/{run}/inbox", params={"after": cursor, "wait": "0.1"}).json()["events"] == []
    found: list[Any] = []
    waited = threading.Event()

    def wait() -> None:
        with client(url) as other:
            waited.set()
            found.extend(other.get(f"/runs/{run}/inbox", params={"after": cursor, "wait": 50}).json()["events"])

    thread = threading.Thread(target=wait)
    thread.start()
    waited.wait()
    append(http, run, 2, "not for the job")
    http.post(f"/runs/{run}/cancel")
    thread.join()
    assert [each["type"] for each in found] == ["run.cancel_requested"], "the client waits for 30 s only"


def test_questions_are_answered_once(http: httpx.Client, run: str) -> None:
    asked = {"at": AT, "type": "input.requested", "data": {"id": "q/1", "prompt": "Publish?"}}
    append(http, run, 1, asked)
    problem(http.post(f"/runs/{run}/inputs/q2", json={"value": "yes"}), 404, "not-found")
    problem(http.post(f"/runs/{run}/inputs/q/1", json={}), 400, "invalid")
    assert http.post(f"/runs/{run}/inputs/q/1", json={"value": {"yes": True}}).status_code == 202
    (entry,) = http.get(f"/runs/{run}").json()["state"]["inputs"]
    assert entry["value"] == {"yes": True}
    problem(http.post(f"/runs/{run}/inputs/q/1", json={"value": "no"}), 409, "answered")
    assert [each["data"]["id"] for each in http.get(f"/runs/{run}/inbox").json()["events"]] == ["q/1"]
    late = {"at": AT, "type": "input.requested", "data": {"id": "late", "prompt": "Still there?"}}
    append(http, run, 2, late, {"at": AT, "type": "run.completed"})
    problem(http.post(f"/runs/{run}/inputs/late", json={"value": "no"}), 409, "ended")


def test_a_log_is_exported_and_imported(http: httpx.Client, store: SqliteEventStore) -> None:
    run = fresh(http)
    log = {"at": AT, "type": "log", "data": {"lines": ["a", "b"]}}
    append(http, run, 1, *range(700), log, {"at": AT, "type": "run.completed", "data": {"duration": 2}})
    lines = http.get(f"/runs/{run}/export").content
    kind = {"content-type": "application/x-ndjson"}
    imported = http.post("/runs/import", params={"run_id": f"{run}-copy"}, content=lines, headers=kind)
    assert (imported.status_code, imported.json()["events"]) == (201, 703)
    ours, theirs = open_run(store, run).state, open_run(store, f"{run}-copy").state
    assert msgspec.structs.replace(theirs, run_id=run) == ours
    assert store.header(run).epoch != store.header(f"{run}-copy").epoch
    _, *rest = lines.splitlines()
    problem(http.post("/runs/import", content=b"\n".join(rest), headers=kind), 400, "invalid")
    problem(http.post("/runs/import", content=b"{}"), 415, "unsupported-media-type")
    problem(http.post("/runs/import", content=b" " * 500_001, headers=kind), 413, "body-too-large")


def test_a_run_may_be_called_import(http: httpx.Client) -> None:
    http.post("/runs", json={"run_id": "import", "kind": "sample"})
    assert http.get("/runs/import").json()["state"]["run_id"] == "import"
    append(http, "import", 1, {"at": AT, "type": "run.completed"})
    assert http.delete("/runs/import").status_code == 204


def test_only_ended_runs_are_removed(http: httpx.Client, run: str) -> None:
    problem(http.delete(f"/runs/{run}"), 409, "active")
    cursor = append(http, run, 1, {"at": AT, "type": "run.completed"}).json()["cursor"]
    assert http.delete(f"/runs/{run}").status_code == 204
    problem(http.get(f"/runs/{run}"), 404, "not-found")
    assert problem(http.get(f"/runs/{run}/events", params={"after": cursor}), 410, "gap")["reason"] == "deleted"
    problem(http.delete(f"/runs/{run}"), 404, "not-found")


def test_a_request_is_held_until_the_log_grows(http: httpx.Client, run: str, url: str) -> None:
    first = http.get(f"/runs/{run}")
    tag = {"If-None-Match": first.headers["etag"]}
    assert http.get(f"/runs/{run}", params={"wait": "0.1"}, headers=tag).status_code == 304
    answers: list[httpx.Response] = []

    def wait() -> None:
        with client(url) as other:
            answers.append(other.get(f"/runs/{run}", params={"wait": 50}, headers=tag))
            answers.append(other.get(f"/runs/{run}/events", params={"after": first.json()["cursor"], "wait": 50}))

    thread = threading.Thread(target=wait)
    thread.start()
    append(http, run, 1, "x")
    thread.join()
    assert answers[0].json()["state"]["seq"] == 2
    assert [each["data"]["text"] for each in answers[1].json()["events"]] == ["x"]


def test_who_asks_for_the_events_of_an_ended_run_is_not_held(store: SqliteEventStore, http: httpx.Client) -> None:
    store.create(new_run("over"))
    store.append(batch("over", 1, [*notes("x"), completed()]))
    cursor = str(store.header("over").cursor)
    page = http.get("/runs/over/events", params={"after": cursor, "wait": 50}).json()
    assert (page["events"], page["ended"]) == ([], True), "the client waits for 30 s only"
    for wait in ("x", "-1", "1e3"):
        problem(http.get("/runs/over/events", params={"wait": wait}), 400, "invalid")


def test_who_may_not_change_something(url: str) -> None:
    with client(url) as http:
        evil = {"Origin": "https://evil.example"}
        problem(http.post("/runs", json={"kind": "x"}, headers=evil), 403, "not-allowed")
        problem(http.post("/runs", json={"kind": "x"}, headers={"Host": "evil.example"}), 403, "not-allowed")
        assert http.get("/runs", headers=evil).status_code == 200


def test_the_types_that_are_reserved_are_types() -> None:
    assert set(events.TYPES) >= RESERVED


def test_the_default_settings_take_what_the_protocol_allows(tmp_path: Path) -> None:
    with serving(create_app(f"sqlite:///{tmp_path / 'log.db'}")) as url, client(url) as http:
        run = fresh(http)
        large = [event("x" * 60_000) for _ in range(69)]
        assert append(http, run, 1, *large).json()["accepted"] == 69
        problem(append(http, run, 70, *large, event("x" * 60_000)), 413, "batch-too-large")
