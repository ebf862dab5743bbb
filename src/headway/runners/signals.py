"""Signals that reach Headway and are meant for the program.

Theory of operation. What a terminal sends (Ctrl-C, Ctrl-Z, Ctrl-\\, a hang-up) it sends to the whole process group, so
the program has it already; what ``kill`` sends to Headway alone must be passed on. A Python handler cannot tell one
from the other, ``sigwaitinfo`` can. So the signals are blocked in the thread that starts everything, and thereby in all
threads that are started later, and one thread waits for them.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

HANDLED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
    signal.SIGTSTP,
    signal.SIGCONT,
)

_SI_KERNEL = 0x80
"""Linux marks with it what did not come from a process."""

_END = signal.SIGURG
"""Ends the waiting. Nobody sends it to a process without sockets that have urgent data."""


class HeldSignals:
    """From ``hold`` to ``release`` the signals wait for who takes them. In the main thread.

    Attributes:
        numbers: Those that are held: what was ignored when Headway was started, as by nohup, stays ignored.
        ours: Those of them that nobody held before.
    """

    def __init__(self) -> None:
        self.numbers = frozenset(int(number) for number in HANDLED if signal.getsignal(number) != signal.SIG_IGN)
        self._thread: threading.Thread | None = None
        self._before: set[int] = set()
        self.ours: frozenset[int] = frozenset()

    def __enter__(self) -> Self:
        self._before = {int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, {*self.numbers, _END})}
        self.ours = frozenset({*self.numbers, int(_END)} - self._before)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None and self._thread.ident is not None:
            signal.pthread_kill(self._thread.ident, _END)
            self._thread.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def listen(self, heard: Callable[[int, bool], None]) -> None:
        """Call this for each signal from now on, in another thread: its number, and whether all in our group got it."""
        self._thread = threading.Thread(target=self._listen, args=(heard,), name="headway-signals", daemon=True)
        self._thread.start()

    def _listen(self, heard: Callable[[int, bool], None]) -> None:
        while True:
            number, from_terminal = _next({*self.numbers, int(_END)})
            if number == _END:
                return
            heard(number, from_terminal)


def _next(numbers: set[int]) -> tuple[int, bool]:
    if not hasattr(signal, "sigwaitinfo"):  # macOS
        return int(signal.sigwait(numbers)), False
    info = signal.sigwaitinfo(numbers)
    return info.si_signo, info.si_code == _SI_KERNEL


def stop_ourselves() -> None:
    """Stop as Ctrl-Z does; returns when we go on. In the thread that listens."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
    os.kill(os.getpid(), signal.SIGTSTP)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
