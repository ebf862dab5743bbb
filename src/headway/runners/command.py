"""Run any command: as a run of its own, or as a stage of the run that the caller is in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headway.errors import MissingExtra
from headway.runners.options import GRACE_S, Options, check, checked_command
from headway.runners.outcome import Outcome

if TYPE_CHECKING:
    from headway.runners.signals import HeldSignals


def command(  # noqa: PLR0913 -- what people type
    command: Sequence[str | os.PathLike[str]],
    *,
    timeout: float | None = None,
    grace: float = GRACE_S,
    kind: str | None = None,
    title: str | None = None,
    tty: bool = False,
    recognise: bool = True,
    patterns: Sequence[str] = (),
    log_limit: int | None = None,
    artifacts: str | os.PathLike[str] | None = None,
    sentinel: str | None = None,
    leave_running: bool = False,
    show: bool = False,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    target: str | None = None,
) -> Outcome:
    """Run a command, and wait for its end. Its output is the log, its progress bars are progress.

    In a run (this thread's or task's) it becomes a stage of that run; else a run of its own. A cancel of the run stops
    it, and so does an exception that is raised in here, such as KeyboardInterrupt: everything that it has started gets
    SIGTERM, and after the time of grace SIGKILL. Blocks; for asyncio use ``asyncio.to_thread``.

    Args:
        command: The program and its arguments. There is no shell between.
        timeout: After so many seconds it is stopped.
        grace: Seconds between SIGTERM and SIGKILL.
        kind: The run's kind, or the stage's name; by default the program's name.
        title: What people read; by default the command, so give one if it has secrets in it.
        tty: Give it a terminal of its own.
        recognise: Look for progress in its output.
        patterns: Regular expressions for progress of one's own, with groups named ``current``, ``total``,
            ``percent``, ``message`` or ``stage``.
        log_limit: How many bytes of its output are kept; 10,000,000 by default. In a run of its own only.
        artifacts: A folder; what is in it afterwards is kept with the run.
        sentinel: A line that says that it is done, whatever it does afterwards.
        leave_running: Let what it has started go on after its end.
        show: Show its output on our own standard output and error, too.
        env: Its environment; ours by default.
        cwd: Its folder; ours by default.
        target: Where reports go, as for ``headway.run``.

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
    return run_program(
        Options(
            command=checked_command(command),
            kind=kind,
            title=title,
            timeout_s=timeout,
            grace_s=grace,
            tty=tty,
            recognise=recognise,
            patterns=tuple(patterns),
            log_limit_bytes=log_limit,
            artifacts=None if artifacts is None else Path(artifacts),
            sentinel=sentinel,
            leave_running=leave_running,
            show=show,
            environment=env,
            folder=None if cwd is None else Path(cwd),
            target=target,
        )
    )


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
