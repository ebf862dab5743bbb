"""Help texts, with examples that work as they stand; completion in real shells; errors that say what to do."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import headway
from headway.cli.app import COMMANDS
from headway.protocol import events
from headway.stores.files import FileArtifactStore
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import AT, OWNER, batch, log, new_run
from tests.integration.command_line import COMMAND, CommandLine

RUN = "0191f1c2-7e61-7000-8000-000000000000"

OURS = (
    "ls",
    "show",
    "log",
    "cancel",
    "answer",
    "artifacts",
    "export",
    "import",
    "prune",
    "doctor",
    "completion",
)
"""The commands whose examples need no more than a store."""


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def make_example(cli: CommandLine) -> None:
    """The run that the examples are about, with what they want of it."""
    store = SqliteEventStore(cli.path)
    store.create(new_run(RUN, "video-summary", AT))
    blob = FileArtifactStore(f"{cli.path}-artifacts").put(io.BytesIO(b"report"))
    entry = events.Artifact(name="report.html", sha256=blob.sha256, size=6, media_type="text/html")
    said = [
        events.RunStarted(attempt=1, reporter=OWNER),
        events.StageStarted(title="Summary"),
        entry,
        events.InputRequested(id="q-5d0c", prompt="Publish?"),
    ]
    drafts = [events.draft(data, at=AT, stage="summary" if "Stage" in type(data).__name__ else None) for data in said]
    store.append(batch(RUN, 1, [*drafts, *(log(f"line {n}", stream="stderr") for n in range(20))]))
    store.close()
    cli("export", "-o", "run.jsonl", "--artifacts", "files")


def _clear(folder: Path) -> None:
    (folder / "run.jsonl").unlink()
    shutil.rmtree(folder / "files")


def make_programs(folder: Path) -> Path:
    """``headway`` under its name, and stand-ins for the programs that the examples pipe into."""
    programs = folder / "bin"
    programs.mkdir()
    said = {"headway": f'exec {" ".join(COMMAND)} "$@"', "jq": "cat", "less": "cat", "ssh": 'shift; exec "$@"'}
    for name, line in said.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    return programs


def examples(cli: CommandLine, command: str) -> list[str]:
    """The command lines in a help text."""
    _, _, shown = cli(command, "--help").out.partition("Examples:\n")
    return [line.strip() for line in shown.splitlines() if line.strip()]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does_and_how(cli: CommandLine, command: str) -> None:
    out = cli(command, "--help").out
    assert out.startswith(f"Usage: headway {command} ")
    assert "Options:" in out
    assert examples(cli, command)
    assert all("headway " in line for line in examples(cli, command))


@pytest.mark.parametrize("command", [name for name in OURS if name in COMMANDS])
def test_every_example_works(tmp_path: Path, command: str) -> None:
    lines = examples(CommandLine(tmp_path), command)
    for number, line in enumerate(line for line in lines if " --watch" not in line):  # which goes on
        folder = tmp_path / str(number)
        (folder / ".config" / "fish" / "completions").mkdir(parents=True)
        cli = CommandLine(folder)
        make_example(cli)
        if command == "export":
            _clear(folder)
        if command == "log":
            cli("cancel", RUN)  # which also ends a log that is followed
        environment = cli.environment({"HOME": str(folder), "PATH": f"{make_programs(folder)}:{os.environ['PATH']}"})
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done}"
        assert "Traceback" not in done.stderr


def test_all_commands_are_listed(cli: CommandLine) -> None:
    out = cli("--help").out
    for name, what in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(what)}$", out, re.MULTILINE)
    assert cli("-h").out == out


def test_the_version(cli: CommandLine) -> None:
    assert cli("--version").out == f"headway {headway.__version__}\n"


def test_a_command_that_is_none(cli: CommandLine) -> None:
    assert "did you mean 'show'?" in cli("shwo", code=2).err
    assert "headway --help" in cli("frobnicate", code=2).err
    assert "No such option" in cli("ls", "--frob", code=2).err


COMPLETIONS = [
    ("headway sh", ["show"]),
    ("headway ls --sta", ["--status"]),
    ("headway ls --status lo", ["lost"]),
    ("headway ls --kind vid", ["video-summary"]),
    ("headway show 0191", [RUN]),
    (f"headway log {RUN} --stage su", ["summary"]),
    (f"headway artifacts {RUN} --get rep", ["report.html"]),
    (f"headway answer {RUN} q-", ["q-5d0c"]),
    ("headway completion z", ["zsh"]),
]


@pytest.mark.parametrize(("line", "wanted"), COMPLETIONS)
def test_bash_completes(cli: CommandLine, line: str, wanted: list[str]) -> None:
    make_example(cli)
    words = line.split()
    script = f"""
        eval "$(headway completion bash)"
        COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}
        _headway_completion headway {words[-1]} {words[-2]}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = cli.environment({"PATH": f"{make_programs(cli.folder)}:{os.environ['PATH']}"})
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == wanted
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_complete(cli: CommandLine, shell: str) -> None:
    make_example(cli)
    source = cli("completion", shell).out
    assert f"_HEADWAY_COMPLETE={shell}_complete" in source
    environment = {"_HEADWAY_COMPLETE": f"{shell}_complete", "COMP_WORDS": "headway sh", "COMP_CWORD": "1"}
    if shell == "fish":
        environment["COMP_CWORD"] = "sh"
    assert "show" in cli(environment=environment).out
    if shutil.which(shell):
        subprocess.run([shell, "-n", "-c" if shell == "fish" else "/dev/stdin"], input=source.encode(), check=True)


