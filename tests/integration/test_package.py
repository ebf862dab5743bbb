"""What ``import headway`` alone gives, and what it costs."""

from __future__ import annotations

import subprocess
import sys
from typing import assert_type

import pytest

import headway

PACKAGES = ("client", "runners", "server", "testing")


def run_python(*lines: str) -> str:
    """What a program prints, in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    "name", ["client.Client", "runners.command", "server.create_app", "testing.EventStoreContract", "Run", "job"]
)
def test_names_are_there_when_they_are_asked_for(name: str) -> None:
    last = name.rpartition(".")[2]
    assert run_python("import headway", f"print(headway.{name}.__name__)") == f"{last}\n"


def test_importing_it_imports_nothing_else() -> None:
    program = "import __future__, sys; before = set(sys.modules); import headway; print(set(sys.modules) - before)"
    assert run_python(program) == "{'headway'}\n"


def test_they_are_listed() -> None:
    assert set(PACKAGES) <= set(dir(headway))
    assert len(dir(headway)) == len(set(dir(headway)))


def test_checkers_of_types_know_them() -> None:
    if headway.TYPE_CHECKING:
        assert_type(headway.runners.command(["true"]), headway.runners.Outcome)
        assert_type(headway.server.create_app("sqlite:///x"), headway.server.Application)
        assert_type(headway.testing.FakeClock(), headway.testing.FakeClock)
        assert_type(headway.client.Client("http://x"), headway.client.Client)
        headway.runners.commmand(["true"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(("package", "needs"), [("client", "httpx"), ("server", "starlette")])
def test_a_missing_extra_is_named(package: str, needs: str) -> None:
    told = run_python(
        f"import sys; sys.modules[{needs!r}] = None",
        "import headway",
        "from headway.errors import MissingExtra",
        f"print({package!r} in dir(headway), hasattr(headway, {package!r}))",
        "try:",
        f"    headway.{package}",
        "except MissingExtra as error:",
        "    print(error.code, error)",
        "try:",
        f"    from headway import {package}",
        "except MissingExtra as error:",
        "    print(error.code, error)",
    )
    first, *errors = told.splitlines()
    assert first == "True False"
    assert len(errors) == 2
    how = f": pip install 'headway[{package}]'"
    assert all(line.startswith("missing-extra ") and line.endswith(how) for line in errors)


def test_help_does_without_what_is_missing() -> None:
    program = ("import sys", "sys.modules['httpx'] = None", "import headway", "help(headway)")
    assert "Durable, real-time progress" in run_python(*program)
