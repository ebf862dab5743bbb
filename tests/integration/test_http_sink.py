"""Jobs that report to a server over HTTP: the same as to the store itself, only from farther away."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

import headway
from headway.errors import DigestMismatch, HeadwayError, NotFound, RunEnded, StoreUnavailable
from headway.hub.opening import open_run
from headway.ports import Batch, EventSink, Lease, Record
from headway.progress.state import FOLD_VERSION, State
from headway.protocol import events
from headway.protocol.cursor import Cursor
from headway.reporter import run as run_module
from headway.reporter.http import connection
from headway.reporter.http.endpoint import Endpoint
from headway.reporter.http.sink import HttpSink
from headway.reporter.sinks import StoreSink
from headway.server import Settings, create_app
from headway.stores.files import FileArtifactStore
from headway.stores.sqlite import SqliteEventStore
from headway.targets import sink_opener
from headway.testing.samples import AT, OTHER, OWNER, completed, new_run, note, notes, texts
from tests.integration.serving import client, serving
from tests.unit.reporter.flaky import events_of, records_of, types_of

CERTIFICATE = Path(__file__).parents[1] / "data" / "tls" / "localhost.pem"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(tmp_path / "log.db")) as store:
        yield store


@pytest.fixture
def url(store: SqliteEventStore) -> Iterator[str]:
    with serving(create_app(store)) as url:
        yield url


@pytest.fixture
def sink(url: str) -> Iterator[HttpSink]:
    with closing(HttpSink(Endpoint(url, None))) as sink:
        yield sink


@pytest.fixture
def direct(store: SqliteEventStore) -> StoreSink:
    return StoreSink(store, FileArtifactStore(store.path.with_name("log.db-artifacts")))


def perform(target: str, run_id: str) -> State:
    """A job that does a bit of everything."""
    with headway.run(
        "job", run_id=run_id, target=target, plan={"a": 2, "b": {"c": 1, "d": 3}}, title="T", size=7
    ) as run:
        with run.stage("a", total=3, unit="thing") as stage:
            for n in stage.track(range(3)):
                stage.log(f"ä line {n}")
        finding = run.finding("It is slow", severity="high", confidence=0.5)
        finding.update(confidence=0.9)
        run.emit("x.own", {"deep": [{"er": None}]}, priority="high")
        with run.stage("b/c") as stage:
            stage.degrade("no model", fallback="guess")
        run.stage("b/d").skip("nothing to do")
        run.artifact("out/ä.txt", b"content")
        run.highlight("3 things")
        run.result({"n": 3})
    return run.state


def plain(state: State) -> Any:
    """The state as JSON has it."""
    return msgspec.json.decode(msgspec.json.encode(state))


def timeless(value: Any) -> Any:
    """A state without what differs from time to time."""
    if isinstance(value, dict):
        varying = ("at", "duration", "seq", "id", "run_id", "current")
        return {name: timeless(each) for name, each in value.items() if not name.endswith(varying)}
    return [timeless(each) for each in value] if isinstance(value, list) else value


def test_a_job_reports_the_same_as_to_the_store(store: SqliteEventStore, url: str) -> None:
    far = perform(url, "far")
    near = perform(f"sqlite:///{store.path}", "near")
    stored = open_run(store, "far").state
    assert plain(far) == plain(stored)
    assert timeless(plain(stored)) == timeless(plain(near))
    assert stored.status == "completed"
    listed = {header.run_id: header for header in store.list_runs().headers}
    assert listed["far"].progress == listed["near"].progress == 1_000_000
    with client(url) as http:
        assert http.get("/runs/far/artifacts/out/ä.txt").content == b"content"


def test_a_large_result_is_kept_wherever_it_is_reported(store: SqliteEventStore, url: str) -> None:
    result = {"text": "x" * 70_000}
    for run_id, target in (("far", url), ("near", f"sqlite:///{store.path}")):
        with headway.run("sample", run_id=run_id, target=target) as run:
            run.result(result)
        state = open_run(store, run_id).state
        assert (state.status, state.result) == ("completed", {"artifact": "result.json"})
        with client(url) as http:
            kept = http.get(f"/runs/{run_id}/artifacts/result.json")
        assert (kept.headers["content-type"], kept.json()) == ("application/json", result)


def test_a_large_result_that_the_server_does_not_take(
    store: SqliteEventStore, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(store, settings=Settings(artifact_bytes=80_000))
    with serving(app) as url, headway.run("sample", run_id="run", target=url) as run:
        run.result("x" * 90_000)
    state = open_run(store, "run").state
    assert (state.status, state.result, state.artifacts) == ("completed", None, ())
    assert "the artifact 'result.json' was not stored" in caplog.text


def test_each_call_answers_as_the_store_does(sink: HttpSink, direct: StoreSink) -> None:
    """Two runs in step: what one is told over HTTP, the other is told directly."""

    def both(call: Callable[[EventSink, str], Any]) -> Any:
        told = []
        for each, run_id in ((sink, "far"), (direct, "near")):
            try:
                answer = call(each, run_id)
            except HeadwayError as error:
                answer = (type(error), getattr(error, "expected", None), getattr(error, "reason", None))
            told.append(_comparable(answer, run_id))
        assert told[0] == told[1]
        return told[0]

    def append(first: int, *drafts: events.Draft, **members: Any) -> Callable[[EventSink, str], Any]:
        return lambda each, run_id: each.append(
            Batch(run_id=run_id, reporter="owner", first=first, events=drafts, **members)
        )

    assert both(append(1, note("x")))[0] is NotFound
    assert both(lambda each, run_id: each.attach(run_id))[0] is NotFound
    both(lambda each, run_id: each.create(new_run(run_id)))
    both(lambda each, run_id: each.create(new_run(run_id)))
    both(lambda each, run_id: each.create(new_run(run_id, kind="other")))
    assert both(lambda each, run_id: each.attach(run_id))[0] is NotFound
    both(lambda each, run_id: each.take_over(run_id, OWNER, AT, 30.0))
    both(lambda each, run_id: each.take_over(run_id, OWNER, AT, 30.0))
    both(lambda each, run_id: each.attach(run_id))
    both(append(1, note("a"), note("b"), attempt=1))
    both(append(2, note("b"), note("c"), attempt=1))
    both(append(9, note("z"), attempt=1))
    both(append(9, note("z"), attempt=1, lost=(4, 8)))
    both(append(10, note("z"), attempt=7))
    both(append(10, note("z"), epoch="other"))
    both(append(10, events.Draft(at=AT, type="nonsense", priority="low", data={})))
    both(append(10, note("x" * 70_000)))
    both(append(0))
    both(lambda each, run_id: each.renew(_lease(run_id, owner=True)))
    both(lambda each, run_id: each.renew(_lease(run_id, owner=False)))
    both(lambda each, run_id: each.renew(_lease(run_id, owner=False, attempt=5)))
    assert both(lambda each, run_id: each.helpers(run_id)) == ("other",)
    both(lambda each, run_id: each.release(run_id, "other"))
    assert both(lambda each, run_id: each.helpers(run_id)) == ()
    both(lambda each, run_id: each.read(run_id, Cursor("other", 3, 1)))
    both(append(10, completed(2.0), attempt=1))
    both(append(11, note("late"), attempt=1))
    both(lambda each, run_id: each.attach(run_id))
    both(lambda each, run_id: each.take_over(run_id, OWNER, AT, 30.0))
    both(lambda each, run_id: each.renew(_lease(run_id, owner=True)))
    both(lambda each, _: each.attach("nowhere"))
    both(lambda each, _: each.helpers("nowhere"))
    both(lambda each, run_id: each.read("nowhere", None))


def _comparable(answer: Any, run_id: str) -> Any:
    """An answer without the names that each log gets by chance."""
    if not isinstance(answer, msgspec.Struct):
        return answer
    values = msgspec.structs.asdict(answer)
    values["cursor"] = values["cursor"].seq
    return type(answer), {name: value for name, value in values.items() if name != "epoch"}


def _lease(run_id: str, *, owner: bool, attempt: int = 1) -> Lease:
    return Lease(run_id=run_id, reporter=OWNER if owner else OTHER, ttl_s=30.0, owner=owner, attempt=attempt)


def test_what_is_read_is_the_log(sink: HttpSink, direct: StoreSink, store: SqliteEventStore) -> None:
    sink.create(new_run())
    for first in range(1, 1_200, 400):
        sink.append(Batch(run_id="run", reporter="r", first=first, events=notes(*range(first, first + 400))))
    found: list[Record] = []
    cursor: Cursor | None = None
    while True:
        far, near = sink.read("run", cursor), direct.read("run", cursor)
        assert (far.cursor, far.complete, far.ended) == (near.cursor, near.complete, near.ended)
        assert [(r.seq, r.type, r.priority, r.body) for r in far.records] == [
            (r.seq, r.type, r.priority, r.body) for r in near.records
        ]
        found += far.records
        cursor = far.cursor
        if far.complete:
            break
    assert texts(found)[1:] == [str(n) for n in range(1, 1_201)]
    snapshot = sink.snapshot("run", fold=FOLD_VERSION)
    assert snapshot is not None
    assert snapshot.cursor == store.header("run").cursor
    assert msgspec.json.decode(snapshot.body, type=State) == open_run(store, "run").state
    assert sink.snapshot("run", fold=FOLD_VERSION + 1) is None
    assert not sink.put_snapshot("run", snapshot)


def test_listening_ends_with_what_is_heard(sink: HttpSink, url: str, store: SqliteEventStore) -> None:
    sink.create(new_run())
    sink.take_over("run", OWNER, AT, 30.0)
    heard: list[Any] = []
    stop = threading.Event()
    thread = threading.Thread(target=lambda: heard.append(sink.listen("run", None, stop)))
    thread.start()
    with client(url) as http:
        http.post("/runs/run/cancel", json={"reason": "enough"})
    thread.join()
    assert [record.type for record in heard[0].records] == ["run.cancel_requested"]
    thread = threading.Thread(target=lambda: heard.append(sink.listen("run", heard[0].cursor, stop)))
    thread.start()
    stop.set()
    thread.join()
    assert heard[1].records == ()
    assert sink.helpers("run") == (), "the connection that was held is not used for something else"


def test_artifacts_are_stored_and_compared(
    sink: HttpSink, store: SqliteEventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink.create(new_run())
    content = os.urandom(3_000_000)
    path = tmp_path / "big"
    path.write_bytes(content)
    blob = sink.put_artifact("run", "a/b c?#ü", path)
    assert (blob.sha256, blob.size) == (hashlib.sha256(content).hexdigest(), len(content))
    with path.open("rb") as file:
        assert sink.put_artifact("run", "a/b c?#ü", file) == blob
    sink.put_artifact("not-yet", "early", path)
    assert types_of(store, "run") == ["run.created"], "that there is one is for the reporter to say"
    with FileArtifactStore(tmp_path / "log.db-artifacts").open(blob.sha256) as stored:
        assert stored.read() == content
    sink.append(Batch(run_id="run", reporter="r", first=1, events=(completed(),)))
    with pytest.raises(RunEnded):
        sink.put_artifact("run", "late", path)


def test_a_job_hears_a_cancel(url: str, store: SqliteEventStore) -> None:
    began = threading.Event()

    def cancel() -> None:
        began.wait()
        with client(url) as http:
            http.post("/runs/run/cancel", json={"reason": "enough"})

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(headway.Cancelled), headway.run("job", run_id="run", target=url) as run:
        run.flush()
        began.set()
        while True:
            run.check()
            threading.Event().wait(0.005)
    thread.join()
    assert types_of(store)[-1] == "run.cancelled"


def test_a_job_gets_an_answer(url: str, store: SqliteEventStore) -> None:
    def answer() -> None:
        with client(url) as http:
            while True:
                page = http.get("/runs/run/events", params={"types": "input.requested", "wait": 20}).json()
                if page["events"]:
                    break
            http.post(f"/runs/run/inputs/{page['events'][0]['data']['id']}", json={"value": "yes"})

    with headway.run("job", run_id="run", target=url) as run:
        run.flush()
        thread = threading.Thread(target=answer)
        thread.start()
        assert run.ask("Publish?", choices=["yes", "no"], timeout=60) == "yes"
        thread.join()


def test_async_jobs(url: str, store: SqliteEventStore) -> None:
    async def job() -> None:
        async with headway.run("job", run_id="run", target=url) as run, run.stage("a") as stage:
            async for _ in stage.track(range(100)):
                await asyncio.sleep(0)

    asyncio.run(job())
    assert open_run(store, "run").state.stages[0].current == 100


def test_helpers_report_to_the_same_run(url: str, store: SqliteEventStore) -> None:
    def help_out(n: int) -> None:
        with headway.attach("run", target=url) as run, run.stage(f"part-{n}") as stage:
            for _ in stage.track(range(50)):
                pass

    with headway.run("job", run_id="run", target=url) as run:
        run.flush()
        threads = [threading.Thread(target=help_out, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    state = open_run(store, "run").state
    assert [stage.status for stage in state.stages] == ["completed"] * 3
    assert {stage.current for stage in state.stages} == {50}


def test_a_forked_child_helps(url: str, store: SqliteEventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "HELPERS_S", 0.1)  # for the child, which does not take its leave
    with headway.run("job", run_id="run", target=url) as run:
        run.note("parent")
        run.flush()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with run.stage("child") as stage:
                    stage.note("child")
                code = 0 if run.flush() else 2
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        run.note("parent again")
    said = texts(records_of(store))
    assert [said.count(text) for text in ("parent", "child", "parent again")] == [1, 1, 1]


def test_who_is_asked_carries_the_token(store: SqliteEventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    carried: set[bytes] = set()
    inner = create_app(store)

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        carried.update(value for name, value in scope.get("headers", ()) if name == b"authorization")
        await inner(scope, receive, send)

    monkeypatch.setenv("HEADWAY_TOKEN", "abc.def-123")
    with serving(outer) as url:
        perform(url, "run")
    assert carried == {b"Bearer abc.def-123"}
    monkeypatch.setenv("HEADWAY_TOKEN", "two\nlines")
    with pytest.raises(headway.HeadwayError, match="HEADWAY_TOKEN"):
        headway.run("job", target=url)


def test_a_server_behind_a_path(store: SqliteEventStore) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    with serving(Starlette(routes=[Mount("/deep/headway", create_app(store))])) as url:
        perform(f"{url}/deep/headway/", "run")
    assert open_run(store, "run").state.status == "completed"


def test_certificates_are_checked(
    store: SqliteEventStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(create_app(store), ssl_certfile=str(CERTIFICATE)) as url:
        secure = url.replace("http://127.0.0.1", "https://localhost")
        with closing(HttpSink(Endpoint(secure, None))) as sink:
            with pytest.raises(StoreUnavailable, match="certificate"):
                sink.create(new_run())
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        perform(secure, "run")
        other = Endpoint(secure.replace("localhost", "127.0.0.2"), None)
        with closing(HttpSink(other)) as sink, pytest.raises(StoreUnavailable, match=r"127\.0\.0\.2"):
            sink.create(new_run())
    assert open_run(store, "run").state.status == "completed"


def test_a_connection_that_the_server_closes_after_each_answer_is_no_trouble(
    store: SqliteEventStore, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "headway"), serving(create_app(store), timeout_keep_alive=0) as url:
        with headway.run("job", run_id="run", target=url) as run:
            for n in range(100):
                run.emit("x.n", {"n": n})
                assert run.flush()
    assert caplog.text == ""
    assert [msgspec.json.decode(e.data)["n"] for e in events_of(store) if e.type == "x.n"] == list(range(100))


def test_an_answer_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def served(status: int, body: bytes) -> Callable[..., Any]:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": body})

        return app

    cases = [
        (200, b"{}", StoreUnavailable),
        (200, b'{"cursor": "0", "state": {}}', StoreUnavailable),
        (200, b"<html>log in first</html>", StoreUnavailable),
        (200, b"\xff", StoreUnavailable),
        (404, b"<html>", StoreUnavailable),
        (302, b"", StoreUnavailable),
        (500, b"[" * 100_000, StoreUnavailable),
        (400, b'{"code": "digest-mismatch"}', DigestMismatch),
    ]
    for status, body, kind in cases:
        with serving(served(status, body), lifespan="off") as url, closing(HttpSink(Endpoint(url, None))) as sink:
            with pytest.raises(kind):
                sink.create(new_run())
    monkeypatch.setattr(connection, "ANSWER_BYTES", 1_000)
    with serving(served(200, b" " * 2_000), lifespan="off") as url, closing(HttpSink(Endpoint(url, None))) as sink:
        with pytest.raises(StoreUnavailable, match="too large"):
            sink.create(new_run())


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http:///path",
        "http://user:secret@host",
        "http://host:port",
        "http://host:99999",
        "http://host/?x=1",
        "https://host#x",
        "http://[::1",
    ],
)
def test_what_is_no_server_is_said_at_once(url: str) -> None:
    with pytest.raises(headway.HeadwayError) as refused:
        sink_opener(url)
    assert refused.value.code == "invalid-target"
    assert "secret" not in str(refused.value)
