"""What can be read over HTTP is what the store has, and everything else has an error of its own."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import msgspec
import pytest

from headway.errors import InvalidInput, InvalidTarget, StoreForeign
from headway.hub.opening import open_run
from headway.hub.settings import HubSettings
from headway.protocol import events
from headway.server import Settings, create_app
from headway.stores.files import FileArtifactStore
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT, batch, completed, failed, log, new_run, notes, started
from tests.integration.serving import client, problem, raw, serving

CONTENT = bytes(range(256)) * 4_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteEventStore]:
    store = SqliteEventStore(tmp_path / "log.db", log_limit_bytes=20_000)
    yield store
    store.close()


@pytest.fixture
def url(store: SqliteEventStore) -> Iterator[str]:
    with serving(create_app(store)) as url:
        yield url


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with client(url) as http:
        yield http


def filled(store: SqliteEventStore, run_id: str = "run", count: int = 10) -> SqliteEventStore:
    store.create(new_run(run_id))
    for first in range(0, count, 500):
        store.append(batch(run_id, 1 + first, notes(*range(first, min(count, first + 500)))))
    return store


def test_runs_are_listed_newest_first_page_by_page(store: SqliteEventStore, http: httpx.Client) -> None:
    for n in range(5):
        store.create(new_run(f"run-{n}", kind="even" if n % 2 == 0 else "odd"))
    first = http.get("/runs", params={"limit": 3}).json()
    assert [run["run_id"] for run in first["runs"]] == ["run-4", "run-3", "run-2"]
    rest = http.get("/runs", params={"limit": 3, "page": first["next"]}).json()
    assert ([run["run_id"] for run in rest["runs"]], rest["next"]) == (["run-1", "run-0"], None)
    even = http.get("/runs", params={"kind": "even", "status": "pending", "text": "RUN-", "since": AT}).json()
    assert [run["run_id"] for run in even["runs"]] == ["run-4", "run-2", "run-0"]
    assert http.get("/runs", params={"since": "2027-01-01T00:00:00.000Z"}).json()["runs"] == []
    assert set(first["runs"][0]) >= {"run_id", "kind", "status", "progress", "view", "error", "last_event_at"}


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"limit": "0"}, "invalid"),
        ({"limit": "-1"}, "invalid"),
        ({"limit": "x"}, "invalid"),
        ({"status": "gone"}, "invalid"),
        ({"since": "yesterday"}, "invalid"),
        ({"page": "x"}, "invalid"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(http: httpx.Client, parameters: dict[str, str], code: str) -> None:
    problem(http.get("/runs", params=parameters), 400, code)


def test_a_run_is_its_state_its_view_and_its_cursor(store: SqliteEventStore, http: httpx.Client) -> None:
    filled(store).append(batch("run", 11, [started("a")]))
    found = http.get("/runs/run").json()
    opened = open_run(store, "run")
    assert found["state"] == msgspec.json.decode(msgspec.json.encode(opened.state))
    assert found["cursor"] == str(opened.cursor)
    assert set(found["view"]) == {"now", "elapsed", "eta", "queue"}
    assert set(found) == {"state", "view", "cursor"}


def test_a_state_that_has_not_changed_is_not_sent_again(store: SqliteEventStore, http: httpx.Client) -> None:
    filled(store)
    first = http.get("/runs/run")
    tag = first.headers["etag"]
    for header in (tag, f'"x", {tag}', "*", tag.removeprefix("W/")):
        again = http.get("/runs/run", headers={"If-None-Match": header})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    store.append(batch("run", 11, notes("new")))
    changed = http.get("/runs/run", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["state"]["seq"]) == (200, 12)
    assert changed.headers["etag"] != tag


def test_a_run_as_it_was(store: SqliteEventStore, http: httpx.Client) -> None:
    filled(store)
    then = http.get("/runs/run/state", params={"at": 4}).json()
    assert (then["state"]["seq"], [note["text"] for note in then["state"]["notes"]]) == (4, ["0", "1", "2"])
    assert then["cursor"] == str(store.cursor_at("run", 4))
    assert (then["view"]["now"], then["view"]["eta"]) == (then["state"]["last_event_at"], None)
    assert http.get("/runs/run/state").json()["state"]["seq"] == 11
    problem(http.get("/runs/run/state", params={"at": 12}), 404, "not-found")
    assert http.get("/runs/run/state", params={"at": 0}).json()["state"]["seq"] == 0
    problem(http.get("/runs/run/state", params={"at": -1}), 400, "invalid")


def test_events_come_from_a_cursor_on(store: SqliteEventStore, http: httpx.Client) -> None:
    filled(store, count=1_200)
    found: list[dict[str, object]] = []
    cursor, pages = "0", 0
    while True:
        page = http.get("/runs/run/events", params={"after": cursor}).json()
        found += page["events"]
        cursor, pages = page["cursor"], pages + 1
        assert not page["ended"]
        if page["complete"]:
            break
    assert [event["seq"] for event in found] == list(range(1, 1_202))
    assert (pages, cursor) == (3, str(store.header("run").cursor))
    store.append(batch("run", 1_201, [completed()]))
    last = http.get("/runs/run/events", params={"after": cursor}).json()
    assert ([event["type"] for event in last["events"]], last["ended"]) == (["run.completed"], True)


def test_events_of_some_types_move_the_cursor_past_the_others(store: SqliteEventStore, http: httpx.Client) -> None:
    filled(store).append(batch("run", 11, [started("a"), *notes("x")]))
    page = http.get("/runs/run/events", params={"types": "stage.started, x.other"}).json()
    assert [event["type"] for event in page["events"]] == ["stage.started"]
    assert page["cursor"] == str(store.header("run").cursor)


def test_a_page_of_large_events_is_cut(store: SqliteEventStore, http: httpx.Client) -> None:
    store.create(new_run())
    for n in range(3):
        store.append(batch("run", 1 + n * 50, notes(*["x" * 60_000] * 50)))
    page = http.get("/runs/run/events", params={"limit": 1_000}).json()
    assert not page["complete"]
    assert 60 < len(page["events"]) < 80
    rest = http.get("/runs/run/events", params={"limit": 1_000, "after": page["cursor"]}).json()
    assert rest["events"][0]["seq"] == page["events"][-1]["seq"] + 1


def test_a_cursor_of_another_log_is_answered_with_the_oldest(store: SqliteEventStore, http: httpx.Client) -> None:
    filled(store)
    told = problem(http.get("/runs/run/events", params={"after": "other.3.ff"}), 410, "gap")
    assert told["reason"] == "diverged"
    again = http.get("/runs/run/events", params={"after": told["oldest"]}).json()
    assert [event["seq"] for event in again["events"]] == list(range(1, 12))
    problem(http.get("/runs/run/events", params={"after": "rubbish"}), 400, "invalid-cursor")
    cursor = str(store.header("run").cursor)
    store.append(batch("run", 11, [completed()]))
    store.delete("run")
    told = problem(http.get("/runs/run/events", params={"after": cursor}), 410, "gap")
    assert (told["reason"], told["oldest"]) == ("deleted", None)


def test_the_newest_lines_of_the_log(store: SqliteEventStore, http: httpx.Client) -> None:
    filled(store)
    store.append(
        batch("run", 11, [log("a", "ä"), log("b", stage="s", stream="err"), log("c…", partial=True), log("d")])
    )
    whole = http.get("/runs/run/log")
    assert whole.text == "a\nä\nb\nc…d\n"
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert "sandbox" in whole.headers["content-security-policy"]
    assert http.get("/runs/run/log", params={"tail": 2}).text == "b\nc…d\n"
    assert http.get("/runs/run/log", params={"stage": "s"}).text == "b\n"
    assert http.get("/runs/run/log", params={"stage": "", "stream": "log", "tail": 1}).text == "c…d\n"
    assert http.get("/runs/run/log", params={"stream": "none"}).text == ""


def test_lines_as_objects(store: SqliteEventStore, http: httpx.Client) -> None:
    filled(store, count=0).append(batch("run", 1, [log("a", "ä"), log("b", partial=True), log("c")]))
    told = http.get("/runs/run/log", headers={"Accept": "application/json"}).json()
    lines = [(line["seq"], line["offset"], line["text"], line["partial"]) for line in told["lines"]]
    assert lines == [(2, 0, "a", False), (2, 2, "ä", False), (3, 5, "b", True), (4, 6, "c", False)]
    assert (told["total_bytes"], told["cut_bytes"]) == (8, 0)
    one_by_one = http.get("/runs/run/log", params={"tail": 2}, headers={"Accept": "application/x-ndjson"})
    assert [msgspec.json.decode(line)["text"] for line in one_by_one.text.splitlines()] == ["b", "c"]


def test_a_stretch_of_the_log(store: SqliteEventStore, http: httpx.Client) -> None:
    filled(store, count=0).append(batch("run", 1, [log("abc", "äöü"), log("xyz")]))
    text = "abc\näöü\nxyz\n".encode()
    for header, (begin, end) in {"bytes=2-5": (2, 6), "bytes=9-": (9, 15), "bytes=-4": (11, 15)}.items():
        part = http.get("/runs/run/log", headers={"Range": header})
        assert (part.status_code, part.content) == (206, text[begin:end])
        assert part.headers["content-range"] == f"bytes {begin}-{end - 1}/15"
    part = http.get("/runs/run/log", params={"offset": 4, "limit": 7})
    assert (part.status_code, part.content, part.headers["headway-log-offset"]) == (200, text[4:11], "4")
    assert http.get("/runs/run/log", params={"offset": 99}).content == b""
    refused = http.get("/runs/run/log", headers={"Range": "bytes=15-"})
    problem(refused, 416, "range-not-satisfiable")
    assert refused.headers["content-range"] == "bytes */15"


def test_what_was_cut_of_a_log_is_said_and_offsets_stay(store: SqliteEventStore, http: httpx.Client) -> None:
    store.create(new_run())
    lines = [f"line {n:05d}" for n in range(4_000)]
    for n in range(0, 4_000, 100):
        store.append(batch("run", 1 + n // 100, [log(*lines[n : n + 100])]))
    text = "".join(line + "\n" for line in lines).encode()
    newest = http.get("/runs/run/log", params={"tail": 10})
    cut = int(newest.headers["headway-log-cut"])
    assert newest.content == text[-110:]
    assert int(newest.headers["headway-log-bytes"]) == len(text)
    assert 0 < cut < len(text)
    part = http.get("/runs/run/log", headers={"Range": f"bytes={cut - 500}-{cut + 99}"})
    assert (part.status_code, part.content) == (206, text[cut : cut + 100])
    assert part.headers["content-range"] == f"bytes {cut}-{cut + 99}/{len(text)}"
    problem(http.get("/runs/run/log", headers={"Range": "bytes=0-99"}), 416, "range-not-satisfiable")
    everything = http.get("/runs/run/log", headers={"Range": "bytes=0-"})
    assert everything.content == text[cut:]


@pytest.fixture
def artifact(store: SqliteEventStore) -> str:
    blob = FileArtifactStore(store.path.with_name("log.db-artifacts")).put(io.BytesIO(CONTENT))
    store.create(new_run())
    named = events.Artifact(name="out/über.html", media_type="text/html", size=blob.size, sha256=blob.sha256)
    bare = events.Artifact(name="bare")
    store.append(batch("run", 1, [events.draft(each, at=AT) for each in (named, bare, named)]))
    return blob.sha256


def test_artifacts_are_listed_once(http: httpx.Client, artifact: str) -> None:
    found = http.get("/runs/run/artifacts").json()["artifacts"]
    assert [(each["name"], each["size"], each["sha256"]) for each in found] == [
        ("bare", None, None),
        ("out/über.html", len(CONTENT), artifact),
    ]


def test_an_artifact_is_saved_not_run(http: httpx.Client, artifact: str) -> None:
    whole = http.get("/runs/run/artifacts/out/über.html")
    assert whole.content == CONTENT
    assert whole.headers["content-type"] == "text/html"
    assert whole.headers["content-length"] == str(len(CONTENT))
    disposition = whole.headers["content-disposition"]
    assert disposition == "attachment; filename=\"_ber.html\"; filename*=UTF-8''%C3%BCber.html"
    assert "sandbox" in whole.headers["content-security-policy"]
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert http.head("/runs/run/artifacts/out/über.html").headers["content-length"] == str(len(CONTENT))


def test_parts_of_an_artifact(http: httpx.Client, artifact: str) -> None:
    path = "/runs/run/artifacts/out/über.html"
    for header, (begin, end) in {
        "bytes=10-19": (10, 20),
        "bytes=-3": (-3, None),
        "bytes=999999-": (999_999, None),
    }.items():
        part = http.get(path, headers={"Range": header})
        assert (part.status_code, part.content) == (206, CONTENT[begin:end])
    assert http.get(path, headers={"Range": "bytes=0-1,5-6"}).status_code == 200
    assert http.get(path, headers={"Range": "bytes=5-1"}).status_code == 200
    assert http.get(path, headers={"Range": "bytes=0-1", "If-Range": '"other"'}).status_code == 200
    assert http.get(path, headers={"Range": "bytes=0-1", "If-Range": f'"{artifact}"'}).status_code == 206
    assert http.get(path, headers={"If-None-Match": f'"{artifact}"'}).status_code == 304
    problem(http.get(path, headers={"Range": "bytes=1024000-"}), 416, "range-not-satisfiable")


def test_artifacts_that_are_not_there(store: SqliteEventStore, http: httpx.Client, artifact: str) -> None:
    problem(http.get("/runs/run/artifacts/none"), 404, "not-found")
    problem(http.get("/runs/run/artifacts/bare"), 404, "not-found")
    problem(http.get("/runs/run/artifacts/a//b"), 400, "invalid-name")
    place = store.path.with_name("log.db-artifacts")
    (place / artifact[:2] / artifact).unlink()
    told = problem(http.get("/runs/run/artifacts/out/über.html"), 404, "not-found")
    assert str(place) not in str(told)


def test_a_path_does_not_lead_out_of_the_artifacts(url: str, artifact: str) -> None:
    for path in (b"../../../etc/passwd", b"..%2f..%2fetc%2fpasswd", b"%2e%2e/x", b"a%5cb", b"%00"):
        said = raw(
            url, b"GET /api/v1/runs/run/artifacts/%b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path
        )
        assert said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404")), said


def test_a_log_as_lines(store: SqliteEventStore, http: httpx.Client) -> None:
    filled(store, count=1_100)
    exported = http.get("/runs/run/export")
    header, *rest = [msgspec.json.decode(line) for line in exported.content.splitlines()]
    assert header == {"headway": 1, "run_id": "run", "kind": "sample", "epoch": store.header("run").epoch}
    assert [event["seq"] for event in rest] == list(range(1, 1_102))
    assert exported.headers["content-type"] == "application/x-ndjson"
    problem(http.get("/runs/none/export"), 404, "not-found")


def test_what_is_remembered_of_a_kind(store: SqliteEventStore, http: httpx.Client) -> None:
    for n in range(1, 12):
        store.create(new_run(f"run-{n}"))
        spans = {"a": (0.0, float(n))}
        end = events.RunCompleted(duration=float(n), spans=spans)
        store.append(batch(f"run-{n}", 1, [events.draft(end, at=AT)]))
    store.create(new_run("broken"))
    error = events.ErrorInfo(code="x", message="y")
    store.append(batch("broken", 1, [events.draft(events.StageFailed(error=error), at=AT, stage="a"), failed()]))
    assert http.get("/kinds").json() == {"kinds": ["sample"]}
    told = http.get("/kinds/sample/history").json()
    assert told["runs"] == {"count": 11, "mean": 6.0, "p50": 6.0, "p90": 10.0, "failed": 1}
    assert told["stages"] == {"a": {"count": 11, "mean": 6.0, "p50": 6.0, "p90": 10.0, "failed": 1}}
    assert [run["duration"] for run in told["completed"]] == [float(n) for n in range(1, 12)]
    assert [(run["run_id"], run["stages"]) for run in told["failed"]] == [("broken", ["a"])]
    assert http.get("/kinds/unknown/history").json()["runs"]["count"] == 0


def test_whether_it_lives(store: SqliteEventStore, url: str) -> None:
    assert httpx.get(url + "/healthz").json() == {"status": "alive"}
    assert httpx.get(url + "/readyz").json() == {"status": "ready", "durability": "full"}
    store.close()
    assert httpx.get(url + "/healthz").status_code == 200
    problem(httpx.get(url + "/readyz"), 503, "store-unavailable")


def test_what_the_operator_alone_may_know_is_not_told(
    store: SqliteEventStore, http: httpx.Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_run_id: str) -> None:
        raise ZeroDivisionError("secret")

    filled(store)
    monkeypatch.setattr(store, "header", broken)
    told = problem(http.get("/runs/run/export"), 500, "error")
    assert "secret" not in str(told)
    identifier = str(told["detail"]).rpartition(" ")[2]
    assert identifier in caplog.text
    assert "ZeroDivisionError: secret" in caplog.text
    store.close()
    told = problem(http.get("/runs"), 503, "store-unavailable")
    assert str(store.path) not in str(told)
    assert str(store.path) in caplog.text


def test_paths_and_methods_that_are_not_there(http: httpx.Client, url: str) -> None:
    problem(httpx.get(url + "/nowhere"), 404, "no-such-path")
    problem(http.get("/runs/run/nowhere"), 404, "no-such-path")
    problem(http.get("/runs/"), 404, "no-such-path")
    refused = http.put("/runs/run/export")
    problem(refused, 405, "method-not-allowed")
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS"
    assert http.options("/runs/run/export").headers["allow"] == "GET, HEAD, OPTIONS"
    problem(http.get("/runs/-run"), 400, "invalid-name")
    problem(http.get("/runs/none"), 404, "not-found")


def test_a_store_that_does_not_open_is_said_when_the_server_starts(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_text("not a store")
    app = create_app(f"sqlite:///{tmp_path / 'log.db'}")

    async def start() -> None:
        async with app.router.lifespan_context(app):
            pytest.fail("it started")

    with pytest.raises(StoreForeign):
        anyio.run(start)


@pytest.mark.parametrize("store", ["none:", "redis://localhost", "log.db"])
def test_what_is_no_store_is_said_at_once(store: str) -> None:
    with pytest.raises(InvalidTarget):
        create_app(store)


def test_a_key_is_refused_as_long_as_there_are_no_tokens(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="tokens"):
        create_app(f"sqlite:///{tmp_path / 'log.db'}", key="x" * 32)


def test_so_is_one_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = f"sqlite:///{tmp_path / 'log.db'}"
    monkeypatch.setenv("HEADWAY_KEY", "")
    create_app(store)
    monkeypatch.setenv("HEADWAY_KEY", "x" * 32)
    with pytest.raises(InvalidInput, match="HEADWAY_KEY"):
        create_app(store)


def test_an_estimator_that_is_not_there_is_told_to_the_operator_and_not_to_clients(tmp_path: Path) -> None:
    settings = Settings(hub=HubSettings(estimator="no_such_module:it"))
    with pytest.raises(InvalidInput, match="no_such_module"):
        create_app(f"sqlite:///{tmp_path / 'log.db'}", settings=settings)
