"""A program under its supervisor, as Headway sees it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from headway.runners import supervisor

PIPE_BYTES = 1024 * 1024
"""What a program may have said and we not have read: as much as Linux lets everybody have."""

SETUP_SIGNALS = (*supervisor.IGNORED, signal.SIGTSTP)
"""Held back from a supervisor that does not ignore them yet."""


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What is run, and how.

    Attributes:
        command: The program and its arguments.
        environment: Its environment, whole.
        folder: Where it runs; the current folder by default.
        timeout_s: After how many seconds it is stopped.
        grace_s: Between SIGTERM and SIGKILL.
        tty: It gets a terminal of its own.
        leave_running: What it has started and left running may go on after it.
        held_signals: Signals that are held back in this thread on Headway's behalf; the program gets them as usual.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: str | None = None
    timeout_s: float | None = None
    grace_s: float = 10.0
    tty: bool = False
    leave_running: bool = False
    held_signals: frozenset[int] = frozenset()


class Word(NamedTuple):
    """What the supervisor says; see there."""

    word: str
    number: int


class Program:
    """A program that was started under a supervisor. ``stop`` and ``send`` may be called in any thread.

    Args:
        launch: What to run.
        stdout: The descriptor that becomes its standard output; with ``tty`` all three streams'.
        stderr: The same for its standard error.

    Raises:
        OSError: The supervisor cannot be started.

    Attributes:
        answers: The descriptor to poll for ``hear``.
    """

    def __init__(self, launch: Launch, stdout: int, stderr: int) -> None:
        heard, self._orders = pipe()
        self.answers, said = pipe()
        self._heard = b""
        self._pid: int | None = None
        try:
            self._pid = _spawn(launch, (heard, said, stdout, stderr))
        except OSError:
            self.close()
            raise
        finally:
            os.close(heard)
            os.close(said)

    def hear(self) -> list[Word] | None:
        """What the supervisor has said since; waits if there is nothing. None when it is gone."""
        said = os.read(self.answers, 4096)
        if not said:
            return None
        *lines, self._heard = (self._heard + said).split(b"\n")
        parts = [line.decode().split() for line in lines]
        return [Word(part[0], int(part[1]) if len(part) > 1 else 0) for part in parts]

    def send(self, number: int, *, to_group: bool = False) -> None:
        """Send a signal to the program, or to its process group."""
        self._tell(f"signal {int(number)} {int(to_group)}")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Begin to stop it and everything that it has started: this signal, a time of grace, SIGKILL."""
        self._tell(f"stop {int(number)}")

    def finish(self) -> None:
        """It has done what it was started for: stop it if it does not end by itself."""
        self._tell("finish")

    def note_modes(self, word: str) -> None:
        """The outer terminal's modes are changed (``raw``), or put back (``cooked``)."""
        self._tell(word)

    def _tell(self, order: str) -> None:
        with suppress(OSError):  # all is over
            os.write(self._orders, f"{order}\n".encode())

    def close(self) -> None:
        """Take leave. A supervisor that has not said that it goes stops everything first, and is not waited for."""
        for descriptor in (self._orders, self.answers):
            with suppress(OSError):
                os.close(descriptor)

    def wait(self) -> None:
        """Wait for the supervisor's end, after it has said that it goes."""
        if self._pid is not None:
            with suppress(ChildProcessError):
                os.waitpid(self._pid, 0)


def pipe(size: int | None = None) -> tuple[int, int]:
    """A pipe above the standard streams' numbers, which may be free; as large as asked for, if that can be had."""
    import fcntl

    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3))
        os.close(end)
    if size is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(ends[0], fcntl.F_SETPIPE_SZ, size)
    return ends[0], ends[1]


def _spawn(launch: Launch, descriptors: tuple[int, int, int, int]) -> int:
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    own = sorted({int(number) for number in blocked} - launch.held_signals)
    flags = "t" * launch.tty + "l" * launch.leave_running
    timeout = "" if launch.timeout_s is None else launch.timeout_s
    arguments = [
        ";".join((",".join(map(str, descriptors)), flags, str(timeout), str(launch.grace_s))),
        launch.folder or "",
        ",".join(map(str, own)),
        "--",
        *launch.command,
    ]
    path = str(Path(supervisor.__file__))
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", path, *arguments],
        launch.environment,
        file_actions=[
            # Onto itself: this is how a spawned process gets what others started meanwhile do not.
            *((os.POSIX_SPAWN_DUP2, each, each) for each in sorted(set(descriptors))),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
        setsigmask={*blocked, *SETUP_SIGNALS},
        setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
    )
