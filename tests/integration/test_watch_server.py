"""``headway watch`` of a server: runs that come later, over whatever passes, and servers that nobody understands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headway.cli.server_watching import ServerWatching
from headway.errors import NotFound
from headway.hub.settings import HubSettings
from headway.progress.state import State, View
from headway.protocol import cursor
from headway.protocol.frames import EndFrame, EventsFrame, ProblemFrame, SnapshotFrame, TickFrame, WaitingFrame
from headway.server import Settings, create_app
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import new_run
from tests.integration.command_line import PATIENCE_S, CommandLine
from tests.integration.jobs import job
from tests.integration.serving import serving
from tests.integration.terminals import terminal
from tests.integration.test_client import behind, no_stream, no_websocket, report, whole
from tests.integration.test_watch_terminal import STEPS, left_well

Passes = Callable[[dict[str, Any]], bool]
WAYS = [
    pytest.param(lambda _scope: True, id="websocket"),
    pytest.param(no_websocket, id="sse"),
    pytest.param(no_stream, id="polling"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@contextmanager
def served(path: Path, passes: Passes, settings: Settings | None = None) -> Iterator[str]:
    """A server that only some of what it can do gets through to; its URL."""
    store = SqliteEventStore(path)
    with behind(create_app(store, settings=settings or Settings()), passes) as url:
        yield url
    store.close()


@pytest.mark.parametrize("passes", WAYS)
def test_a_run_that_comes_later_on_the_screen(path: Path, passes: Passes) -> None:
    with (
        served(path, passes) as url,
        terminal("watch", "run", "--exit-status", "--url", url, cwd=path.parent, size=(90, 26)) as shown,
    ):
        shown.wait_for("waiting for run run")
        with job(STEPS, path) as worker:
            assert worker.hear() == "ready"
            for text in (
                "A demonstration  demo",
                "✓ Fetch",
                "Chunk 7 of 16",
                "◆ 3 chapters found",
                "│ fetched 3 books",
            ):
                shown.wait_for(text)
            assert shown.text.count("fetched 3 books") == 1
            worker.tell()
            assert shown.end() == 0
            assert shown.rows[0].endswith("✓ completed")
            left_well(shown)


@pytest.mark.parametrize("passes", WAYS)
def test_a_run_that_comes_later_in_lines(path: Path, passes: Passes) -> None:
    cli = CommandLine(path.parent)
    with served(path, passes) as url:
        watcher = cli.start("watch", "run", "--plain", "--exit-status", "--url", url)
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == b"waiting for run run\n"
        with job(STEPS, path) as worker:
            assert worker.hear() == "ready"
            worker.tell()
            out, err = watcher.communicate(timeout=PATIENCE_S)
    said = [" ".join(line[25:].split()) for line in out.decode().splitlines()]
    assert (watcher.returncode, err) == (0, b"")
    assert said[0] == "run run demo A demonstration"
    assert said[-1] == "completed"
    assert said.count("highlight 3 chapters found") == 1


@pytest.mark.parametrize("passes", WAYS)
def test_nothing_is_missed_of_a_run_that_was_waited_for(path: Path, passes: Passes) -> None:
    with served(path, passes) as url:
        frames = ServerWatching(url, "run", PATIENCE_S).frames()
        assert next(frames) == WaitingFrame(run_id="run")
        report(f"sqlite:///{path}")
        got = list(frames)
    assert isinstance(got[0], EventsFrame)
    assert got[0].from_ == 1
    assert sum(isinstance(frame, SnapshotFrame) for frame in got) == 1
    last = got[-1]
    assert isinstance(last, EndFrame)
    end = cursor.parse(last.cursor)
    assert end is not None
    assert whole([frame for frame in got if not isinstance(frame, SnapshotFrame | TickFrame)], end.seq)


@pytest.mark.parametrize("passes", WAYS)
def test_patience_ends(path: Path, passes: Passes) -> None:
    with served(path, passes) as url:
        frames = ServerWatching(url, "run", 0.05).frames()
        assert next(frames) == WaitingFrame(run_id="run")
        with pytest.raises(NotFound, match="no run 'run', since there is no run in"):
            next(frames)


@pytest.mark.parametrize("passes", WAYS)
def test_a_run_that_comes_later_by_the_beginning_of_its_id(path: Path, passes: Passes) -> None:
    with served(path, passes) as url:
        frames = ServerWatching(url, "pre-fix", PATIENCE_S).frames()
        assert next(frames) == WaitingFrame(run_id="pre-fix")
        report(f"sqlite:///{path}", "pre-fixed-run")
        got = list(frames)
    assert isinstance(got[0], SnapshotFrame)
    assert isinstance(got[-1], EndFrame)
    assert {getattr(frame, "run_id", "pre-fixed-run") for frame in got} == {"pre-fixed-run"}


def test_several_runs_that_come_later_and_begin_so(path: Path) -> None:
    with served(path, lambda _scope: True) as url:
        frames = ServerWatching(url, "pre-fix", PATIENCE_S).frames()
        assert next(frames) == WaitingFrame(run_id="pre-fix")
        with closing(SqliteEventStore(path)) as store:
            store.create(new_run("pre-fixed"))
            store.create(new_run("pre-fixture"))
        with pytest.raises(NotFound, match="several runs begin with 'pre-fix': "):
            next(frames)


@pytest.mark.parametrize("run", ["run", None])
def test_looks_that_fail_are_told_and_done_again(path: Path, run: str | None) -> None:
    away = threading.Event()
    with served(path, lambda scope: scope["type"] == "websocket" or not away.is_set()) as url:
        frames = ServerWatching(url, run, PATIENCE_S).frames()
        waiting = WaitingFrame(run_id=run or "")
        assert next(frames) == waiting
        away.set()
        problem = next(frames)
        assert isinstance(problem, ProblemFrame)
        assert problem.code == "store-unavailable"
        away.clear()
        assert next(frames) == waiting
        report(f"sqlite:///{path}")
        assert isinstance(list(frames)[-1], EndFrame)


@pytest.mark.parametrize("run", ["run", None])
def test_patience_does_not_end_while_nobody_can_look(path: Path, run: str | None) -> None:
    away = threading.Event()
    with served(path, lambda scope: scope["type"] == "websocket" or not away.is_set()) as url:
        frames = ServerWatching(url, run, 0.05).frames()
        assert next(frames) == WaitingFrame(run_id=run or "")
        away.set()
        assert isinstance(next(frames), ProblemFrame)
        away.clear()
        with pytest.raises(NotFound, match="no run"):
            next(frames)


def test_who_has_more_patience_than_the_server_waits_on(path: Path) -> None:
    settings = Settings(hub=HubSettings(waiting_s=0.01))
    with served(path, lambda _scope: True, settings) as url:
        frames = ServerWatching(url, "run", PATIENCE_S).frames()
        assert [next(frames) for _ in range(3)] == [WaitingFrame(run_id="run")] * 3
        report(f"sqlite:///{path}")
        got = list(frames)
    assert any(isinstance(frame, EventsFrame | SnapshotFrame) for frame in got)
    assert isinstance(got[-1], EndFrame)


def test_what_is_pressed_reaches_the_job(path: Path) -> None:
    with served(path, lambda _scope: True) as url, job(STEPS, path) as worker:
        assert worker.hear() == "ready"
        with terminal("watch", "run", "--exit-status", "--url", url, cwd=path.parent, size=(90, 26)) as shown:
            worker.tell("ask")
            shown.wait_for("? Publish?  yes / no")
            shown.press("a")
            shown.press("no\r")
            shown.wait_for("◆ told no")
            worker.tell("forever")
            shown.press("c")
            shown.wait_for("Cancel this run?")
            shown.press("y")
            assert shown.end() == 130
            assert shown.rows[0].endswith("– cancelled")


async def misunderstood(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A server whose snapshots are no states."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "headway.v1"})
        frame = '{"type": "snapshot", "run_id": "run", "cursor": "e.1.a", "state": {"seq": 1}, "view": {}}'
        await send({"type": "websocket.send", "text": frame})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    shown = {"state": State(run_id="run"), "view": View(now="2026-11-20T19:41:03.120Z"), "cursor": "e.1.a"}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": msgspec.json.encode(shown)})


@pytest.mark.parametrize("options", [("--plain",), ()])
def test_what_nobody_foresaw_ends_with_a_message_and_a_code(path: Path, options: tuple[str, ...]) -> None:
    with (
        serving(misunderstood) as url,
        terminal("watch", "run", *options, "--url", url, cwd=path.parent, size=(120, 60)) as shown,
    ):
        assert shown.end() == 1
    assert "headway: that is a fault of Headway (ValidationError): please report it" in shown.text
