"""What the facts of a program's end mean."""

from __future__ import annotations

import errno
import signal

import pytest

from headway.runners.outcome import Facts, outcome


def exited(code: int) -> int:
    return code << 8


@pytest.mark.parametrize(
    ("facts", "code", "error_code"),
    [
        (Facts(status=exited(0)), 0, None),
        (Facts(status=exited(3)), 3, "exit-3"),
        (Facts(status=signal.SIGKILL), 137, "signal-KILL"),
        (Facts(status=signal.SIGSEGV | 0x80), 139, "signal-SEGV"),
        (Facts(status=40), 168, "signal-40"),
        (Facts(trouble=errno.ENOENT), 127, "exit-127"),
        (Facts(trouble=errno.ENOTDIR), 127, "exit-127"),
        (Facts(trouble=errno.EACCES), 126, "exit-126"),
        (Facts(), 126, "runner-lost"),
        (Facts(status=signal.SIGTERM, timed_out=True), 124, "timed-out"),
        (Facts(status=exited(0), timed_out=True), 124, "timed-out"),
        (Facts(status=signal.SIGTERM, stopped_for="enough"), 130, "cancelled"),
        (Facts(status=exited(0), stopped_for="enough"), 130, "cancelled"),
        (Facts(status=signal.SIGKILL, stopped_for="enough", timed_out=True), 124, "timed-out"),
        (Facts(status=signal.SIGINT), 130, "signal-INT"),
        (Facts(status=signal.SIGINT, interrupted=True), 130, "cancelled"),
        (Facts(status=exited(1), interrupted=True), 130, "cancelled"),
        (Facts(status=exited(0), interrupted=True), 0, None),
        (Facts(status=signal.SIGTERM, sentinel=True), 0, None),
        (Facts(status=exited(3), sentinel=True), 0, None),
        (Facts(status=signal.SIGTERM, sentinel=True, timed_out=True), 124, "timed-out"),
    ],
)
def test_what_an_end_means(facts: Facts, code: int, error_code: str | None) -> None:
    found = outcome("run", facts)
    assert (found.code, found.error_code) == (code, error_code)
    assert found.ok == (error_code is None)
    assert (found.reason is None) == found.ok


def test_a_reason_is_in_words() -> None:
    assert outcome("run", Facts(status=signal.SIGKILL)).reason == "the command was killed by SIGKILL"
    assert outcome("run", Facts(status=exited(3))).reason == "the command ended with exit code 3"
    assert outcome("run", Facts(trouble=errno.ENOENT)).reason == "the command cannot be run: No such file or directory"
    assert outcome("run", Facts(status=exited(0), stopped_for="enough")).reason == "enough"
