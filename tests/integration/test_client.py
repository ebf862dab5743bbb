"""The Python client and real servers: every transport, restarts, proxies that let little pass, and both faces."""

from __future__ import annotations

import asyncio
import io
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

import headway
from headway.client import BlockingClient, Client, TransportName, Watching
from headway.client.ladder import TRANSPORTS
from headway.errors import InvalidTarget, NotFound, RemoteProtocolError, RunEnded, StoreUnavailable
from headway.protocol.events import Event
from headway.protocol.frames import AnyFrame, EndFrame, EventsFrame, SnapshotFrame
from headway.server import create_app
from headway.stores.sqlite import SqliteEventStore
from tests.integration.server_process import ServerProcess, server_process
from tests.integration.serving import serving, serving_directly

NOTES = 60


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteEventStore]:
    opened = SqliteEventStore(tmp_path / "log.db")
    yield opened
    opened.close()


@pytest.fixture
def url(store: SqliteEventStore) -> Iterator[str]:
    with serving_directly(create_app(store)) as url:
        yield url


def report(target: str, run_id: str = "run", gate: threading.Event | None = None) -> None:
    with headway.run("job", run_id=run_id, target=target) as run:
        for n in range(NOTES):
            run.note(f"note {n}")
            if gate is not None and n == NOTES // 2:
                run.flush(30)
                gate.wait(30)


def seqs(frames: list[AnyFrame]) -> list[int]:
    bodies = [body for frame in frames if isinstance(frame, EventsFrame) for body in frame.events]
    return [msgspec.json.decode(body, type=Event).seq for body in bodies]


async def collected(watching: Watching) -> list[AnyFrame]:
    async with watching:
        return [frame async for frame in watching]


def whole(frames: list[AnyFrame], last: int) -> bool:
    """Every event from the first to the last, once and in order, and then the end."""
    ends = [isinstance(frame, EndFrame) for frame in frames]
    return seqs(frames) == list(range(1, last + 1)) and ends == [False] * (len(frames) - 1) + [True]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_run_is_watched_to_its_end_on_each_transport(
    url: str, store: SqliteEventStore, transport: TransportName
) -> None:
    gate = threading.Event()
    job = threading.Thread(target=report, args=(f"sqlite:///{store.path}", "run", gate))
    job.start()

    async def watch() -> list[AnyFrame]:
        async with Client(url, transports=[transport]) as client:
            watching = client.watch("run", after="0", mode="all")
            frames = []
            async with watching:
                async for frame in watching:
                    frames.append(frame)
                    if max(seqs(frames), default=0) > NOTES // 2:
                        gate.set()
                assert watching.transport == transport
            assert watching.connection == "closed"
            return frames

    frames = asyncio.run(watch())
    job.join()
    assert whole(frames, store.header("run").cursor.seq)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_server_that_is_killed_and_comes_back_costs_no_event(tmp_path: Path, transport: TransportName) -> None:
    path = tmp_path / "log.db"
    gate = threading.Event()
    job = threading.Thread(target=report, args=(f"sqlite:///{path}", "run", gate))

    async def watch(server: ServerProcess) -> list[AnyFrame]:
        async with Client(server.url, transports=[transport]) as client:
            watching = client.watch("run", after="0", mode="all")
            frames: list[AnyFrame] = []
            async with watching:
                async for frame in watching:
                    frames.append(frame)
                    if not gate.is_set() and max(seqs(frames), default=0) > NOTES // 2:
                        server.kill()
                        gate.set()
                        await asyncio.to_thread(server.start)
            return frames

    with server_process(path) as server:
        job.start()
        frames = asyncio.run(watch(server))
    job.join()
    with_store = SqliteEventStore(path)
    assert whole(frames, with_store.header("run").cursor.seq)
    with_store.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_run_that_was_deleted_has_ended(url: str, store: SqliteEventStore, transport: TransportName) -> None:
    report(f"sqlite:///{store.path}")
    seen = str(store.cursor_at("run", 5))
    store.delete("run")

    async def watch() -> list[AnyFrame]:
        async with Client(url, transports=[transport]) as client:
            return await collected(client.watch("run", after=seen, mode="all"))

    last = asyncio.run(watch())[-1]
    assert isinstance(last, EndFrame)
    assert last.status == "deleted"


