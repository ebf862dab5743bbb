"""What may be said about running a program."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

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
