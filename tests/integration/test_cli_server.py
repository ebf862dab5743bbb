"""The commands on a server do what they do on its file: the same words, the same exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest

from headway.cli.server_pruning import PAGE_RUNS, chosen_runs
from headway.client import BlockingClient
from headway.errors import HeadwayError, NotAllowed, Unauthorized
from headway.hub.settings import HubSettings
from headway.ports import PrunePolicy, SystemClock
from headway.protocol import events
from headway.protocol.problems import problem_of, status_of
from headway.server import Settings, create_app
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, completed, new_run
from tests.integration.command_line import CommandLine, Done
from tests.integration.jobs import tell
from tests.integration.serving import serving, serving_directly
from tests.integration.test_cli_prune import left, make

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


def test_many_runs_are_listed_page_by_page(store: SqliteEventStore, url: str) -> None:
    for number in range(PAGE_RUNS + 2):
        store.create(new_run(f"run-{number}"))
        store.append(batch(f"run-{number}", 1, [completed()]))
    with BlockingClient(url) as client:
        chosen = chosen_runs(client, PrunePolicy(max_runs=1), SystemClock())
    assert chosen == tuple(f"run-{number}" for number in range(PAGE_RUNS, -1, -1))