@contextmanager
def behind(app: Any, passes: Callable[[dict[str, Any]], bool]) -> Iterator[str]:
    """A proxy that answers with a page of its own to what it does not let pass."""

    async def proxy(scope: dict[str, Any], receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if passes(scope):
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            await send({"type": "http.response.start", "status": 502, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": b"<h1>Bad gateway</h1>"})

    with serving(proxy) as url:
        yield url


def no_websocket(scope: dict[str, Any]) -> bool:
    return bool(scope["type"] != "websocket")


def no_stream(scope: dict[str, Any]) -> bool:
    return no_websocket(scope) and not str(scope.get("path")).endswith("/stream")


@pytest.mark.parametrize(("passes", "transport"), [(no_websocket, "sse"), (no_stream, "polling")])
def test_what_a_proxy_refuses_is_gone_around(
    store: SqliteEventStore, passes: Callable[[dict[str, Any]], bool], transport: TransportName
) -> None:
    report(f"sqlite:///{store.path}")

    async def watch(url: str) -> tuple[list[AnyFrame], TransportName]:
        async with Client(url) as client:
            watching = client.watch("run", after="0", mode="all")
            return await collected(watching), watching.transport

    with behind(create_app(store), passes) as url:
        frames, used = asyncio.run(watch(url))
    assert used == transport
    assert whole(frames, store.header("run").cursor.seq)


def test_a_watcher_that_leaves_takes_its_cursor_to_another_transport(url: str, store: SqliteEventStore) -> None:
    report(f"sqlite:///{store.path}")

    async def some(transport: TransportName, after: str, at_least: int) -> tuple[list[AnyFrame], str]:
        async with (
            Client(url, transports=[transport]) as client,
            client.watch("run", after=after, mode="all") as watching,
        ):
            frames: list[AnyFrame] = []
            async for frame in watching:
                frames.append(frame)
                if len(seqs(frames)) >= at_least:
                    break
            assert watching.cursor is not None
            return frames, watching.cursor

    frames, after = asyncio.run(some("websocket", "0", 1))
    for transport in ("sse", "polling", "websocket"):
        more, after = asyncio.run(some(transport, after, 10_000))
        frames += more
    assert seqs(frames) == list(range(1, store.header("run").cursor.seq + 1))


def test_a_program_without_a_loop_sees_the_same(url: str, store: SqliteEventStore) -> None:
    report(f"sqlite:///{store.path}")
    with BlockingClient(url) as client:
        frames = list(client.watch("run", after="0", mode="all"))
        assert whole(frames, store.header("run").cursor.seq)
        assert [run.run_id for run in client.runs({"kind": "job"}).runs] == ["run"]
        assert msgspec.json.decode(client.show("run").state)["status"] == "completed"
        assert bytes(client.events("run", "0", limit=3).events[2]).startswith(b'{"seq":3')
        with pytest.raises(RunEnded):
            client.cancel("run")
        with pytest.raises(NotFound):
            client.show("another")
        with pytest.raises(NotFound):
            client.download("run", "missing.txt", io.BytesIO())


def test_waiting_for_a_frame_can_be_given_up_and_gone_on_with(url: str, store: SqliteEventStore) -> None:
    gate = threading.Event()
    job = threading.Thread(target=report, args=(f"sqlite:///{store.path}", "run", gate))
    with BlockingClient(url) as client:
        watching = client.watch("run", after="0", mode="all", types=["note"])
        job.start()
        frames: list[AnyFrame] = []
        waits = 0
        while not any(isinstance(frame, EndFrame) for frame in frames):
            try:
                frame = watching.next(0.05)
            except TimeoutError:
                waits += 1
                gate.set()
            else:
                assert frame is not None
                frames.append(frame)
        assert waits
        assert len(seqs(frames)) == NOTES
        watching.close()
        job.join()
        client.watch("another").close()  # one that waits may be closed, too


def test_an_early_end_leaves_nothing_behind(url: str, store: SqliteEventStore) -> None:
    report(f"sqlite:///{store.path}")
    with BlockingClient(url) as client:
        for frame in client.watch("run"):
            assert isinstance(frame, SnapshotFrame)
            break
    assert "headway-client" not in {thread.name for thread in threading.enumerate()}


def test_where_there_is_no_server_requests_say_so() -> None:
    with BlockingClient("http://127.0.0.1:9") as client:
        with pytest.raises(StoreUnavailable, match="out of reach"):
            client.show("run")
        watching = client.watch("run")
        with pytest.raises(TimeoutError):
            watching.next(0.2)
        assert (watching.connection, bool(watching.trouble)) == ("reconnecting", True)
    for url in ("redis://somewhere", "redis://user:secret@somewhere"):
        with pytest.raises(InvalidTarget, match=r"'redis://somewhere' is not .* http://host:port"):
            Client(url)


def test_a_password_in_the_url_is_sent_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_both() -> None:
            for _ in range(2):
                peer, _ = listener.accept()
                with peer:
                    heard.append(peer.recv(65536))
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

        answering = threading.Thread(target=answer_both)
        answering.start()
        url = f"http://user:secret@127.0.0.1:{listener.getsockname()[1]}/below"
        with caplog.at_level("INFO"), BlockingClient(url) as client:
            assert "secret" not in client.url
            with pytest.raises(RemoteProtocolError) as answer:
                client.alive()
            watching = client.watch("run")
            while watching.trouble is None:
                with suppress(TimeoutError):
                    watching.next(0.1)
        answering.join(30)
    assert [b"uthorization: Basic dXNlcjpzZWNyZXQ=" in request for request in heard] == [True, True]
    with BlockingClient(url) as client, pytest.raises(StoreUnavailable) as absence:
        client.alive()
    for said in (str(answer.value), str(absence.value), str(watching.trouble), caplog.text):
        assert "secret" not in said, said
