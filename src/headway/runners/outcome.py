"""How a program ended, and what that means."""

from __future__ import annotations

import errno
import os
import signal

import msgspec

TIMED_OUT = 124
CANNOT_RUN = 126
NOT_FOUND = 127
CANCELLED = 130

SIGNALLED = 128
"""Shells report a death by a signal as this and the signal's number."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at the end.

    Attributes:
        status: As ``waitpid`` gives it; None if the program never ran, or nobody knows.
        trouble: Why it could not be started: an ``errno``.
        stopped_for: Why it was stopped from outside.
        interrupted: It was interrupted (Ctrl-C) a short time before it ended.
        timed_out: It was stopped because it took too long.
        sentinel: The line that says that it is done has come.
    """

    status: int | None = None
    trouble: int = 0
    stopped_for: str | None = None
    interrupted: bool = False
    timed_out: bool = False
    sentinel: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a program ended.

    Attributes:
        run_id: The run that it was, or was a part of.
        exit_code: What it exited with; None if it was killed by a signal or never ran.
        signal: The signal that killed it, without ``SIG``; None otherwise.
        timed_out: It took too long, and was stopped.
        cancelled: Somebody stopped it.
        sentinel: The line that says that it is done has come.
        reason: In a few words, what went wrong; None if nothing did.
        error_code: The same for programs: ``exit-3``, ``signal-KILL``, ``timed-out``; None if nothing did.
        tail: The last lines of its output.
        left_running: How many processes it left behind that were not stopped.
    """

    run_id: str
    exit_code: int | None = None
    signal: str | None = None
    timed_out: bool = False
    cancelled: bool = False
    sentinel: bool = False
    reason: str | None = None
    error_code: str | None = None
    tail: str = ""
    left_running: int = 0

    @property
    def ok(self) -> bool:
        """Whether it did what it was started for: exited with 0, or printed the sentinel."""
        return self.reason is None

    @property
    def code(self) -> int:
        """What a shell would be told: its own exit code, 128 and a signal's number, 124 timed out, 130 cancelled."""
        if self.cancelled:
            return CANCELLED
        if self.timed_out:
            return TIMED_OUT
        if self.sentinel:
            return 0
        if self.signal is not None:
            return SIGNALLED + _number(self.signal)
        return CANNOT_RUN if self.exit_code is None else self.exit_code


def outcome(run_id: str, facts: Facts, *, tail: str = "", left_running: int = 0) -> Outcome:
    """What the facts mean."""
    code, name = _ending(facts)
    ended_by_interrupt = facts.interrupted and (name == "INT" or code not in (None, 0))
    cancelled = not facts.timed_out and not facts.sentinel and (facts.stopped_for is not None or ended_by_interrupt)
    error_code, reason = _trouble(facts, code, name, cancelled=cancelled)
    return Outcome(
        run_id=run_id,
        exit_code=code,
        signal=name,
        timed_out=facts.timed_out,
        cancelled=cancelled,
        sentinel=facts.sentinel,
        reason=reason,
        error_code=error_code,
        tail=tail,
        left_running=left_running,
    )


def _ending(facts: Facts) -> tuple[int | None, str | None]:
    if facts.trouble:
        return (NOT_FOUND if facts.trouble in (errno.ENOENT, errno.ENOTDIR) else CANNOT_RUN), None
    if facts.status is None:
        return None, None
    code = os.waitstatus_to_exitcode(facts.status)
    return (code, None) if code >= 0 else (None, _name(-code))


def _trouble(facts: Facts, code: int | None, name: str | None, *, cancelled: bool) -> tuple[str | None, str | None]:
    """The error's code and what to say of it; nothing if it did what it was started for."""
    if facts.timed_out:
        return "timed-out", "it took too long and was stopped"
    if cancelled:
        return "cancelled", facts.stopped_for or "interrupted"
    return (None, None) if facts.sentinel or code == 0 else _failure(facts, code, name)


def _failure(facts: Facts, code: int | None, name: str | None) -> tuple[str, str]:
    if facts.trouble:
        return f"exit-{code}", f"the command cannot be run: {os.strerror(facts.trouble)}"
    if name is not None:
        return f"signal-{name}", f"the command was killed by SIG{name}"
    if code is None:
        return "runner-lost", "the process that watched over the command was killed"
    return f"exit-{code}", f"the command ended with exit code {code}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:  # one of the real-time signals between the first and the last
        return str(number)


def _number(name: str) -> int:
    return int(name) if name.isdigit() else int(signal.Signals[f"SIG{name}"])
