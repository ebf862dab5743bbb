"""Every Python block of the README and of docs/ runs, and prints what the page says it prints.

The blocks of a page are one program: they run in order, in one namespace, in a process and a folder of their own. Each
stands in the program at the line that it has on the page, so that a traceback names the page's line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, Block, blocks, name

OUTPUT = 'title="Output"'
MARK = "<end of block>"
WITH_CODE = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]


def program(code: list[Block]) -> str:
    """The blocks at their lines; where a block's closing fence is, the end of its output is marked."""
    lines: list[str] = []
    for block in code:
        lines += [""] * (block.line - 1 - len(lines))
        lines += [*block.text.splitlines(), f"print({MARK!r}, flush=True)"]
    return "\n".join(lines) + "\n"


def run(page: Path, folder: Path) -> list[str]:
    """What each block of a page prints."""
    script = folder / "page.py"
    script.write_text(program([block for block in blocks(page) if block.language == "python"]), encoding="utf-8")
    environment = os.environ | {"HEADWAY_URL": f"sqlite:///{folder / 'default.db'}", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{name(page)}:\n{done.stderr}"
    assert done.stderr == "", f"{name(page)} warns:\n{done.stderr}"
    return done.stdout.split(f"{MARK}\n")


def expected(page: Path) -> dict[int, str]:
    """The number of a Python block → the output that the page shows after it."""
    shown: dict[int, str] = {}
    number = -1
    for block in blocks(page):
        number += block.language == "python"
        if block.rest == OUTPUT:
            assert number not in shown, f"{name(page)}:{block.line}: a second output of one block"
            shown[number] = block.text
    return shown


def agrees(shown: str, printed: str) -> bool:
    """Whether the output is the one shown, in which a last line ``…`` stands for the rest."""
    if shown.endswith("\n…\n"):
        return printed.startswith(shown.removesuffix("…\n")) and printed != shown.removesuffix("…\n")
    return printed == shown


@pytest.mark.parametrize("page", WITH_CODE, ids=name)
def test_the_code_runs_and_prints_what_is_shown(page: Path, tmp_path: Path) -> None:
    printed = run(page, tmp_path)
    for number, shown in expected(page).items():
        assert agrees(shown, printed[number]), f"block {number + 1} of {name(page)} prints:\n{printed[number]}"


def test_there_is_code_to_run() -> None:
    assert len(WITH_CODE) >= 6
    assert sum(len(expected(page)) for page in WITH_CODE) >= 15


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_has_a_known_language_and_none_is_exempt(page: Path) -> None:
    for block in blocks(page):
        assert block.language in ("python", "text", "sh", "json", "toml", "sql"), f"{name(page)}:{block.line}"
        allowed = ("", OUTPUT) if block.language == "text" else ("",)
        assert block.rest in allowed, f"{name(page)}:{block.line}: {block.rest}"
