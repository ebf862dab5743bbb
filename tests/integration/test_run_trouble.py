"""Commands run on, and lose nothing that they say, whatever becomes of the store."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.ports import Header, RunFilter
from headway.stores.sqlite.schema import lock_path
from tests.integration.jobs import until
from tests.integration.running import Running, finish


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


SAYS = [sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"]


@pytest.mark.parametrize("url", ["redis://nowhere", "nonsense", "sqlite:relative", "ftp://x/y"])
@pytest.mark.parametrize("way", ["option", "environment"])
def test_a_target_that_is_none_is_said_and_the_command_runs(running: Running, url: str, way: str) -> None:
    options = ["--url", url] if way == "option" else []
    ended = running.run(options, SAYS, code=3, environment={"HEADWAY_URL": url})
    assert ended.out == b"out\n"
    assert ended.err.startswith(b"headway: not reported, the command runs all the same: ")
    assert ended.err.endswith(b"\nerr\n")


def test_nothing_is_reported_if_nobody_wants_it(running: Running) -> None:
    ended = running.run(["--url", "none:"], SAYS, code=3)
    assert ended == (3, b"out\n", b"err\n")
    assert not running.path.exists()


@pytest.mark.parametrize("place", ["/proc/nowhere/jobs.db", "/dev/null/jobs.db"])
def test_a_store_that_cannot_be_opened(running: Running, place: str) -> None:
    begin = time.monotonic()
    ended = running.run([], SAYS, code=3, environment={"HEADWAY_URL": f"sqlite:///{place}", "HEADWAY_FLUSH_S": "1"})
    assert ended.out == b"out\n"
    assert ended.err.startswith(b"err\n") or b"\nerr\n" in ended.err
    assert b"headway: " in ended.err
    assert time.monotonic() - begin < 30


def test_a_file_that_is_no_store_is_left_alone(running: Running) -> None:
    running.path.write_bytes(b"something else entirely, longer than a header " * 10)
    ended = running.run([], SAYS, code=3, environment={"HEADWAY_FLUSH_S": "1"})
    assert ended.out == b"out\n"
    assert running.path.read_bytes().startswith(b"something else entirely")


CHATTY = "yes 'a line of some length, as programs print them' | head -n 400000"


def test_a_store_that_is_locked_by_others_slows_nothing(running: Running) -> None:
    running.shell("true")
    with lock_path(running.path).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = running.start(["--log-limit", "100MB"], ["sh", "-c", f"{CHATTY}; touch done"])
        assert process.stdout is not None
        lines = 0
        while lines < 400_000:
            lines += os.read(process.stdout.fileno(), 1_000_000).count(b"\n")
        until((running.folder / "done").exists, "the command's end, while nothing can be stored")
        assert process.poll() is None
        fcntl.flock(lock, fcntl.LOCK_UN)
    assert finish(process).code == 0
    assert running.state.status == "completed"
    assert running.state.log.lines == 400_000


def test_what_is_said_while_the_store_is_away_is_delivered_later(running: Running) -> None:
    away = running.folder / "store"
    away.write_text("in the way")  # a file where the store's folder should be
    url = f"sqlite:///{away}/jobs.db"
    ended = running.run([], SAYS, code=3, environment={"HEADWAY_URL": url, "HEADWAY_FLUSH_S": "1"})
    assert ended.out == b"out\n"
    away.unlink()
    away.mkdir()
    running.path = away / "jobs.db"
    running.url = url
    running.shell("true")
    until(lambda: len(headers(running)) == 2, "the run of before")
    until(lambda: {header.status for header in headers(running)} == {"failed", "completed"}, "its end")


def headers(running: Running) -> tuple[Header, ...]:
    return running.store.list_runs(RunFilter(), limit=10).headers


def test_a_temporary_folder_that_is_missing_is_survived(running: Running) -> None:
    """What should wait on disk cannot."""
    ended = running.run([], ["sh", "-c", CHATTY], environment={"TMPDIR": "/nowhere"})
    assert ended.out.count(b"\n") == 400_000
    assert running.state.status == "completed"


def test_environment_that_python_would_understand_is_left_alone(running: Running) -> None:
    odd = {"PYTHONPATH": str(Path(__file__).parent), "PYTHONHASHSEED": "7", "LD_PRELOAD": ""}
    program = "import os; print(sorted((k, v) for k, v in os.environ.items() if k in ('PYTHONPATH', 'PYTHONHASHSEED')))"
    ended = running.python(program, environment=odd)
    assert str(odd["PYTHONPATH"]) in ended.out.decode()


def test_no_locale_stays_no_locale(running: Running) -> None:
    environment = {"PATH": os.environ["PATH"], "HEADWAY_URL": running.url}
    command = [sys.executable, "-m", "headway", "run", "--", "env"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    names = {line.split(b"=")[0] for line in done.stdout.splitlines()}
    assert names - {b"PWD", b"SHLVL", b"_", b"OLDPWD"} == {b"PATH", b"HEADWAY_URL", b"HEADWAY_RUN_ID"}


def test_arguments_may_be_any_bytes(running: Running) -> None:
    argument = os.fsdecode(b"\xff\xfe caf\xc3\xa9 \n\t")
    ended = running.run([], ["printf", "%s", argument])
    assert ended.out == os.fsencode(argument)
    assert running.state.status == "completed"


def test_many_arguments_are_no_matter(running: Running) -> None:
    many = ["x" * 1000] * 1000
    ended = running.run([], ["sh", "-c", "echo $#", *many])
    assert ended.out == b"999\n"
