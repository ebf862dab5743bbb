"""What is in the repository, and what must never be."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
from pathlib import Path

import pytest

from tests.meta.documents import ROOT, SOURCE, modules

FILE_LINES = 500
FUNCTION_LINES = 50

# Hosts that packages come from, and places on the machines of those who write this. Put together here, so that this
# file does not find itself.
FORBIDDEN = [
    "|".join(parts)
    for parts in (
        (
            "py" + r"pi\.",
            "python" + "hosted",
            "npm" + r"js\.",
            "deb" + r"\.debian",
            "index" + "-url",
            "extra" + "-index",
        ),
        ("/wo" + "rk/", "/ro" + "ot/", "/opt/" + "wheels", "shared/" + "design", "shared/" + "data", "bash" + "_jobs"),
    )
]


def tracked() -> list[Path]:
    """The files that are in the repository, or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def texts() -> dict[Path, str]:
    found = {}
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content[:8192]:
            found[path] = content.decode("utf-8")
    return found


def test_there_are_files(texts: dict[Path, str]) -> None:
    assert len(texts) > 100


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_nothing_names_a_registry_or_a_machine(texts: dict[Path, str], pattern: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path, text in texts.items()
        if re.search(pattern, text)
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert found == []


def test_no_build_output_is_tracked() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=True, text=True).stdout.split()
    output = re.compile(r"(^|/)(build|dist|site|node_modules|__pycache__|\.venv)/|\.(pyc|db|whl)$")
    allowed = re.compile(r"^tests/")  # old stores are kept there to be migrated
    assert [name for name in listed if output.search(name) and not allowed.match(name)] == []


def test_every_file_of_the_package_says_what_it_is() -> None:
    silent = [path for path in modules() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    silent += [path for path in SOURCE.rglob("*.sql") if not path.read_text(encoding="utf-8").startswith("--")]
    assert [str(path.relative_to(ROOT)) for path in silent] == []


def test_files_are_short(texts: dict[Path, str]) -> None:
    long = {
        str(path.relative_to(ROOT)): text.count("\n")
        for path, text in texts.items()
        if path.suffix in (".py", ".sql", ".ts", ".tsx", ".js") and text.count("\n") > FILE_LINES
    }
    assert long == {}


def lengths() -> dict[str, int]:
    """Every function of the package, with its docstring, and how many lines it has."""
    found = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                found[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = node.end_lineno - node.lineno + 1
    return found


def test_functions_are_short() -> None:
    measured = lengths()
    assert {name: lines for name, lines in measured.items() if lines > FUNCTION_LINES} == {}
    assert statistics.median(measured.values()) <= 8
    assert statistics.quantiles(measured.values(), n=10)[-1] <= 25


FOLDERS_WITHOUT_A_NOUN = ("utils", "util", "helpers", "common", "base", "misc", "manager")


def test_no_file_is_called_by_a_word_that_says_nothing() -> None:
    assert [str(path) for path in tracked() if path.stem in FOLDERS_WITHOUT_A_NOUN] == []
