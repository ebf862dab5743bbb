"""Before the first report: the default place is an empty store, one that was named is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import headway
from headway.stores.sqlite import SqliteEventStore
from tests.integration.command_line import CommandLine
from tests.integration.server_process import ServerProcess
from tests.integration.test_cli_log import Heard

DEFAULT = {"HEADWAY_URL": ""}


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def place(cli: CommandLine) -> Path:
    return cli.folder / "state" / "headway" / "headway.db"


def test_a_list_is_empty(cli: CommandLine) -> None:
    done = cli("ls", environment=DEFAULT)
    assert done.out == ""
    assert done.err == f"headway: no run in sqlite:///{place(cli)} yet: start one with  headway run -- COMMAND\n"
    assert cli("ls", "--json", environment=DEFAULT).json == {"runs": [], "next": None}
    assert not place(cli).exists(), "looking makes nothing"


@pytest.mark.parametrize("command", ["show", "log", "export", "artifacts", "replay"])
def test_without_any_run_it_says_how_to_start_one(cli: CommandLine, command: str) -> None:
    none_yet = f"no run in sqlite:///{place(cli)} yet: start one with  headway run -- COMMAND\n"
    assert cli(command, code=3, environment=DEFAULT).err == f"headway: there is {none_yet}"
    assert not place(cli).exists(), "looking makes nothing"


@pytest.mark.parametrize("command", ["cancel", "replay", "show"])
def test_nor_is_there_one_that_was_named(cli: CommandLine, command: str) -> None:
    none_yet = f"no run in sqlite:///{place(cli)} yet: start one with  headway run -- COMMAND\n"
    said = cli(command, "some", code=3, environment=DEFAULT).err
    assert said == f"headway: there is no run 'some', since there is {none_yet}"


def test_nothing_is_removed(cli: CommandLine) -> None:
    blob = place(cli).with_name("headway.db-artifacts") / "ab" / ("ab" * 32)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"of a store that was moved away")
    os.utime(blob, (0, 0))
    assert cli("prune", "--yes", environment=DEFAULT).lines[0] == "no run is to be removed"
    assert cli("prune", "--yes", "--json", environment=DEFAULT).json["runs"] == []
    assert blob.exists()


def test_what_was_named_is_missing(cli: CommandLine) -> None:
    for command in (("ls",), ("ls", "--json"), ("prune", "--yes"), ("watch",)):
        assert "there is no store at" in cli(*command, code=3).err
        assert "there is no store at" in cli(*command, "--url", "sqlite:///other.db", code=3, environment=DEFAULT).err


def test_the_first_run_is_waited_for(cli: CommandLine) -> None:
    heard = Heard(cli.start("watch", "--plain", "--exit-status", environment=DEFAULT))
    assert heard.line() == "waiting for a run"
    with headway.run("sample", run_id="first", target=f"sqlite:///{place(cli)}"):
        pass
    code, lines, errors = heard.end()
    assert (code, errors) == (0, "")
    assert lines.splitlines()[-1].split()[-1] == "completed"


def test_in_an_empty_store_too(cli: CommandLine) -> None:
    SqliteEventStore(cli.path).close()
    _watch_the_first(cli, cli.url)


def test_on_a_server_too(cli: CommandLine) -> None:
    server = ServerProcess(cli.path)
    server.start()
    try:
        _watch_the_first(cli, server.url)
    finally:
        server.end()


def _watch_the_first(cli: CommandLine, url: str) -> None:
    heard = Heard(cli.start("watch", "--json", "--url", url))
    assert heard.line() == '{"type":"waiting","run_id":""}'
    with headway.run("sample", run_id="first", target=cli.url):
        pass
    code, frames, errors = heard.end()
    assert (code, errors) == (0, "")
    assert '"run_id":"first","status":"completed"' in frames.splitlines()[-1]
