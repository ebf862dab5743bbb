"""Commands in a pseudo-terminal, and what a person would see there."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyte

from tests.integration.jobs import until

SHELL = """
import fcntl, os, signal, sys, termios

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
child = os.fork()
if not child:
    os.close(int(sys.argv[1]))
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.argv[2], sys.argv[2:])
os.write(int(sys.argv[1]), b"%d\\n" % child)
os.close(int(sys.argv[1]))
status = os.waitpid(child, 0)[1]
if os.WIFSIGNALED(status):
    os.kill(os.getpid(), os.WTERMSIG(status))
os._exit(os.WEXITSTATUS(status))
"""
"""What a shell does: the terminal is the session's, and the command is in its foreground. So Ctrl-C, Ctrl-Z and changes
of the size come as signals, and a command that was stopped can go on."""


class Screen(pyte.Screen):
    """A terminal's screen that remembers what it was told to do beside drawing."""

    def __init__(self, columns: int, rows: int) -> None:
        self.done: list[str] = []
        super().__init__(columns, rows)

    def bell(self, *_: object) -> None:
        self.done.append("bell")

    def set_title(self, param: str) -> None:
        self.done.append(f"title {param}")

    def set_icon_name(self, param: str) -> None:
        self.done.append(f"icon {param}")

    def write_process_input(self, data: str) -> None:
        self.done.append(f"answer {data!r}")

    @property
    def rows(self) -> list[str]:
        """What is on it, row by row."""
        return [row.rstrip() for row in self.display]

    @property
    def text(self) -> str:
        """What is on it."""
        return "\n".join(self.rows)


class Shown:
    """A command whose standard streams are a terminal.

    Attributes:
        process: A shell, which ends as the command does.
        pid: The command.
        screen: What is on the terminal now.
        raw: All bytes that were written to it.
    """

    def __init__(self, command: Sequence[str], size: tuple[int, int], environment: dict[str, str], cwd: Path) -> None:
        self._terminal, theirs = pty.openpty()
        self.screen = Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self._drawing = threading.Lock()
        self.raw = b""
        self._set_size(*size)
        self.modes = termios.tcgetattr(theirs)
        told, tell = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", SHELL, str(tell), *command],
            pass_fds=[tell],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            cwd=cwd,
            start_new_session=True,
        )
        os.close(tell)
        with os.fdopen(told) as file:
            self.pid = int(file.readline())
        self._theirs = theirs  # kept open, so that what the terminal is left in can be looked at
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._terminal, 65_536)
            except OSError:
                return
            with self._drawing:
                self.raw += data
                self._stream.feed(data)

    @property
    def text(self) -> str:
        """What is on the screen now."""
        with self._drawing:
            return self.screen.text

    @property
    def rows(self) -> list[str]:
        """The same, row by row."""
        with self._drawing:
            return self.screen.rows

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self._terminal, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size, as a person does who drags its corner."""
        with self._drawing:
            self.screen.resize(rows, columns)
            self.screen.reset()
        self._set_size(columns, rows)

    def signal(self, number: int) -> None:
        """Send the command a signal."""
        os.kill(self.pid, number)

    def is_stopped(self) -> bool:
        """Whether the command was stopped, and not ended."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def wait_for(self, text: str) -> str:
        """Wait until a text is on the screen; all of it."""
        try:
            until(lambda: text in self.text, repr(text))
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen shows:\n{self.text}") from None
        return self.text

    def wait_while(self, text: str) -> str:
        """Wait until a text is on the screen no more."""
        until(lambda: text not in self.text, f"the end of {text!r}")
        return self.text

    def end(self) -> int:
        """Wait for the command's end; its exit code."""
        code = self.process.wait(60)
        until(self._is_drained, "all that was written")
        return code

    def _is_drained(self) -> bool:
        with self._drawing:
            before = len(self.raw)
        threading.Event().wait(0.02)
        return len(self.raw) == before

    def modes_now(self) -> list[object]:
        """The terminal's modes as they are now."""
        return list(termios.tcgetattr(self._theirs))

    def close(self) -> None:
        """Kill it if it runs."""
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()
        os.close(self._theirs)
        self._reader.join(5)
        os.close(self._terminal)


@contextmanager
def terminal(
    *arguments: str,
    cwd: Path,
    size: tuple[int, int] = (100, 30),
    keyboard: bool = True,
    environment: Mapping[str, str] | None = None,
    module: str = "headway",
) -> Iterator[Shown]:
    """``headway`` or another module, with these arguments, in a terminal, perhaps with nothing on its input."""
    wanted = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **(environment or {})}
    hidden = ("NO_COLOR", "COLUMNS", "LINES", "TMUX", "WT_SESSION", "ConEmuANSI", "TERM_PROGRAM", "VTE_VERSION")
    inherited = {name: value for name, value in os.environ.items() if name not in hidden}
    command = [sys.executable, "-m", module, *arguments]
    if not keyboard:
        command = ["/bin/sh", "-c", 'exec "$@" < /dev/null', "sh", *command]
    shown = Shown(command, size, {**inherited, **wanted}, cwd)
    try:
        yield shown
    finally:
        shown.close()
