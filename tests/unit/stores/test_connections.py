"""Connections: a pool of readers, and what becomes of it in a forked child."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from headway.errors import NotFound
from headway.stores.sqlite import schema
from headway.stores.sqlite.connections import connect
from headway.stores.sqlite.location import Location
from headway.stores.sqlite.readers import Readers


@pytest.fixture
def readers(tmp_path: Path) -> Iterator[Readers]:
    schema.prepare(tmp_path / "log.db")
    readers = Readers(Location(tmp_path / "log.db"))
    yield readers
    readers.close()


def used(readers: Readers) -> apsw.Connection:
    with readers.reading() as connection:
        return connection


def test_a_connection_is_used_again(readers: Readers) -> None:
    first = used(readers)
    assert used(readers) is first
    with readers.reading() as one, readers.reading() as two:
        assert one is not two


def test_an_answer_that_is_an_error_costs_no_connection(readers: Readers) -> None:
    first = used(readers)
    with pytest.raises(NotFound), readers.reading():
        raise NotFound("no such run")
    assert used(readers) is first
    assert not first.in_transaction


def test_a_connection_that_broke_is_not_used_again(readers: Readers) -> None:
    first = used(readers)
    with pytest.raises(apsw.SQLError), readers.reading() as connection:
        connection.execute("SELECT nonsense")
    assert used(readers) is not first


def test_a_childs_connections_are_its_own_and_the_parents_stay_open(readers: Readers) -> None:
    parents = used(readers)
    readers.abandon()
    assert used(readers) is not parents
    readers.close()
    assert parents.execute("SELECT 1").fetchall() == [(1,)]


def test_a_connection_that_is_lent_when_the_pool_is_closed_is_closed_when_it_comes_back(readers: Readers) -> None:
    with readers.reading() as connection:
        readers.close()
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    with pytest.raises(apsw.ConnectionClosedError):
        connection.execute("SELECT 1")


def test_what_cannot_be_opened_leaves_no_connection_behind(tmp_path: Path) -> None:
    path = tmp_path / "no.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(apsw.NotADBError) as caught:
        connect(path)
    assert not [connection for connection in apsw.connections() if connection.filename == str(path)], caught
