"""Leases over HTTP: whoever could not be heard, since no server was there, is not taken for silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from headway.ports import Lease
from headway.protocol.events import ReporterInfo
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT, OTHER, new_run
from tests.integration.jobs import until
from tests.integration.server_process import ServerProcess, server_process
from tests.integration.serving import client
from tests.unit.reporter.flaky import types_of

TTL_S = 6.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(tmp_path / "log.db")) as opened:
        yield opened


def report(server: ServerProcess) -> None:
    """A run with an owner and a helper, both over HTTP."""
    with client(server.url) as http:
        http.post("/runs", json={"run_id": "run", "kind": "k"}).raise_for_status()
        http.post("/runs/run/attempts", json={"reporter": "owner", "ttl": TTL_S}).raise_for_status()
        http.post("/runs/run/lease", json={"reporter": "helper", "ttl": TTL_S}).raise_for_status()


def test_a_server_that_was_away_loses_nobody(store: SqliteEventStore) -> None:
    with server_process(store.path) as server:
        report(server)
        server.kill()
        store.create(new_run("beside"))
        store.take_over("beside", OTHER, AT, TTL_S)
        store.renew(Lease(run_id="beside", reporter=ReporterInfo(id="helper"), ttl_s=TTL_S, owner=False))
        until(lambda: not store.helpers("run") and not store.helpers("beside"), "the end of the leases")
        assert store.sweep().lost == ("beside",), "who is beside the store knows of those only who are there, too"
        server.start()
        until(lambda: store.helpers("run") == ("helper",), "the grace")
        with client(server.url) as http:
            lease = {"reporter": "owner", "owner": True, "attempt": 1, "ttl": 30}
            http.post("/runs/run/lease", json=lease).raise_for_status()
        assert types_of(store, "run") == ["run.created", "run.started"]
        assert store.helpers("beside") == ()


def test_a_second_server_does_no_harm_and_who_died_meanwhile_is_lost(store: SqliteEventStore) -> None:
    with server_process(store.path) as first:
        report(first)
        with server_process(store.path):
            first.kill()
            until(lambda: store.header("run").status == "lost", "what silence means")
        assert types_of(store, "run") == ["run.created", "run.started", "run.lost"]
