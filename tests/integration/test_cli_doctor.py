"""``headway doctor``: each problem is made for real, found, and mended as it says."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from headway.ports import NewRun
from headway.protocol import events
from headway.protocol.times import to_text
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT, OWNER, batch, new_run, notes
from tests.integration.command_line import CommandLine
from tests.integration.far_disk import far_disk
from tests.integration.jobs import job, until
from tests.integration.mounts import mount, read_only, small_disk


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def store(cli: CommandLine) -> Iterator[SqliteEventStore]:
    with closing(SqliteEventStore(cli.path)) as opened:
        opened.create(new_run(at=to_text(time.time())))
        yield opened


def found(
    cli: CommandLine, name: str, *arguments: str, environment: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    """What the doctor says under a name; its exit code goes with what it says."""
    process = cli.start("doctor", "--json", *arguments, environment=environment)
    out, err = process.communicate(timeout=60)
    assert b"Traceback" not in err, err.decode()
    said = msgspec.json.decode(out)
    problems = [check for check in said["checks"] if check["level"] == "problem"]
    assert said["problems"] == len(problems)
    assert process.returncode == bool(problems)
    assert all(check["remedy"] for check in said["checks"] if check["level"] != "ok"), "each has a remedy"
    return [check for check in said["checks"] if check["name"] == name]


def one(
    cli: CommandLine, name: str, *arguments: str, environment: dict[str, str] | None = None
) -> tuple[str, str, str]:
    """The only finding under a name: its level, its text and its remedy."""
    (check,) = found(cli, name, *arguments, environment=environment)
    return check["level"], check["text"], check["remedy"] or ""


def changed_python(folder: Path, code: str) -> dict[str, str]:
    """An environment in which Python runs this first."""
    (folder / "changed").mkdir(exist_ok=True)
    (folder / "changed" / "sitecustomize.py").write_text(code)
    return {
        "PYTHONPATH": os.pathsep.join([str(folder / "changed"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    }


def test_all_is_well(cli: CommandLine, store: SqliteEventStore) -> None:
    done = cli("doctor")
    names = [line.split()[1] for line in done.lines]
    assert names == [
        "sqlite", "settings", "extras", "space", "permissions", "file", "locks", "wal", "clock", "runs", "waiting",
    ]  # fmt: skip
    assert all(line.startswith("✓ ") for line in done.lines), done.out
    assert done.err == ""


def test_where_there_is_no_store_yet_it_makes_none(cli: CommandLine) -> None:
    assert "no store" in one(cli, "file")[1]
    assert not cli.path.exists()


def test_it_changes_nothing(cli: CommandLine, store: SqliteEventStore) -> None:
    store.close()
    before = cli.path.read_bytes()
    cli("doctor")
    assert cli.path.read_bytes() == before


def test_people_read_what_to_do(cli: CommandLine) -> None:
    cli.path.write_bytes(b"text" * 100)
    out = cli("doctor", code=1).out
    assert "✗ file" in out
    assert "what to do: choose another file" in out
    assert "\x1b" not in out
    assert "\x1b[31m✗" in cli.on_terminal("doctor", code=1)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import apsw; apsw.sqlite_lib_version = lambda: '3.40.1'", "SQLite 3.40.1 can lose committed data"),
        ("import apsw; apsw.compile_options = ('OMIT_JSON',)", "cannot read JSON"),
        ("import apsw; apsw.compile_options = ('THREADSAFE=0',)", "several threads"),
    ],
)
def test_an_sqlite_that_does_not_serve(cli: CommandLine, code: str, said: str) -> None:
    level, text, remedy = one(cli, "sqlite", environment=changed_python(cli.folder, code))
    assert (level, said in text) == ("problem", True), text
    assert "pip install" in remedy


def test_extras_that_are_not_installed_are_no_problem(cli: CommandLine) -> None:
    code = "import sys; sys.modules['PIL'] = None"
    level, text, _ = one(cli, "extras", environment=changed_python(cli.folder, code))
    assert level == "ok"
    assert "headway[images]' for thumbnails" in text


@pytest.mark.parametrize(
    ("name", "value", "level", "said", "remedy"),
    [
        ("HEADWAY_LEASE", "5", "warning", "nothing looks at HEADWAY_LEASE", "HEADWAY_LEASE_S"),
        ("headway_url", "x", "warning", "nothing looks at headway_url", "HEADWAY_URL"),
        ("HEADWAY_LEASE_S", "soon", "problem", "'soon'", "from 1 to 86400"),
        ("HEADWAY_LEASE_S", "0", "problem", "'0'", "from 1 to 86400"),
        ("HEADWAY_FLUSH_S", "nan", "problem", "'nan'", "from 0 to 3600"),
        ("HEADWAY_KEY", "short", "problem", "fewer than 32 bytes", "secrets"),
        ("XDG_STATE_HOME", "here", "warning", "not absolute", "absolute"),
    ],
)
def test_settings_that_are_wrong(cli: CommandLine, name: str, value: str, level: str, said: str, remedy: str) -> None:
    shown = one(cli, "settings", environment={name: value})
    assert (shown[0], said in shown[1], remedy in shown[2]) == (level, True, True), shown


@pytest.mark.parametrize("url", ["postgres://x", "sqlite:///", "none:", "http://"])
def test_a_target_that_is_none(cli: CommandLine, url: str) -> None:
    assert one(cli, "target", "--url", url)[0] == "problem"


def test_a_file_of_somebody_else(cli: CommandLine) -> None:
    with closing(apsw.Connection(str(cli.path))) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    level, text, remedy = one(cli, "file")
    assert (level, "another application" in text) == ("problem", True)
    assert "another file" in remedy


def test_a_file_of_a_newer_headway(cli: CommandLine, store: SqliteEventStore) -> None:
    with closing(apsw.Connection(str(cli.path))) as connection:
        connection.pragma("user_version", 99)
    level, text, remedy = one(cli, "file")
    assert (level, "newer Headway" in text, "upgrade" in remedy) == ("problem", True, True)


def test_a_file_that_is_damaged(cli: CommandLine, store: SqliteEventStore) -> None:
    for first in range(1, 20_000, 1_000):
        store.append(batch("run", first, notes(*range(first, first + 1_000))))
    store.close()
    size = cli.path.stat().st_size
    with cli.path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * (size // 4))
    level, text, remedy = one(cli, "file")
    assert (level, "damaged" in text, "restore a copy" in remedy) == ("problem", True, True), text


def test_a_folder_in_which_nothing_can_be_made(cli: CommandLine, store: SqliteEventStore) -> None:
    store.close()
    cli.folder.chmod(0o555)
    try:
        out = cli.bound_by_permissions("doctor", code=1).out
    finally:
        cli.folder.chmod(0o755)
    assert f"you may not make files in {cli.folder}" in out
    assert f"chmod u+rwX {cli.folder}" in out


def test_a_file_that_cannot_be_written(cli: CommandLine, store: SqliteEventStore) -> None:
    store.close()
    cli.path.chmod(0o444)
    out = cli.bound_by_permissions("doctor", code=1).out
    assert f"you may not read and write {cli.path}" in out


def test_what_is_refused_alike_is_one_finding(cli: CommandLine, store: SqliteEventStore) -> None:
    store.close()
    places = [cli.path, *(cli.path.with_name(f"jobs.db{ending}") for ending in ("-wal", "-lock"))]
    for place in places:
        place.touch()
        place.chmod(0o444)
    out = cli.bound_by_permissions("doctor", code=1).out
    assert f"you may not read and write {', '.join(map(str, places))}" in out
    assert out.count("permissions") == 1


def test_the_right_to_a_file_with_a_space_in_its_name(cli: CommandLine) -> None:
    path = cli.folder / "my jobs.db"
    path.touch()
    path.chmod(0o444)
    out = cli.bound_by_permissions("doctor", "--url", f"sqlite:///{path}", code=1).out
    (remedy,) = [line for line in out.splitlines() if "chmod" in line]
    assert shlex.split(remedy.rpartition(": ")[2]) == ["chmod", "u+rwX", str(path)]


def test_a_disk_that_is_read_only(cli: CommandLine) -> None:
    folder = cli.folder / "a disk"
    folder.mkdir()
    SqliteEventStore(folder / "jobs.db").close()
    with read_only(folder):
        checks = found(cli, "disk", "--url", f"sqlite:///{folder}/jobs.db")
        assert found(cli, "permissions", "--url", f"sqlite:///{folder}/jobs.db") == []
    assert [(check["level"], "read only" in check["text"]) for check in checks] == [("problem", True)]
    assert shlex.split(checks[0]["remedy"]) == ["mount", "-o", "remount,rw", str(folder)]


def test_a_disk_with_little_room(cli: CommandLine) -> None:
    with small_disk(cli.folder / "little", "900m") as folder:
        level, text, remedy = one(cli, "space", "--url", f"sqlite:///{folder}/jobs.db")
        assert (level, "only 0.9 GB are free" in text, "prune" in remedy) == ("warning", True, True), text
    with small_disk(cli.folder / "none", "20m") as folder:
        level, text, _ = one(cli, "space", "--url", f"sqlite:///{folder}/jobs.db")
        assert (level, "only 21 MB" in text) == ("problem", True), text


def test_a_disk_that_holds_no_more_files(cli: CommandLine) -> None:
    folder = cli.folder / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=2g,nr_inodes=1", "tmpfs", str(folder))
    try:
        assert "inodes" in one(cli, "space", "--url", f"sqlite:///{folder}/jobs.db")[1]
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_of_another_machine(cli: CommandLine) -> None:
    with far_disk(cli.folder / "far", "fuse.sshfs") as folder:
        level, text, remedy = one(cli, "disk", "--url", f"sqlite:///{folder}/jobs.db")
    assert (level, "fuse.sshfs" in text, "disk of this machine" in remedy) == ("warning", True, True), text


HOLD = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
"""

