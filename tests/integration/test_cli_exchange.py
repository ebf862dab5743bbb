"""``headway export`` and ``headway import``: the same run elsewhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import headway
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import batch, completed, log, new_run, notes
from tests.integration.command_line import COMMAND, CommandLine


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> CommandLine:
    """Another store."""
    (tmp_path / "other").mkdir()
    return CommandLine(tmp_path / "other")


def make(cli: CommandLine) -> None:
    with headway.run("video", run_id="run", title="Ünïcode \x1b\u009b", plan={"a": 1, "b": 2}, target=cli.url) as run:
        with run.stage("a", total=3) as stage:
            for n in stage.track(range(3)):
                stage.log(f"line {n}")
        run.emit("x.own", {"n": 1e300, "list": [1, 2.5, None, True]}, priority="high")
        run.artifact("a/b.txt", b"content")
        run.result({"words": 1})


def body(text: str) -> str:
    return text.partition("\n")[2]


def test_through_a_pipe_into_another_store(cli: CommandLine, other: CommandLine) -> None:
    make(cli)
    lines = cli("export", "run").out
    count = lines.count("\n") - 1
    assert other("import", "-", stdin=lines.encode()).out == f"run: {count} of {count} events were new\n"
    assert body(other("export").out) == body(lines)
    ours, theirs = cli("show", "--json").json, other("show", "--json").json
    assert ours["state"] == theirs["state"]
    assert ours["cursor"] != theirs["cursor"]
    assert cli("log").out == other("log").out


def test_through_files_with_artifacts(cli: CommandLine, other: CommandLine) -> None:
    make(cli)
    cli("export", "-o", "run.jsonl", "--artifacts", "files")
    cli("export", "-o", "run.jsonl", "--artifacts", "files", "--force")
    assert "is there already" in cli("export", "-o", "run.jsonl", code=1).err
    file, files = str(cli.folder / "run.jsonl"), str(cli.folder / "files")
    done = other("import", file, "--artifacts", files, "--as", "copy", "--json").json
    assert (done["run_id"], done["ended"]) == ("copy", True)
    other("artifacts", "copy", "--get", "a/b.txt")
    assert (other.folder / "b.txt").read_bytes() == b"content"


def test_a_second_time_says_so(cli: CommandLine, other: CommandLine) -> None:
    make(cli)
    cli("export", "-o", "run.jsonl")
    file = str(cli.folder / "run.jsonl")
    assert "were new" in other("import", file).out
    assert "were here already" in other("import", file).out
    assert "were here already" in cli("import", file).out


def test_what_is_damaged_is_refused_by_its_line(cli: CommandLine, other: CommandLine) -> None:
    make(cli)
    lines = cli("export").out.splitlines(keepends=True)
    lines[4] = lines[4][:-10] + "\n"
    assert other("import", "-", stdin="".join(lines).encode(), code=2).err.startswith("headway: line 5: not JSON")
    assert other("ls", "--json").json["runs"] == []


def test_another_run_of_that_id_is_left_alone(cli: CommandLine, other: CommandLine) -> None:
    make(cli)
    with headway.run("video", run_id="run", target=other.url):
        pass
    before = other("export").out
    assert "--as ID" in other("import", "-", stdin=cli("export").out.encode(), code=1).err
    assert other("export").out == before


def test_a_file_that_is_not_there(cli: CommandLine) -> None:
    assert "does not exist" in cli("import", "nothing.jsonl", code=2).err


def test_a_terminal_is_not_controlled(cli: CommandLine) -> None:
    make(cli)
    assert "\x9b" in cli("export").out
    printed = cli.on_terminal("export")
    assert "\x9b" not in printed
    assert "\\u009b" in printed


def test_content_that_is_gone_is_said(cli: CommandLine) -> None:
    make(cli)
    for path in Path(f"{cli.path}-artifacts").glob("*/*"):
        path.unlink()
    assert "'a/b.txt' is left out" in cli("export", "-o", "run.jsonl", "--artifacts", "files").err
    assert list((cli.folder / "files").iterdir()) == []


EVENTS = 100_000


def peak_memory_mb(cli: CommandLine, *arguments: str, stdin: Path | None = None, stdout: Path) -> float:
    """The most that a command needed."""
    with (stdin or Path("/dev/null")).open("rb") as source, stdout.open("wb") as target:
        process = subprocess.Popen([*COMMAND, *arguments], stdin=source, stdout=target, env=cli.environment())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    assert status == 0
    return usage.ru_maxrss / 1024


def test_memory_does_not_grow_with_the_log(cli: CommandLine, other: CommandLine) -> None:
    """Ten times the events need no more memory than what a store and a terminal cost anyway."""
    store = SqliteEventStore(cli.path)
    sizes: dict[str, list[float]] = {"export": [], "import": []}
    for run_id, count in (("small", EVENTS // 10), ("large", EVENTS)):
        store.create(new_run(run_id))
        for first in range(0, count, 1000):
            store.append(
                batch(run_id, first + 1, [*notes(*range(first, first + 990)), *(log("x" * 100) for _ in range(10))])
            )
        store.append(batch(run_id, count + 1, [completed()]))
        file = cli.folder / f"{run_id}.jsonl"
        sizes["export"].append(peak_memory_mb(cli, "export", run_id, stdout=file))
        sizes["import"].append(peak_memory_mb(other, "import", "-", stdin=file, stdout=cli.folder / "said"))
        assert file.stat().st_size > count * 80
    store.close()
    for small, large in sizes.values():
        assert large < small + 25, sizes
