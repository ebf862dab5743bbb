"""``headway replay``: recorded runs and exported files, in a terminal and without one; ``headway ls --watch``."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from headway.cli.commands.replay import Earlier
from headway.cli.source import open_source
from headway.ports import Batch
from headway.protocol import events, times
from headway.protocol.events import Data
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import new_run
from tests.integration.command_line import CommandLine
from tests.integration.jobs import job
from tests.integration.terminals import terminal
from tests.integration.test_watch_terminal import STEPS, left_well
from tests.unit.cli.pictures import BEGAN

HOUR: list[tuple[float, str | None, Data]] = [
    (0, None, events.RunPlanned(stages=(events.PlannedStage(path="a", title="First"), events.PlannedStage(path="b")))),
    (0, None, events.RunStarted()),
    *((60.0 * n, "a", events.StageProgress(current=n, total=30, unit="page")) for n in range(31)),
    (1800, "a", events.StageCompleted(duration=1800)),
    (1800, None, events.Highlight(text="half of it")),
    (1900, "b", events.StageStarted(title="Second")),
    (3600, None, events.RunCompleted(result={"pages": 30}, duration=3600.0)),
]


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    cli = CommandLine(tmp_path)
    with closing(SqliteEventStore(cli.path)) as store:
        store.create(new_run("hour", kind="long", at=times.to_text(BEGAN)))
        drafts = tuple(events.draft(data, at=times.to_text(BEGAN + after), stage=stage) for after, stage, data in HOUR)
        store.append(Batch(run_id="hour", reporter="one", first=1, events=drafts))
    return cli


def test_an_hour_in_lines(cli: CommandLine) -> None:
    lines = cli("replay", "hour", "--speed", "100000").lines
    assert lines[-1].split() == ["100%", "1:00:00", "completed"]
    assert any("completed  First  30:00" in line for line in lines)
    assert any("highlight  half of it" in line for line in lines)
    assert len(lines) < 40


def test_from_the_middle_what_was_before_is_told_at_once(cli: CommandLine) -> None:
    lines = cli("replay", "hour", "--speed", "100000", "--from", "50%").lines
    assert lines[0].split()[-2:] == ["hour", "long"]
    assert all(line.split()[0] in ("50%", "100%") for line in lines)


def test_the_newest_run_by_default(cli: CommandLine) -> None:
    with closing(SqliteEventStore(cli.path)) as store:
        store.create(new_run("newer", kind="short", at=times.to_text(BEGAN + 7200)))
    assert cli("replay", "--speed", "100000").lines[0].split()[-2:] == ["newer", "short"]


def test_a_file_that_was_exported(cli: CommandLine) -> None:
    file = cli.folder / "run.jsonl"
    file.write_text(cli("export", "hour").out)
    assert cli("replay", str(file), "--speed", "100000").lines[-1].split() == ["100%", "1:00:00", "completed"]
    here = cli("replay", "run.jsonl", "--speed", "100000", "--url", "sqlite:///missing.db").lines
    assert here[-1].split()[-1] == "completed"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1"),
        ('{"headway": 9, "run_id": "r", "kind": "k", "epoch": "e"}\n', "version 1"),
        ('{"headway": 1, "run_id": "r", "kind": "k", "epoch": "e"}\n', "line 2"),
        ('{"headway": 1, "run_id": "r", "kind": "k", "epoch": "e"}\n{"seq": 1}\n', "no event"),
    ],
)
def test_a_file_that_was_not(cli: CommandLine, content: str, said: str) -> None:
    file = cli.folder / "damaged.jsonl"
    file.write_text(content)
    assert said in cli("replay", str(file), code=2).err


def test_the_damaged_line_is_named(cli: CommandLine) -> None:
    lines = cli("export", "hour").out.splitlines()
    file = cli.folder / "damaged.jsonl"
    for number, damaged in ((len(lines), [*lines[:-1], lines[-1][:20]]), (3, [*lines[:2], "{", *lines[3:]])):
        file.write_text("\n".join(damaged))
        assert f"headway: line {number}: this is no event" in cli("replay", str(file), "--plain", code=2).err


def test_codes(cli: CommandLine) -> None:
    assert cli("replay", "missing", code=3).err
    assert cli("replay", "hour", "--from", "soon", code=2).err
    assert cli("replay", "hour", "--speed", "0", code=2).err


def test_in_a_terminal_with_pause_and_jumps(cli: CommandLine) -> None:
    with terminal("replay", "hour", "--url", cli.url, "--speed", "60", cwd=cli.folder, size=(100, 24)) as shown:
        shown.wait_for("/30 page")
        shown.press(" ")
        shown.wait_for("⏸ paused")
        before = shown.rows
        for _ in range(12):
            shown.press("\x1b[C")
        shown.wait_for("◆ half of it")
        assert any(row.startswith("✓ First") for row in shown.rows)
        for _ in range(20):
            shown.press("\x1b[D")
        shown.wait_while("half of it")
        assert shown.rows[1].endswith("  0%")
        assert before[0] == shown.rows[0]
        shown.press("l")
        shown.wait_for("l back")
        shown.press("l")
        shown.press("+" * 12 + " ")
        assert shown.end() == 0
        assert shown.rows[0].endswith("✓ completed")
        assert shown.rows[2].startswith("took 1:00:00")
        left_well(shown)


def test_the_times_left_rest_on_the_runs_before_it(cli: CommandLine) -> None:
    with closing(SqliteEventStore(cli.path)) as store:
        for began in (-100.0, 7200.0):
            run_id = f"at{began:.0f}"
            store.create(new_run(run_id, kind="long", at=times.to_text(BEGAN + began)))
            steps = [(began, events.RunStarted()), (began + 60.0, events.RunCompleted(duration=60.0))]
            drafts = tuple(events.draft(data, at=times.to_text(BEGAN + after)) for after, data in steps)
            store.append(Batch(run_id=run_id, reporter="one", first=1, events=drafts))
    with open_source(cli.url) as source:
        history = Earlier(source, BEGAN).of("long", None)
    assert [run.ended - BEGAN for run in history.runs] == [-40.0]


# The list of runs


def test_a_live_list(cli: CommandLine) -> None:
    with terminal("ls", "--watch", "--url", cli.url, cwd=cli.folder, size=(100, 12)) as shown:
        shown.wait_for("✓ completed")
        with job(STEPS, cli.path) as worker:
            assert worker.hear() == "ready"
            shown.wait_for(" 46% ")
            assert re.search(r"● running +━.* 46% .* A demonstration +work", shown.text)
            worker.tell()
            shown.wait_while("● running")
        shown.press("q")
        assert shown.end() == 0
        assert sum("✓ completed" in row for row in shown.rows) == 2
        left_well(shown)


def test_a_live_list_as_lines_and_as_json(cli: CommandLine) -> None:
    for options, expected in (([], "hour  completed"), (["--json"], '{"runs":[{"run_id":"hour"')):
        command = [sys.executable, "-m", "headway", "ls", "--watch", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=cli.environment(), text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(expected)
            with job(STEPS, cli.path) as worker:
                assert worker.hear() == "ready"
                while "running" not in (line := process.stdout.readline()):
                    assert "pending" in line  # a slow machine is seen before its job has begun
                worker.tell()
                assert "completed" in process.stdout.readline()
            process.terminate()
        with closing(SqliteEventStore(cli.path)) as store:
            store.delete("run")


def test_a_list_of_a_store_that_is_not_there_yet(tmp_path: Path) -> None:
    with terminal("ls", "--watch", "--url", f"sqlite:///{tmp_path}/log.db", cwd=tmp_path, size=(100, 12)) as shown:
        shown.wait_for("trying again: there is no store at")
        with closing(SqliteEventStore(tmp_path / "log.db")) as store:
            store.create(new_run("run", kind="demonstration"))
            shown.wait_for("demonstration")
        shown.press("q")
        assert shown.end() == 0