BLOCK = """
import apsw, sys
connection = apsw.Connection(sys.argv[1])
connection.execute(sys.argv[2])
connection.execute("SELECT * FROM runs").fetchall()
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def other(code: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another program, once it has said something."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_stopped_process_that_keeps_the_lock(cli: CommandLine, store: SqliteEventStore) -> None:
    with other(HOLD, f"{cli.path}-lock") as process:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        level, text, remedy = one(cli, "locks")
        assert (level, f"process {process.pid} (" in text, "is stopped" in text) == ("problem", True, True), text
        assert f"kill -CONT {process.pid}" in remedy
        process.send_signal(signal.SIGCONT)
        process.communicate(b"\n")
        assert one(cli, "locks")[0] == "ok"


def test_a_process_that_keeps_the_lock_for_long(cli: CommandLine, store: SqliteEventStore) -> None:
    with other(HOLD, f"{cli.path}-lock") as process:
        level, text, remedy = one(cli, "locks")
    assert (level, f"process {process.pid} (" in text, str(process.pid) in remedy) == ("problem", True, True), text


def test_a_child_that_keeps_the_lock_of_its_dead_parent(cli: CommandLine, store: SqliteEventStore) -> None:
    code = HOLD.replace('print("held"', "import os\nif os.fork():\n    os._exit(0)\nprint(os.getpid()")
    with subprocess.Popen(
        [sys.executable, "-c", code, f"{cli.path}-lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.wait()
        level, text, _ = one(cli, "locks")
        os.kill(child, signal.SIGKILL)
    assert (level, f"process {child} (" in text) == ("problem", True), text


def test_many_writers_are_no_problem(cli: CommandLine, store: SqliteEventStore) -> None:
    code = "with headway.run('busy', target=url) as run:\n    for n in forever():\n        run.emit('x.n', {'n': n})\n"
    with job(code, cli.path), job(code, cli.path), job(code, cli.path):
        until(lambda: len(store.list_runs().headers) == 4)
        assert one(cli, "locks")[0] == "ok"


@pytest.mark.parametrize("begin", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_stranger_that_keeps_the_file_locked(cli: CommandLine, store: SqliteEventStore, begin: str) -> None:
    with other(BLOCK, str(cli.path), begin) as process:
        level, text, remedy = one(cli, "locks")
    assert (level, f"process {process.pid} (" in text, "is no job" in text) == ("problem", True, True), text
    assert f"kill {process.pid}" in remedy


def test_a_long_reader(cli: CommandLine, store: SqliteEventStore) -> None:
    with other(BLOCK, str(cli.path), "BEGIN") as process:
        store.append(batch("run", 1, notes(*range(100))))
        level, text, remedy = one(cli, "wal")
        assert (level, f"process {process.pid} (" in text, "long transaction" in text) == ("warning", True, True), text
        assert f"kill {process.pid}" in remedy
    assert one(cli, "wal")[0] == "ok"


def test_a_large_write_ahead_log(cli: CommandLine, store: SqliteEventStore) -> None:
    with other(BLOCK, str(cli.path), "BEGIN"):
        for first in range(1, 1_401, 50):
            store.append(batch("run", first, notes(*("x" * 50_000 for _ in range(50)))))
    level, text, remedy = one(cli, "wal")
    assert (level, "more than a store leaves" in text, bool(remedy)) == ("warning", True, True), text


def test_a_write_ahead_log_whose_database_is_gone(cli: CommandLine) -> None:
    with job("headway.run('k', run_id='old', target=url).start()\nsay('on')\nhear()\n", cli.path) as worker:
        worker.hear()
        wal = cli.path.with_name("jobs.db-wal")
        until(lambda: wal.exists() and wal.stat().st_size > 0)  # an empty one holds nothing, and is not kept
        worker.kill()
    cli.path.unlink()
    with job("with headway.run('k', run_id='new', target=url):\n    pass\n", cli.path) as worker:
        worker.end()
    (orphan,) = [check for check in found(cli, "wal") if check["level"] == "warning"]
    assert f"{cli.path}-wal-" in orphan["text"]
    assert "beside that database" in orphan["remedy"]


def test_a_clock_that_was_set_back(cli: CommandLine, store: SqliteEventStore) -> None:
    code = "import time; real = time.time; time.time = lambda: real() - 3600"
    level, text, remedy = one(cli, "clock", environment=changed_python(cli.folder, code))
    assert (level, "set back" in text, "NTP" in remedy) == ("warning", True, True), text


@pytest.mark.parametrize(("by", "direction"), [(3600, "forward"), (-3600, "back")])
def test_a_clock_that_jumps_while_a_job_runs(cli: CommandLine, by: int, direction: str) -> None:
    code = f"import time; real = time.time; time.time = lambda: real() + {by}"
    with job(
        "with headway.run('k', target=url) as run:\n    run.flush()\n    say('on')\n    hear()\n", cli.path
    ) as worker:
        worker.hear()
        level, text, _ = one(cli, "clock", environment=changed_python(cli.folder, code))
        assert one(cli, "clock")[0] == "ok"
        worker.tell()
        worker.end()
    assert level == "warning"
    assert f"jumped {direction}" in text or "was set back" in text


def test_a_clock_that_is_years_behind(cli: CommandLine, store: SqliteEventStore) -> None:
    code = "import time; time.time = lambda: 1.0e9"
    assert "years behind" in one(cli, "clock", environment=changed_python(cli.folder, code))[1]


def test_runs_that_have_lost_their_job(cli: CommandLine, store: SqliteEventStore) -> None:
    store.create(NewRun(run_id="lost", kind="sample", at=AT))
    store.take_over("lost", OWNER, AT, -1.0)
    cli("ls")
    level, text, remedy = one(cli, "runs")
    assert (level, "1 run(s) have lost their job: lost" in text) == ("warning", True), text
    cli(*remedy.partition("headway ")[2].partition(";")[0].split())
    assert one(cli, "runs")[0] == "ok"


def test_a_lost_job_is_found_by_the_doctor_itself(cli: CommandLine, store: SqliteEventStore) -> None:
    store.create(NewRun(run_id="lost", kind="sample", at=AT))
    store.take_over("lost", OWNER, AT, -1.0)
    assert one(cli, "runs")[0] == "warning"


def test_runs_that_nobody_works_on(cli: CommandLine, store: SqliteEventStore) -> None:
    store.append(batch("run", 1, [events.draft(events.RunStarted(attempt=1, reporter=OWNER), at=AT)]))
    level, text, remedy = one(cli, "runs")
    assert (level, "nobody works on them: run" in text, "headway cancel run" in remedy) == ("warning", True, True), text


def test_a_hidden_secret_stays_hidden(cli: CommandLine, store: SqliteEventStore) -> None:
    environment = {"HEADWAY_KEY": "short-xyzzy", "HEADWAY_TOKEN": "token-xyzzy"}
    done = cli("doctor", code=1, environment=environment)
    assert "xyzzy" not in done.out + done.err


def test_a_place_that_cannot_be_looked_at_ends_no_other_check(cli: CommandLine, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/{'x' * 300}/log.db"
    assert [check["level"] for check in found(cli, "disk", "--url", url)] == ["problem"]
    assert found(cli, "waiting", "--url", url)
