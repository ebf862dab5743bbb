"""The command ``headway`` in a process of its own, as people and scripts run it."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

COMMAND = (sys.executable, "-W", "error", "-m", "headway")
PATIENCE_S = 60.0


class Done(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it printed, line by line."""
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """What it printed, which is one line of JSON."""
        assert self.out.count("\n") == 1, self.out
        return msgspec.json.decode(self.out)

    @property
    def json_lines(self) -> list[Any]:
        """What it printed, each line of which is JSON."""
        return [msgspec.json.decode(line) for line in self.out.splitlines()]


class CommandLine:
    """Runs commands on one store.

    Attributes:
        path: The store's file.
        folder: Where the commands run.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "jobs.db"
        self.folder = folder

    @property
    def url(self) -> str:
        """The store's URL."""
        return f"sqlite:///{self.path}"

    def environment(self, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of the commands: none of the colours of whoever runs the tests."""
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "TERM")}
        state = str(self.folder / "state")
        return {**kept, "HEADWAY_URL": self.url, "XDG_STATE_HOME": state, "TERM": "xterm-256color", **(changes or {})}

    def __call__(
        self, *arguments: str, code: int = 0, stdin: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> Done:
        """Run a command to its end; fails unless its exit code is the one that is expected."""
        return self._run([*COMMAND, *arguments], code, stdin, environment)

    def bound_by_permissions(self, *arguments: str, code: int = 0) -> Done:
        """The same as somebody whom permissions bind, which they do not root."""
        prefix = [] if os.geteuid() else _without_capabilities()
        return self._run([*prefix, *COMMAND, *arguments], code, b"", None)

    def _run(self, command: list[str], code: int, stdin: bytes, environment: Mapping[str, str] | None) -> Done:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.environment(environment),
            timeout=PATIENCE_S,
            check=False,
        )
        result = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert result.code == code, result
        assert "Traceback" not in result.err, result.err
        return result

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a command."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.environment(environment),
        )

    def on_terminal(
        self,
        *arguments: str,
        columns: int = 80,
        code: int = 0,
        typed: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """What a command prints on a terminal of so many columns, escapes and all."""
        outer, inner = os.openpty()
        os.write(outer, typed.encode())
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            cwd=self.folder,
            env=self.environment(environment),
        )
        os.close(inner)
        printed = _read(outer)
        assert process.wait(PATIENCE_S) == code, printed
        return printed.decode().replace("\r\n", "\n")


def _without_capabilities() -> list[str]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("needs setpriv, to be bound by permissions as root")
    dropped = "-dac_override,-dac_read_search"
    return [setpriv, f"--bounding-set={dropped}", f"--inh-caps={dropped}", "--"]


def _read(fd: int) -> bytes:
    printed = b""
    try:
        while chunk := os.read(fd, 65536):
            printed += chunk
    except OSError:  # the last one that had it open is gone
        pass
    finally:
        os.close(fd)
    return printed
