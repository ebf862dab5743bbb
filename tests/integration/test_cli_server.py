"""The commands on a server do what they do on its file: the same words, the same exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest

from headway.cli.server_source import PAGE_RUNS, TAIL_LINES, ServerSource
from headway.errors import HeadwayError, NotAllowed, Unauthorized
from headway.hub.settings import HubSettings
from headway.ports import RunFilter
from headway.protocol import events
from headway.protocol.problems import problem_of, status_of
from headway.server import Settings, create_app
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT, OWNER, batch, new_run, started
from tests.integration.command_line import CommandLine, Done
from tests.integration.jobs import tell
from tests.integration.serving import serving, serving_directly
from tests.integration.test_cli_prune import left, make
from tests.integration.test_client import behind

KEEPS = Settings(hub=HubSettings(retention=()))
"""A server that removes nothing by itself."""


class Ask(Protocol):
    """Runs a command where the runs are."""

    def __call__(self, *arguments: str, code: int = 0) -> Done: ...


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def store(cli: CommandLine) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(cli.path)) as store:
        yield store


@pytest.fixture
def url(store: SqliteEventStore) -> Iterator[str]:
    with serving_directly(create_app(store, settings=KEEPS)) as url:
        yield url


@pytest.fixture(params=["file", "server"])
def ask(request: pytest.FixtureRequest, cli: CommandLine, url: str) -> Ask:
    where = url if request.param == "server" else cli.url

    def ask(*arguments: str, code: int = 0) -> Done:
        return cli(*arguments, code=code, environment={"HEADWAY_URL": where})

    return ask


def asked(store: SqliteEventStore, run_id: str = "run") -> None:
    """A run that asks something."""
    store.create(new_run(run_id))
    tell(store, events.InputRequested(id="q", prompt="Publish?", choices=("yes", "no")), run_id)


def test_an_answer_that_counts_is_no_failure(ask: Ask, store: SqliteEventStore) -> None:
    asked(store)
    assert ask("answer", "run", "q", "yes").out == "answered 'Publish?': yes\n"
    assert ask("answer", "run", "q", "no", code=1).err.endswith(": yes\n")


@pytest.mark.parametrize("refusal", [Unauthorized("a token is needed"), NotAllowed("not from there")])
@pytest.mark.parametrize(
    "arguments",
    [
        ("ls",),
        ("ls", "--watch", "--json"),
        ("show", "run"),
        ("watch", "run"),
        ("watch", "--json"),
        ("log", "run"),
        ("cancel", "run"),
        ("answer",),
        ("artifacts", "run"),
        ("export", "run"),
        ("import", "-"),
        ("replay", "run"),
    ],
    ids=" ".join,
)
def test_what_a_server_refuses_is_not_allowed(
    cli: CommandLine, arguments: tuple[str, ...], refusal: HeadwayError
) -> None:
    async def refuse(scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/problem+json")]
        status = status_of(type(refusal))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": msgspec.json.encode(problem_of(refusal))})

    with serving(refuse) as url:
        assert cli(*arguments, "--url", url, code=4).err == f"headway: {refusal}\n"


def test_old_runs_are_removed(ask: Ask, cli: CommandLine) -> None:
    make(cli, a_1=50, a_2=40, a_3=30, b_1=26, b_2=2)
    assert ask("prune", "--dry-run", "--json").json["runs"] == ["b_1", "a_3", "a_2", "a_1"]
    assert ask("prune", "--dry-run", "--json", "--max-runs", "1", "--kind", "a").json["runs"] == ["a_2", "a_1"]
    assert ask("prune", "--dry-run", "--json", "--max-runs", "0", "--status", "failed").json["runs"] == []
    done = ask("prune", "--older-than", "35h", "--yes")
    assert done.lines[1:3] == ["  a_2", "  a_1"]
    assert done.lines[-1].startswith("removed 2 runs")
    assert left(cli) == {"a_3", "b_1", "b_2", "waits"}
    assert ask("prune", "--older-than", "35h", "--dry-run").lines == ["no run is to be removed"]


def test_what_a_servers_lists_do_not_tell(cli: CommandLine, url: str) -> None:
    make(cli, old=25)
    assert "how large" in cli("prune", "--max-bytes", "1MB", "--yes", "--url", url, code=2).err
    done = cli("prune", "--yes", "--json", "--url", url).json
    assert done == {"runs": ["old"], "size_bytes": None, "artifact_bytes": None, "removed": True}


def test_as_many_runs_are_listed_as_are_wanted(store: SqliteEventStore, url: str) -> None:
    for number in range(PAGE_RUNS + 2):
        store.create(new_run(f"run-{number}"))
    newest_first = [f"run-{number}" for number in range(PAGE_RUNS + 1, -1, -1)]
    with ServerSource(url) as source:
        most = source.list_runs(RunFilter(), limit=PAGE_RUNS + 1)
        rest = source.list_runs(RunFilter(), limit=PAGE_RUNS + 1, page=most.next)
    assert [run.run_id for run in most.runs] == newest_first[:-1]
    assert [run.run_id for run in rest.runs] == newest_first[-1:]


@pytest.mark.parametrize("tail", ["0", "2", "20000"])
def test_the_end_of_a_log_however_long_it_is(ask: Ask, store: SqliteEventStore, tail: str) -> None:
    store.create(new_run())
    lines = [f"{number}" for number in range(TAIL_LINES + 5)]
    for number in range(0, len(lines), 1_000):
        tell(store, events.Log(lines=tuple(lines[number : number + 1_000])))
    tell(store, events.Log(lines=("another",), stream="stderr"))
    assert (
        ask("log", "run", "--tail", tail, "--stream", "log").lines == lines[len(lines) - min(int(tail), len(lines)) :]
    )


def test_text_that_is_no_longer_kept_is_told(ask: Ask, cli: CommandLine) -> None:
    with closing(SqliteEventStore(cli.path, log_limit_bytes=100)) as store:
        store.create(new_run())
        for number in range(20):
            tell(store, events.Log(lines=(f"line {number:05}",)))
    done = ask("log", "run", "--tail", "15")
    assert done.lines[-1] == "line 00019"
    assert len(done.lines) < 15
    assert "older text are no longer kept" in done.err


def test_the_state_before_the_first_event(ask: Ask, store: SqliteEventStore) -> None:
    store.create(new_run())
    assert ask("show", "run", "--at", "0", "--json").json["state"]["seq"] == 0


def test_a_run_as_it_was_with_the_times_of_then(ask: Ask, store: SqliteEventStore) -> None:
    store.create(new_run())
    store.take_over("run", OWNER, AT, 600)
    store.append(batch("run", 1, [started("a")]))
    then = ask("show", "run", "--at", "3", "--json").json["view"]
    assert then == {"now": AT, "elapsed": 0, "eta": None, "queue": None}
    assert "00:00" in ask("show", "run", "--at", "3").out


@pytest.mark.parametrize("wait", [(), ("--wait",)], ids=" ".join)
def test_a_run_that_is_deleted_right_after_its_cancel(
    cli: CommandLine, store: SqliteEventStore, wait: tuple[str, ...]
) -> None:
    store.create(new_run())
    store.take_over("run", OWNER, AT, 600)

    def passes(scope: dict[str, Any]) -> bool:
        """The job ends as soon as it was asked to stop, and once that is known somebody deletes the run."""
        if scope["type"] == "http" and store.list_runs(RunFilter(), limit=1).headers:
            if scope["path"].endswith("/run") and store.header("run").cancel_requested:
                stop()
                store.delete("run")
            elif scope["path"].endswith("/events"):
                stop()
        return True

    def stop() -> None:
        if store.header("run").status == "running":
            store.append(batch("run", 1, [events.draft(events.RunCancelled(), at=AT)]))

    with behind(create_app(store, settings=KEEPS), passes) as url:
        done = cli("cancel", "run", "--json", *wait, "--url", url)
    assert done.json == {"run_id": "run", "status": "deleted", "again": False}


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:65536", "ftp://127.0.0.1"])
def test_what_names_no_server(cli: CommandLine, url: str) -> None:
    assert "headway: " in cli("ls", "--url", url, code=2).err
