"""``headway doctor`` and servers, real ones: ready, not ready, out of reach."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest

from headway.errors import StoreUnavailable
from headway.server import create_app
from headway.stores.files import FileArtifactStore
from headway.stores.memory import MemoryEventStore
from headway.stores.sqlite import SqliteEventStore
from tests.integration.command_line import CommandLine
from tests.integration.serving import serving_directly
from tests.integration.test_cli_doctor import changed_python, found, one


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def test_a_server_that_is_ready(cli: CommandLine) -> None:
    with closing(SqliteEventStore(cli.path)) as store, serving_directly(create_app(store)) as url:
        level, text, _ = one(cli, "server", "--url", url)
        assert (level, text) == ("ok", f"{url} is ready, and reaches its store")
        assert found(cli, "target", "--url", url) == []
        secret = url.replace("://", "://user:secret@")
        assert one(cli, "server", "--url", secret)[1] == f"{url} is ready, and reaches its store"
        assert f"no run in {url} yet" in cli("ls", "--url", secret).err


def test_a_server_in_memory(cli: CommandLine) -> None:
    with serving_directly(create_app(MemoryEventStore(), artifacts=FileArtifactStore(cli.folder))) as url:
        assert one(cli, "server", "--url", url)[1] == f"{url} is ready, and keeps runs in memory, until it ends"


class Away(MemoryEventStore):
    """A store that is out of reach for whoever asks for runs."""

    def list_runs(self, *_: object, **__: object) -> NoReturn:
        """See ``EventStore``."""
        raise StoreUnavailable("away")


def test_a_server_that_is_not_ready(cli: CommandLine) -> None:
    with serving_directly(create_app(Away(), artifacts=FileArtifactStore(cli.folder))) as url:
        level, text, remedy = one(cli, "server", "--url", url)
    assert (level, text.startswith(f"{url} is not ready: ")) == ("problem", True), text
    assert "where it runs" in remedy


def test_a_server_that_is_out_of_reach(cli: CommandLine) -> None:
    level, text, remedy = one(cli, "server", "--url", "http://127.0.0.1:9")
    assert (level, "http://127.0.0.1:9 is out of reach" in text) == ("problem", True), text
    assert "headway serve" in remedy


def test_a_server_cannot_be_asked_without_the_extra(cli: CommandLine) -> None:
    environment = changed_python(cli.folder, "import sys; sys.modules['httpx'] = None")
    level, text, remedy = one(cli, "server", "--url", "http://127.0.0.1:9", environment=environment)
    assert (level, "httpx is missing" in text, remedy) == ("problem", True, "pip install 'headway[client]'"), text
