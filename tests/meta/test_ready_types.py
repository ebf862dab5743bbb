"""What JSON is read into was made ready: two threads that read into a new type at once crash the process."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import headway

SOURCE = Path(headway.__file__).parent
FILES = [path for path in sorted(SOURCE.rglob("*.py")) if "testing" not in path.parts]
READERS = {"decode", "convert", "Decoder", "read_json", "parse", "_get", "_post", "_decoded"}
"""Calls that are told into what JSON is to be read."""


def calls(path: Path, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in names:
                yield node


def given(call: ast.Call) -> set[str]:
    """The names of types among a call's arguments, also inside of others: ``tuple[PlannedStage, ...]``."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    found = {node.id for argument in arguments for node in ast.walk(argument) if isinstance(node, ast.Name)}
    return {name for name in found if name.lstrip("_")[:1].isupper() and not name.isupper()}


MADE_READY = {name for path in FILES for call in calls(path, {"ready"}) for name in given(call)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_type_that_is_read_into_is_ready(path: Path) -> None:
    # A decoder that is made with its module makes its type ready, too.
    read = {name for call in calls(path, READERS - {"Decoder"}) for name in given(call)}
    assert read - MADE_READY - KNOWN == set()


KNOWN = {"Answer", "AnyFrame", "BatchBody", "Exception", "Json", "Path", "Request"}
"""No types of msgspec's, or those of a decoder that is made with its module."""

RACE = """
import sys, threading
sys.setswitchinterval(1e-6)
import msgspec
from headway.progress.state import State
begin = threading.Barrier(4)

def read():
    begin.wait()
    try:
        msgspec.json.decode(b'{"run_id":"r","findings":{"by_severity":{}},"stages":[{"path":"a"}]}', type=State)
    except msgspec.ValidationError:
        pass

threads = [threading.Thread(target=read) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_may_read_a_state_for_the_first_time_at_once() -> None:
    for _ in range(15):
        subprocess.run([sys.executable, "-c", RACE], check=True)