def test_completion_is_silent_where_there_is_nothing(cli: CommandLine) -> None:
    environment = {"_HEADWAY_COMPLETE": "bash_complete", "COMP_WORDS": "headway show x", "COMP_CWORD": "2"}
    done = cli(environment=environment)
    assert (done.out.strip(), done.err) == ("", "")


def test_where_there_is_no_store(cli: CommandLine) -> None:
    for command in ("ls", "show", "log", "artifacts", "export", "answer"):
        done = cli(command, code=3)
        assert done.err == f"headway: there is no store at {cli.path}: the first run that reports to it makes it\n"
    assert not cli.path.exists(), "looking makes nothing"


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("none:", 2, "reports nothing"),
        ("postgres://x", 2, "not a target"),
        ("redis://host", 2, "not built yet"),
        ("sqlite:///", 2, "not a target"),
        ("sqlite:////dev/null/x.db", 3, "no store"),
        ("sqlite:////proc/self/status", 5, ""),
    ],
)
def test_urls_that_lead_to_no_store(cli: CommandLine, url: str, code: int, said: str) -> None:
    done = cli("ls", "--url", url, code=code)
    assert done.err.startswith("headway: ")
    assert said in done.err


def test_stores_that_cannot_be_opened(cli: CommandLine) -> None:
    cli.path.write_bytes(b"some text that is no store" * 100)
    assert "not a Headway store" in cli("ls", code=5).err
    cli.path.unlink()
    SqliteEventStore(cli.path).close()
    cli.path.chmod(0)
    cli.path.parent.chmod(0o555)
    assert "check the permissions" in cli.bound_by_permissions("ls", code=4).err
    cli.path.parent.chmod(0)
    assert cli.bound_by_permissions("ls", code=4).err.startswith("headway: ")
    cli.path.parent.chmod(0o755)


def test_a_server_that_is_out_of_reach_is_named(cli: CommandLine) -> None:
    said = cli("ls", "--url", "http://127.0.0.1:1/below/", code=5).err
    assert said.startswith("headway: http://127.0.0.1:1/below is out of reach (")
    assert "headway serve" in said


@pytest.mark.parametrize("closed", ["<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_trouble(cli: CommandLine, closed: str) -> None:
    with headway.run("sample", run_id="run", target=cli.url) as run:
        run.log("one")
    for arguments in ("ls", "ls --json", "show run", "log run", "watch run", "export run"):
        script = f"exec {closed}; exec {' '.join(COMMAND)} {arguments}"
        done = subprocess.run(["sh", "-c", script], env=cli.environment(), capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), arguments


def test_no_home_folder(cli: CommandLine) -> None:
    environment = {**cli.environment(), "HOME": "relative"}
    for name in ("HEADWAY_URL", "XDG_STATE_HOME", "HOME"):
        environment.pop(name)
    program = "import os, pathlib; os.environ.pop('HOME', None); pathlib.Path.home = classmethod(boom)"
    program = f"def boom(cls): raise RuntimeError('no home')\n{program}\nfrom headway.cli import main; main()"
    command = [sys.executable, "-c", program, "ls"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "give --url" in done.stderr


def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path) -> None:
    program = "import sys; sys.modules['click'] = None; from headway.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "pip install 'headway[cli]'" in done.stderr
