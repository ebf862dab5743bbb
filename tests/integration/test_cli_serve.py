"""``headway serve`` as a process: it says where it is, ends when it is told to, and refuses what would be unsafe."""

from __future__ import annotations

import re
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest

from headway.protocol.times import to_text
from headway.stores.sqlite import SqliteEventStore
from headway.testing import FakeClock
from headway.testing.samples import OWNER, batch, completed, new_run
from tests.integration.command_line import COMMAND, CommandLine
from tests.integration.jobs import until
from tests.integration.watching import watcher


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@contextmanager
def serve(cli: CommandLine, *arguments: str, kept: str = "24h") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server, and its URL."""
    # As a shell starts it: with few files, of which it may have more.
    command = ["sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh", *COMMAND, "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=cli.environment(), text=True)
    try:
        said = pipe(process).readline()
        match = re.fullmatch(r"serving (\S+) \(ended runs are kept: (.*)\) at (http://127\.0\.0\.1:\d+)\n", said)
        assert match is not None, said
        assert match[1] == cli.url
        assert match[2] == kept
        yield process, match[3]
    finally:
        process.kill()
        process.wait()
        pipe(process).close()


def pipe(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(cli: CommandLine, number: signal.Signals) -> None:
    with serve(cli) as (process, url):
        assert httpx.get(url + "/readyz").json()["status"] == "ready"
        assert httpx.post(url + "/api/v1/runs", json={"run_id": "run", "kind": "k"}).status_code == 201
        with watcher(url) as ws:
            ws.say("watch", run_id="run")
            ws.hear("snapshot")
            process.send_signal(number)
            assert ws.rest() == []
            assert ws.closed_with == 1001
            assert re.fullmatch(r"the server is ending: come back in [0-4]\.\d s", ws.socket.close_reason or "")
        assert process.wait(20) == 0
    store = SqliteEventStore(cli.path)
    assert store.header("run").kind == "k"
    store.close()


def test_who_may_come_can_be_said(cli: CommandLine) -> None:
    with serve(cli, "--allow-host", "headway.example", "--allow-origin", "https://page.example") as (_, url):
        headers = {"Host": "headway.example", "Origin": "https://page.example"}
        made = httpx.post(url + "/api/v1/runs", json={"kind": "k"}, headers=headers)
        assert made.status_code == 201
        assert made.headers["access-control-allow-origin"] == "https://page.example"
        assert httpx.get(url + "/healthz", headers={"Host": "other.example"}).status_code == 403


def test_an_address_that_others_reach_is_refused(cli: CommandLine) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.com"):
        told = cli("serve", "--host", host, code=2).err
        assert "without a key" in told
    assert not cli.path.exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_key_that_would_keep_nobody_out_is_refused(cli: CommandLine, host: str) -> None:
    told = cli("serve", "--port", "0", "--host", host, code=2, environment={"HEADWAY_KEY": "k" * 32}).err
    assert "tokens are not built yet" in told
    assert "HEADWAY_KEY" in told
    assert not cli.path.exists()


def test_a_port_that_is_taken(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = cli("serve", "--port", str(taken.getsockname()[1]), code=2).err
    assert "choose another port" in told


def test_a_file_that_is_no_store(cli: CommandLine) -> None:
    cli.path.write_text("something else")
    told = cli("serve", "--port", "0", code=5).err
    assert "not a Headway store" in told
    assert "Traceback" not in told


def test_two_servers_on_one_file(cli: CommandLine) -> None:
    with serve(cli) as (_, first), serve(cli) as (_, second):
        with watcher(second) as ws:
            ws.say("watch", run_id="run", mode="all", after="0")
            ws.hear("waiting")
            httpx.post(first + "/api/v1/runs", json={"run_id": "run", "kind": "k"})
            assert ws.hear("events")["events"][0]["type"] == "run.created"
            assert httpx.post(first + "/api/v1/notices", json={"text": "to all"}).json() == {"connections": 0}
            assert ws.hear("notice") == {"type": "notice", "text": "to all", "level": "info"}


def test_what_was_there_is_served(cli: CommandLine) -> None:
    store = SqliteEventStore(cli.path)
    store.create(new_run("old"))
    store.close()
    with serve(cli) as (_, url):
        assert [run["run_id"] for run in httpx.get(url + "/api/v1/runs").json()["runs"]] == ["old"]


def test_it_takes_as_many_connections_as_the_system_lets_it(cli: CommandLine) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with serve(cli) as (process, _):
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (most, most)


def test_old_runs_are_removed_and_others_kept(cli: CommandLine) -> None:
    now = time.time()
    for name, kind, age_h in (
        ("old", "usual", 25),
        ("kept", "audit", 25),
        ("older", "audit", 50),
        ("new", "usual", 23),
    ):
        with closing(SqliteEventStore(cli.path, clock=FakeClock(now - age_h * 3600))) as store:
            store.create(new_run(name, kind, to_text(now - age_h * 3600)))
            store.append(batch(name, 1, [completed(1.0, to_text(now - age_h * 3600))]))
    with closing(SqliteEventStore(cli.path)) as store:
        store.create(new_run("goes-on", at=to_text(now - 1e6)))
        store.take_over("goes-on", OWNER, to_text(now - 1e6), 1e5)
        cursor = store.header("old").cursor
    with (
        serve(cli, "--keep", "audit=2d", kept="24h, audit=2d") as (_, url),
        closing(SqliteEventStore(cli.path)) as store,
    ):
        until(lambda: len(store.list_runs().headers) == 3, "the removal of old runs")
        assert {header.run_id for header in store.list_runs().headers} == {"kept", "new", "goes-on"}
        assert [past.run_id for past in store.past_runs("usual")] == ["old", "new"]
        with watcher(url) as ws:
            ws.say("watch", run_id="old", after=str(cursor))
            assert ws.hear("snapshot")["gap"] == {"after": str(cursor), "reason": "deleted"}
            assert ws.hear("end")["status"] == "deleted"


@pytest.mark.parametrize("wrong", ["soon", "audit=never"])
def test_how_long_nobody_can_mean(cli: CommandLine, wrong: str) -> None:
    assert wrong.rpartition("=")[2] in cli("serve", "--keep", wrong, code=2).err
