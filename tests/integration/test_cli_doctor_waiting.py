"""``headway doctor`` and the reports that wait on this disk: found, delivered, dropped."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.command_line import CommandLine
from tests.integration.jobs import job, until
from tests.integration.test_cli_doctor import changed_python, one


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


TALK = """
os.environ["HEADWAY_FLUSH_S"] = "1"
with headway.run("k", run_id="kept", target=url) as run:
    for n in range(int(arguments[0])):
        run.emit("x.n", {"n": n, "text": "x" * 1_000})
    run.log("kept on disk")
    say("on")
    hear()
"""


HOMELESS = """
import pathlib
def home(cls):
    raise RuntimeError("Could not determine home directory.")
pathlib.Path.home = classmethod(home)
"""


@contextmanager
def store_away(cli: CommandLine) -> Iterator[tuple[Path, str]]:
    """A place where there can be no store: what is there must go away first. And the URL of the store."""
    away = cli.folder / "far away"
    away.write_text("a file, where the store's folder should be")
    yield away, f"sqlite:///{away}/jobs.db"


def test_reports_that_wait_are_found_and_delivered(cli: CommandLine) -> None:
    with store_away(cli) as (away, url):
        with job(TALK, away / "jobs.db", "0", log=cli.folder / "job.log") as worker:
            worker.hear()
            worker.tell()
            worker.end()
        level, text, remedy = one(cli, "waiting", "--url", url)
        assert level == "warning"
        assert re.search(rf"^1 file\(s\) with \d\.\d kB of reports wait for {re.escape(url)}, for \d+ min$", text), text
        assert "headway doctor --deliver  (there is no store there now" in remedy
        away.unlink()
        assert "delivered 1 file(s)" in one(cli, "delivery", "--deliver", "--url", url)[1]
        assert cli("log", "kept", "--url", url).out == "kept on disk\n"
        assert one(cli, "waiting", "--url", url)[0] == "ok"


def test_reports_for_a_store_that_is_gone_for_good_are_dropped(cli: CommandLine) -> None:
    with store_away(cli) as (away, url), job(TALK, away / "jobs.db", "0", log=cli.folder / "job.log") as worker:
        worker.hear()
        worker.tell()
        worker.end()
    remedy = one(cli, "waiting")[2]
    typed = shlex.split(remedy.partition("remove them:")[2].removesuffix(")"))
    assert typed == ["headway", "doctor", "--drop", url]
    assert one(cli, "delivery", "--drop", "sqlite:///another.db")[0] == "problem"
    level, text, _ = one(cli, "delivery", *typed[2:])
    assert (level, "dropped 1 file(s) with" in text) == ("ok", True)
    assert one(cli, "waiting")[0] == "ok"


@pytest.mark.parametrize("asked", [("--deliver",), ("--drop", "http://127.0.0.1:9")])
def test_without_a_home_folder_nothing_waits_for_a_server(cli: CommandLine, asked: tuple[str, ...]) -> None:
    homeless = changed_python(cli.folder, HOMELESS) | {"XDG_STATE_HOME": ""}
    level, text, remedy = one(cli, "delivery", *asked, "--url", "http://127.0.0.1:9", environment=homeless)
    assert (level, "no home folder" in text, "XDG_STATE_HOME" in remedy) == ("problem", True, True), text
    nowhere = one(cli, "target", *asked, environment=homeless | {"HEADWAY_URL": ""})
    assert "nor for reports that wait" in nowhere[1]


def test_without_a_home_folder_reports_wait_beside_the_store(cli: CommandLine) -> None:
    homeless = changed_python(cli.folder, HOMELESS) | {"XDG_STATE_HOME": ""}
    assert one(cli, "waiting", environment=homeless)[1] == f"no reports wait in {cli.path}-spool"
    assert one(cli, "delivery", "--drop", cli.url, environment=homeless)[1] == f"no reports wait for {cli.url}"


def test_reports_that_a_living_job_keeps(cli: CommandLine) -> None:
    with store_away(cli) as (away, url), job(TALK, away / "jobs.db", "30000", log=cli.folder / "job.log") as worker:
        worker.hear()
        until(lambda: list((cli.folder / "state" / "headway" / "spool").glob("*.spool")))
        level, text, _ = one(cli, "waiting", "--url", url)
        assert (level, "1 job(s) that live keep reports" in text) == ("warning", True), text


def test_reports_that_cannot_be_read(cli: CommandLine) -> None:
    state = cli.folder / "my state"
    spool = state / "headway" / "spool"
    spool.mkdir(parents=True)
    (spool / "x~y.spool").write_bytes(b"rubbish\n")
    level, text, remedy = one(cli, "waiting", environment={"XDG_STATE_HOME": str(state)})
    assert (level, "1 file(s)" in text) == ("problem", True), text
    assert shlex.split(remedy.partition(":")[2]) == ["ls", "-l", str(spool)]
