"""The shell commands in the documents work, and print what the pages say; the reference names every option."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from headway.cli import exits
from headway.cli.app import COMMANDS, FILES
from headway.doctor import examination
from headway.runners import outcome
from tests.docs.pages import ROOT, Block, blocks
from tests.integration.command_line import COMMAND, CommandLine
from tests.meta.documents import names, rows, section, text

PAGES = (
    "docs/reference/command-line.md",
    "docs/how-to/use-the-command-line.md",
    "docs/how-to/move-a-run.md",
    "docs/how-to/find-what-is-wrong.md",
    "docs/how-to/watch-a-run.md",
)
REFERENCE = text(PAGES[0])


def fits(shown: str, printed: str) -> bool:
    """Whether the output is the one shown, in which ``…`` stands for anything on its line, and alone for lines."""
    pattern = (
        re.escape(shown).replace(re.escape("…\n"), "(?:.*\n)*", 1) if shown.startswith("…\n") else re.escape(shown)
    )
    return re.fullmatch(pattern.replace("…", ".*"), printed) is not None


def run(block: Block, cli: CommandLine, folder: Path) -> str:
    """What a block prints, on both streams."""
    command = [sys.executable, "-c", block.text] if block.language == "python" else ["bash", "-c", block.text]
    programs = f"{folder}:{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=cli.folder,
        env=cli.environment({"PATH": programs}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"line {block.line}: {done.stdout}"
    return done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_shell_commands_print_what_is_shown(page: str, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "headway").write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
    (programs / "headway").chmod(0o755)
    (tmp_path / "here").mkdir()
    cli = CommandLine(tmp_path / "here")
    printed = ""
    for block in blocks(ROOT / page):
        if block.language == "text":
            assert fits(block.text, printed), f"{page}:{block.line} is\n{printed}"
        else:
            printed = run(block, cli, programs)


def command_of(name: str) -> click.Command:
    found = import_module(f"headway.cli.commands.{FILES.get(name, name)}").command
    assert isinstance(found, click.Command)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_every_option(name: str) -> None:
    described = section(REFERENCE, name)
    listed = {option for row in rows(described, "| option |") for option in re.findall(r"--?[a-z][a-z-]*", row[0])}
    taken = {
        option
        for parameter in command_of(name).params
        if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert listed == taken - {"--url", "--help", "-h"}
    assert f"headway {name}" in described


def test_the_reference_has_every_exit_code() -> None:
    listed = {int(code) for row in rows(REFERENCE, "| code |") for code in row[0].split(", ")}
    ours = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert listed == {*ours, outcome.CANNOT_RUN, outcome.NOT_FOUND}


def test_the_reference_has_every_check() -> None:
    listed = {name for row in rows(REFERENCE, "| check |") for name in names(row[0])}
    folder = Path(examination.__file__).parent
    said = {
        name
        for path in folder.glob("*.py")
        for name in re.findall(r'(?:fine|warning|problem)\(\s*"(\w+)"', path.read_text())
    }
    assert listed == said - {"delivery"}
