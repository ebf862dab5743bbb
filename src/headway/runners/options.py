"""What may be said about running a program."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import msgspec

from headway.errors import InvalidInput
from headway.protocol import limits

GRACE_S = 10.0
"""Between SIGTERM and SIGKILL, as elsewhere: most programs need less, and nobody likes to wait for more."""

LOG_LIMIT_BYTES = 10_000_000
"""Kept of a run's log, unless something else is said; the store's own limit is the same."""

_LONGEST_S = 10 * 365 * 86_400.0
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to run a program; see ``command``, which checks them."""

    command: tuple[str, ...]
    kind: str | None = None
    title: str | None = None
    timeout_s: float | None = None
    grace_s: float = GRACE_S
    tty: bool = False
    recognise: bool = True
    patterns: tuple[str, ...] = ()
    log_limit_bytes: int | None = None
    artifacts: Path | None = None
    sentinel: str | None = None
    leave_running: bool = False
    show: bool = False
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    target: str | None = None


class Settings(TypedDict, total=False):
    """What may be said to ``command``.

    Attributes:
        timeout: After so many seconds it is stopped.
        grace: Seconds between SIGTERM and SIGKILL; 10 by default.
        kind: The run's kind, or the stage's name; by default the program's name.
        title: What people read; by default the command, so give one if it has secrets in it.
        tty: Give it a terminal of its own.
        recognise: Look for progress in its output; so by default.
        patterns: Regular expressions for progress of its own, with groups named ``current``, ``total``, ``percent``,
            ``message`` or ``stage``.
        log_limit: How many bytes of its output are kept; 10,000,000 by default. Of a log that is not its own it
            bounds the bytes that are kept as they were.
        artifacts: A folder; what is in it afterwards is kept with the run. It is made if it is not there.
        sentinel: A line that says that it is done, whatever it does afterwards.
        leave_running: Let what it has started go on after its end.
        show: Show its output on our own standard output and error, too.
        env: Its environment, whole; ours by default.
        cwd: Its folder; ours by default.
        target: Where a run of its own is reported, as for ``headway.run``.
    """

    timeout: float | None
    grace: float
    kind: str | None
    title: str | None
    tty: bool
    recognise: bool
    patterns: Sequence[str]
    log_limit: int | None
    artifacts: str | os.PathLike[str] | None
    sentinel: str | None
    leave_running: bool
    show: bool
    env: Mapping[str, str] | None
    cwd: str | os.PathLike[str] | None
    target: str | None


_FIELDS = {
    "timeout": "timeout_s",
    "grace": "grace_s",
    "log_limit": "log_limit_bytes",
    "env": "environment",
    "cwd": "folder",
}


def options_of(command: Sequence[str | os.PathLike[str]], settings: Settings) -> Options:
    """The options that somebody has typed.

    Raises:
        InvalidInput: It is no command.
        TypeError: There is no such setting.
    """
    given: dict[str, Any] = {_FIELDS.get(name, name): value for name, value in settings.items()}
    for name in ("artifacts", "folder"):
        if given.get(name) is not None:
            given[name] = Path(given[name])
    unknown = set(settings) - set(Settings.__annotations__)
    if unknown:
        raise TypeError(f"command() got unexpected settings: {', '.join(sorted(unknown))}")
    return Options(command=checked_command(command), **{**given, "patterns": tuple(given.get("patterns", ()))})


def checked_command(command: Sequence[str | os.PathLike[str]]) -> tuple[str, ...]:
    """The command as text.

    Raises:
        InvalidInput: It is empty, one text instead of several, or has a NUL in it.
    """
    if isinstance(command, str | bytes) or not command:
        raise InvalidInput(f"{command!r} is not a command: give a list, such as ['ls', '-l']")
    parts = tuple(os.fsdecode(part) for part in command)
    if any("\0" in part for part in parts) or not parts[0]:
        raise InvalidInput("a command has no empty name, and no NUL in it")
    return parts


def check(options: Options) -> None:
    """Check what numbers and texts may be.

    Raises:
        InvalidInput: One of them breaks a rule.
    """
    _check_seconds("the timeout", options.timeout_s, zero=False)
    _check_seconds("the time of grace", options.grace_s, zero=True)
    if options.log_limit_bytes is not None and options.log_limit_bytes < 1:
        raise InvalidInput("the log's limit is less than a byte: give a size such as 100MB")
    if options.sentinel is not None and not options.sentinel.strip():
        raise InvalidInput("the sentinel is empty: give the line that says that the command is done")


def _check_seconds(name: str, value: float | None, *, zero: bool) -> None:
    if value is not None and not (0 <= value <= _LONGEST_S and (zero or value > 0)):
        raise InvalidInput(f"{name} is {value}: give seconds, such as 30 or 0.5")


def default_kind(command: Sequence[str]) -> str:
    """A run's kind, by which remaining time is learned: the program's name."""
    name = _UNPRINTABLE.sub("", os.path.basename(command[0]))  # noqa: PTH119 -- the name may be no path at all
    return name[: limits.NAME_CHARS] or "command"


def default_title(command: Sequence[str]) -> str:
    """A run's title: the command, as it is typed."""
    line = _UNPRINTABLE.sub(" ", shlex.join(command))
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1] + "…"


TITLE_CHARS = 200
"""More of a command nobody reads in a list."""
