"""Signals, as flags that a loop looks at: what they ask for is done between two pictures, never within one."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Self

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Takes the signals of the main thread while it is entered; gives them back as they were.

    Attributes:
        wakes: A file that can be read whenever there may be something to look at; ``wake`` does the same.
        resized: The terminal's size may have changed.
        stopped: Whoever watches wants the shell back for a while (Ctrl-Z).
        resumed: The process goes on after it was stopped.
        ended: The signal that ends everything, if one came.
    """

    def __init__(self) -> None:
        self.wakes, self._wakes = os.pipe()
        os.set_blocking(self.wakes, False)
        os.set_blocking(self._wakes, False)
        self.resized = self.stopped = self.resumed = False
        self.ended: signal.Signals | None = None
        self._before: dict[int, object] = {}
        self._woken_before = -1

    def __enter__(self) -> Self:
        self._woken_before = signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        for number in (*ENDING, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT):
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._woken_before)
        os.close(self.wakes)
        wakes, self._wakes = self._wakes, -1
        os.close(wakes)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGWINCH:
            self.resized = True
        elif number == signal.SIGTSTP:
            self.stopped = True
        elif number == signal.SIGCONT:
            self.resumed = True
        else:
            self.ended = signal.Signals(number)

    def wake(self) -> None:
        """Make ``wakes`` readable; from any thread, also when it is over."""
        with suppress(OSError):
            os.write(self._wakes, b"!")

    def drain(self) -> None:
        """Nothing is to be read from ``wakes`` any more."""
        with suppress(BlockingIOError):
            while os.read(self.wakes, 4096):
                pass

    def stop(self) -> None:
        """Stop the process as the terminal would have; returns when it goes on."""
        self.stopped = False
        mine = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, mine)


def die_of(number: signal.Signals) -> None:
    """End the process by a signal, so that whoever waits for it sees which."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
