"""Run any command: as a run of its own, or as a stage of the run that the caller is in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from headway.errors import MissingExtra
from headway.runners.options import Options, Settings, check, options_of
from headway.runners.outcome import Outcome

if TYPE_CHECKING:
    from headway.runners.signals import HeldSignals


def command(command: Sequence[str | os.PathLike[str]], **settings: Unpack[Settings]) -> Outcome:
    """Run a command, and wait for its end. Its output is the log, its progress bars are progress.

    In a run (this thread's or task's) it becomes a stage of that run; else a run of its own. A cancel of the run stops
    it, and so does an exception that is raised in here, such as KeyboardInterrupt: everything that it has started gets
    SIGTERM, and after the time of grace SIGKILL. If this process dies, the same happens. Safe in any thread; blocks,
    so for asyncio use ``asyncio.to_thread``.

    Args:
        command: The program and its arguments. There is no shell between.
        **settings: See ``Settings``: ``timeout``, ``grace``, ``kind``, ``title``, ``tty``, ``recognise``,
            ``patterns``, ``log_limit``, ``artifacts``, ``sentinel``, ``leave_running``, ``show``, ``env``, ``cwd``,
            ``target``.

    Returns:
        How it ended. A command that fails raises nothing: look at ``ok``.

    Raises:
        InvalidInput: An argument breaks a rule.
        MissingExtra: This system cannot do it.

    Example:
        >>> from headway import runners
        >>> runners.command(["echo", "hello"], target="none:").tail
        'hello'
    """
    return run_program(options_of(command, settings))


def run_program(options: Options, signals: HeldSignals | None = None) -> Outcome:
    """Run what the options say.

    Args:
        options: Checked.
        signals: Held back already, to be passed on to the program; None to leave signals alone.

    Raises:
        InvalidInput, MissingExtra: As for ``command``.
    """
    if os.name != "posix":
        raise MissingExtra("commands can be run on Linux and macOS only")
    from headway.runners.execution import Execution
    from headway.runners.recognition.pattern import Pattern
    from headway.runners.reporting import open_reporting

    check(options)
    if options.artifacts is not None:
        options.artifacts.mkdir(parents=True, exist_ok=True)
    patterns = tuple(Pattern(expression) for expression in options.patterns)
    return Execution(options, open_reporting(options), patterns, signals).run()
