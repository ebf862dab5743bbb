"""What the supervisor knows of processes, wherever it looks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from headway.runners import supervisor

PARENT = """
import os, subprocess, sys
inner = subprocess.Popen([sys.executable, "-c", "input()"])
print(inner.pid, flush=True)
input()
"""


@pytest.fixture
def family() -> tuple[int, int, subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    return process.pid, int(process.stdout.readline()), process


@pytest.mark.parametrize("look", [supervisor.processes, supervisor._listed_by_ps])
def test_the_family_is_found(
    family: tuple[int, int, subprocess.Popen[str]], look: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer, inner, process = family
    monkeypatch.setattr(supervisor, "processes", look)
    try:
        found = supervisor.descendants(os.getpid())
        assert {outer, inner} <= set(found)
        assert found[inner][0] == outer
        assert found[outer][0] == os.getpid()
        assert set(supervisor.descendants(outer)) == {inner}
        assert supervisor.descendants(inner) == {}
    finally:
        os.killpg(outer, signal.SIGKILL)
        process.communicate()


def test_a_signal_goes_to_the_process_that_was_seen_and_to_no_other(
    family: tuple[int, int, subprocess.Popen[str]],
) -> None:
    outer, inner, process = family
    try:
        seen = supervisor.descendants(os.getpid())
        supervisor.send(outer, signal.SIGKILL, supervisor.Seen((os.getpid(), "another time")))
        assert process.poll() is None
        supervisor.send(inner, signal.SIGSTOP, seen[inner])
        while not supervisor.is_stopped(inner):
            pass
        supervisor.send(outer, signal.SIGKILL, seen[outer])
        assert process.wait(30) == -signal.SIGKILL
        supervisor.send(outer, signal.SIGKILL, seen[outer])
        assert not supervisor.is_stopped(outer)
    finally:
        os.killpg(outer, signal.SIGKILL)
        process.communicate()


def test_the_environment_is_as_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMETHING", "x")
    assert supervisor.given_environment()["SOMETHING"] == "x"
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import supervisor, os;"
        "print('LC_CTYPE' in os.environ, 'LC_CTYPE' in supervisor.given_environment())"
    )
    folder = os.path.dirname(supervisor.__file__)  # noqa: PTH120
    command = [sys.executable, "-I", "-S", "-c", program, folder]
    cases: tuple[tuple[dict[str, str], str], ...] = (
        ({}, "True False"),
        ({"LC_CTYPE": "C.UTF-8"}, "True True"),
        ({"LC_ALL": "C"}, "False False"),
    )
    for given, expected in cases:
        done = subprocess.run(command, env=given, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected
