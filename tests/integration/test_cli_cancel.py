"""``headway cancel``: jobs that live, runs that nobody works on, and waiting for the end."""

from __future__ import annotations

import getpass
import os
import signal
from pathlib import Path

import pytest

import headway
from headway.ports import NewRun
from headway.protocol import codec, events
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT, OWNER, batch, new_run
from tests.integration.command_line import CommandLine
from tests.integration.jobs import job, state, until
from tests.unit.reporter.flaky import events_of, types_of

WORK = """
with headway.run("sample", run_id="run", target=url) as run:
    run.flush()
    say("ready")
    with run.stage("work") as stage:
        for n in stage.track(forever()):
            pass
"""

DEAF = """
with headway.run("sample", run_id="run", target=url) as run:
    run.flush()
    say("ready")
    hear()
"""


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def test_a_job_stops(cli: CommandLine) -> None:
    with job(WORK, cli.path) as worker:
        worker.hear()
        assert cli("cancel", "run", "--reason", "enough").out == "run is asked to stop\n"
        worker.end()
    found = state(SqliteEventStore(cli.path))
    assert found.status == "cancelled"
    asked = [codec.data_of(event) for event in events_of(SqliteEventStore(cli.path)) if "cancel_req" in event.type]
    assert asked == [events.RunCancelRequested(by=getpass.getuser(), reason="enough")]


def test_waiting_for_the_end(cli: CommandLine) -> None:
    with job(WORK, cli.path) as worker:
        worker.hear()
        assert cli("cancel", "run", "--wait").out == "run is cancelled\n"
        worker.end()


def test_a_job_that_does_not_stop_in_time(cli: CommandLine) -> None:
    with job(DEAF, cli.path) as worker:
        worker.hear()
        done = cli("cancel", "run", "--wait", "0.3s", code=124)
        assert "has not ended within 0.3 s" in done.err
        assert cli("cancel", "run").out == "run was asked before to stop\n"
        assert types_of(SqliteEventStore(cli.path)).count("run.cancel_requested") == 1
        worker.tell()
        worker.end()


def test_waiting_goes_on_for_another_end(cli: CommandLine) -> None:
    with job(DEAF, cli.path) as worker:
        worker.hear()
        waiting = cli.start("cancel", "run", "--wait")
        store = SqliteEventStore(cli.path)
        until(lambda: store.header("run").cancel_requested)
        worker.tell()
        out, err = waiting.communicate(timeout=60)
        status = store.header("run").status
        assert status in ("completed", "failed")
        assert (waiting.returncode, out) == (1, b"")
        assert err.decode() == f"headway: run was asked to stop, and {status} all the same\n"


def test_a_run_that_has_ended(cli: CommandLine) -> None:
    with headway.run("sample", run_id="run", target=cli.url):
        pass
    done = cli("cancel", "run", code=1)
    assert done.out == ""
    assert done.err == "headway: run run has ended already (completed): there is nothing to cancel\n"


def test_a_run_that_waits_for_its_job(cli: CommandLine) -> None:
    store = SqliteEventStore(cli.path)
    store.create(new_run())
    assert "nobody was working on it" in cli("cancel", "run", "--wait").out
    assert store.header("run").status == "cancelled"


def test_what_became_of_it_for_programs(cli: CommandLine) -> None:
    with job(DEAF, cli.path) as worker:
        worker.hear()
        assert cli("cancel", "run", "--json").json == {"run_id": "run", "status": "running", "again": False}
        late = cli("cancel", "run", "--json", "--wait", "0.3s", code=124)
        assert late.json == {"run_id": "run", "status": "running", "again": True}
        worker.tell()
        worker.end()
    SqliteEventStore(cli.path).create(new_run("other"))
    assert cli("cancel", "other", "--json").json == {"run_id": "other", "status": "cancelled", "again": False}


def test_a_run_whose_job_is_gone(cli: CommandLine) -> None:
    store = SqliteEventStore(cli.path)
    store.create(NewRun(run_id="run", kind="sample", at=AT))
    store.take_over("run", OWNER, AT, -1.0)
    assert "nobody was working on it" in cli("cancel", "run").out
    assert types_of(store)[-3:] == ["run.lost", "run.cancel_requested", "run.cancelled"]


def test_a_job_that_is_killed_after_it_was_asked(cli: CommandLine) -> None:
    with job(DEAF, cli.path, lease_s=1.0) as worker:
        worker.hear()
        worker.signal(signal.SIGSTOP)
        waiting = cli.start("cancel", "run", "--wait")
        store = SqliteEventStore(cli.path)
        until(lambda: store.header("run").cancel_requested)
        os.kill(worker.process.pid, signal.SIGKILL)
        out, _ = waiting.communicate(timeout=60)
    assert out == b"run is cancelled\n"
    assert types_of(store)[-2:] == ["run.lost", "run.cancelled"]


def test_an_imported_run_that_never_ended(cli: CommandLine) -> None:
    store = SqliteEventStore(cli.path)
    store.create(new_run())
    store.append(batch("run", 1, [events.draft(events.RunStarted(attempt=1, reporter=OWNER), at=AT)]))
    lines = cli("export").out.encode()
    assert "headway cancel copy" in cli("import", "-", "--as", "copy", stdin=lines).err
    assert "is cancelled" in cli("cancel", "copy").out


def test_what_cannot_be_cancelled(cli: CommandLine) -> None:
    with headway.run("sample", run_id="run", target=cli.url):
        pass
    assert "headway ls" in cli("cancel", "other", code=3).err
    assert "Missing argument" in cli("cancel", code=2).err
    assert "10m, 2h" in cli("cancel", "run", "--wait", "soon", code=2).err


def test_who_may_only_read_cannot_cancel(cli: CommandLine) -> None:
    store = SqliteEventStore(cli.path)
    store.create(new_run())
    store.close()
    before = cli.path.read_bytes()
    for path in [cli.path, *cli.folder.glob("jobs.db-*")]:
        path.chmod(0o444)
    cli.folder.chmod(0o555)
    try:
        done = cli.bound_by_permissions("cancel", "run", code=4)
        assert "check the permissions" in done.err
    finally:
        cli.folder.chmod(0o755)
    assert cli.path.read_bytes() == before
