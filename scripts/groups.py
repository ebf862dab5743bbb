"""Run groups of checks one after the other, with the time of each, and say at the end what passed.

``python scripts/groups.py check|test|soak|bench``. A group that fails does not keep the others from running.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

PYTHON = sys.executable
PYTEST = (PYTHON, "-m", "pytest", "-q")


COMMANDS = ("cli", "run", "watch", "replay")
SERVERS = ("server", "http", "client", "conformance")
INTEGRATION = sorted(str(path) for path in Path("tests/integration").glob("test_*.py"))


def _files(*areas: str) -> list[str]:
    """The integration tests of some areas: a file's name begins with one."""
    return [path for path in INTEGRATION if Path(path).name.removeprefix("test_").startswith(areas)]


def _others() -> list[str]:
    """Those of no area above."""
    named = _files(*COMMANDS, *SERVERS)
    return [path for path in INTEGRATION if path not in named]


class Group(NamedTuple):
    """A command with a name."""

    name: str
    command: tuple[str, ...]


STATIC = (
    Group("lint", (PYTHON, "-m", "ruff", "check", ".")),
    Group("format", (PYTHON, "-m", "ruff", "format", "--check", ".")),
    Group("types", (PYTHON, "-m", "mypy")),
    Group("layers", (PYTHON, "-c", "from importlinter.cli import lint_imports_command as c; c()")),
    Group("dependencies", (PYTHON, "-m", "deptry", "src")),
)
QUICK = (
    Group(
        "unit, property, contract, meta",
        (*PYTEST, "tests/unit", "tests/property", "tests/contract", "tests/conformance", "tests/meta"),
    ),
)
SLOW = (
    Group("documents", (*PYTEST, "tests/docs", "--doctest-modules", "src/headway")),
    Group("mutation of the fold", (PYTHON, "scripts/mutate_fold.py")),
    # In processes of their own: a test that reports leaves its store open, as jobs do, and select() ends at 1,024.
    Group("integration: commands", (*PYTEST, *_files(*COMMANDS))),
    Group("integration: servers", (*PYTEST, *_files(*SERVERS))),
    Group("integration: jobs and stores", (*PYTEST, *_others())),
)
SOAK = tuple(
    Group(f"soak: {name}", (*PYTEST, *tests, "--timeout=3600"))
    for name, tests in (
        ("properties", ["tests/property"]),
        ("commands", _files(*COMMANDS)),
        ("servers", _files(*SERVERS)),
        ("jobs and stores", _others()),
    )
)
FIGURES = tuple(
    Group(f"figures: {name}", (PYTHON, "-m", f"benchmarks.{name}"))
    for name in (
        "fold",
        "stores",
        "reporter",
        "silent",
        "cancel",
        "eta",
        "terminal",
        "cli",
        "watch",
        "run",
        "hub",
        "server",
        "black_holes",
    )
)
PLANS = {
    "check": STATIC + QUICK,
    "test": STATIC + QUICK + SLOW,
    "soak": SOAK,
    "bench": FIGURES,
}

_COUNTS = re.compile(r"(\d+) (passed|failed|skipped|error)")


def main(plan: str) -> int:
    """Run the plan's groups; 0 if all passed."""
    totals = dict.fromkeys(("passed", "failed", "skipped", "error"), 0)
    results = []
    for group in PLANS[plan]:
        print(f"\n── {group.name} ──", flush=True)
        began = time.monotonic()
        status, last_lines = _run(group.command)
        results.append((group.name, status, time.monotonic() - began))
        for count, outcome in _COUNTS.findall(last_lines):
            totals[outcome] += int(count)
    _summarise(results, totals)
    return int(any(status for _, status, _ in results))


def _run(command: tuple[str, ...]) -> tuple[int, str]:
    """The command's exit code and its last line, while all of it is shown."""
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line if line.strip() else last
    return process.returncode, last if command[: len(PYTEST)] == PYTEST else ""


def _summarise(results: list[tuple[str, int, float]], totals: dict[str, int]) -> None:
    print("\n── times ──")
    for name, status, seconds in results:
        print(f"{'failed' if status else 'ok':>6}  {seconds:7.1f} s  {name}")
    failed_groups = [name for name, status, _ in results if status]
    if failed_groups:
        print(f"failed groups: {', '.join(failed_groups)}")
    if any(totals.values()):
        failed = totals["failed"] + totals["error"]
        print(f"{totals['passed']} passed, {failed} failed, {totals['skipped']} skipped")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
