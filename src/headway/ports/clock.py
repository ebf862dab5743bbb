"""Clocks: one for display, one for everything that is measured."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """What time it is. Durations and time-outs come from ``elapsed`` alone."""

    def wall(self) -> float:
        """Seconds since 1970, for display; it may jump."""

    def elapsed(self) -> float:
        """Seconds since the machine was started, its sleep included; all processes of a machine agree on it."""

    def boot(self) -> str:
        """A name for this start of the machine: ``elapsed`` values compare only within one."""


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._boot = _boot_id()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def elapsed(self) -> float:
        """Seconds since the machine was started."""
        return _elapsed()

    def boot(self) -> str:
        """The kernel's id of this start."""
        return self._boot


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        # Without the kernel's id the moment of the start names it, to ten seconds, since both clocks drift.
        return f"started-{round((time.time() - _elapsed()) / 10)}"


def _elapsed() -> float:
    # Only Linux has a clock that counts the machine's sleep, too; elsewhere a sleeping machine's leases wait.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
