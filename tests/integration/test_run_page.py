"""The shell blocks of the page about running programs do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "run-any-program.md"
BLOCKS = blocks(PAGE)
SHELL = [(block, BLOCKS[number + 1]) for number, block in enumerate(BLOCKS) if block.language == "sh"]


def test_there_are_shell_blocks() -> None:
    assert len(SHELL) >= 5


@pytest.mark.parametrize("pair", SHELL, ids=lambda pair: f"line-{pair[0].line}")
def test_a_shell_block_prints_what_the_page_says(pair: tuple[Block, Block], tmp_path: Path) -> None:
    script, expected = pair
    assert expected.language == "text"
    (tmp_path / "headway").write_text(f'#!/bin/sh\nexec {sys.executable} -m headway "$@"\n')
    (tmp_path / "headway").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HEADWAY_URL": f"sqlite:///{tmp_path}/jobs.db",
        "XDG_STATE_HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        ["sh", "-c", script.text],
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    assert done.stdout.decode().replace("\r\n", "\n") == expected.text


def test_the_page_names_every_exit_code_of_the_reference() -> None:
    reference = (PAGE.parents[1] / "reference" / "command-line.md").read_text(encoding="utf-8")
    codes = set(re.findall(r"^\| ([0-9, ]+) \|", reference, re.MULTILINE))
    assert {"124", "126, 127", "130"} <= codes
    assert {"124", "126", "127", "130"} <= set(re.findall(r"\| (\d+) \|$", PAGE.read_text("utf-8"), re.MULTILINE))
